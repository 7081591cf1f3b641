#include "pipe.h"

#include <algorithm>
#include <cerrno>

#include "os/readiness.h"
#include "world.h"

namespace sim {

namespace {
constexpr size_t at_once = 4096;  // a write of up to so many bytes is all or nothing

class RegularFile final : public File {
public:
    RegularFile() : File(FileType::regular) {}
};
}  // namespace

uint32_t PipeEnd::readiness() const {
    if (!writes) return (queue->bytes.empty() ? 0 : os::ready_in) | (queue->writer ? 0 : os::ready_hup);
    const size_t used = queue->bytes.size();
    const bool room = used < queue->capacity && queue->capacity - used >= std::min(at_once, queue->capacity);
    return (room || !queue->reader ? os::ready_out : 0) | (queue->reader ? 0 : os::ready_err);
}

Result<size_t> PipeEnd::read(World &world, const os::Slice *slices, size_t count) {
    if (writes) return Result<size_t>::failure(EBADF);
    if (queue->bytes.empty()) return queue->writer ? Result<size_t>::failure(EAGAIN) : Result<size_t>{0, 0};
    size_t most = queue->bytes.size();
    if (most > 1 && world.faults.strikes(Quirk::short_receive)) most = world.faults.random.between(1, most - 1);
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < most; ++i) {
        const size_t n = std::min(slices[i].size, most - taken);
        std::copy_n(queue->bytes.front(), n, static_cast<char *>(slices[i].data));
        queue->bytes.drop(n);
        taken += n;
    }
    return {taken, 0};
}

Result<size_t> PipeEnd::write(World &world, const os::Slice *slices, size_t count) {
    if (!writes) return Result<size_t>::failure(EBADF);
    if (!queue->reader) return Result<size_t>::failure(EPIPE);
    size_t total = 0;
    for (size_t i = 0; i < count; ++i) total += slices[i].size;
    size_t room = queue->capacity - std::min(queue->bytes.size(), queue->capacity);
    if (room == 0 || (total <= at_once && total > room && total <= queue->capacity)) {
        return Result<size_t>::failure(EAGAIN);
    }
    if (total > at_once && room > 1 && world.faults.strikes(Quirk::short_send)) {
        room = world.faults.random.between(1, room - 1);
    }
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < room; ++i) {
        const size_t n = std::min(slices[i].size, room - taken);
        queue->bytes.push(static_cast<const char *>(slices[i].data), n);
        taken += n;
    }
    return {taken, 0};
}

PipeFds open_pipe(World &world, size_t capacity) {
    auto queue = std::make_shared<PipeQueue>();
    queue->capacity = capacity;
    const int read = world.descriptors.open(std::make_shared<PipeEnd>(queue, false));
    const int write = world.descriptors.open(std::make_shared<PipeEnd>(queue, true));
    return {read, write};
}

int open_regular(World &world) { return world.descriptors.open(std::make_shared<RegularFile>()); }

}  // namespace sim
