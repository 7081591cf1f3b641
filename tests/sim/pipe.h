// The model of a pipe: one queue, a reading and a writing end.
#pragma once

#include <memory>

#include "descriptors.h"
#include "net.h"

namespace sim {

struct PipeQueue {
    Bytes bytes;
    size_t capacity = 65536;
    bool reader = true;
    bool writer = true;
};

class PipeEnd final : public File {
public:
    PipeEnd(std::shared_ptr<PipeQueue> shared, bool writing)
        : File(FileType::pipe), queue(std::move(shared)), writes(writing) {}
    uint32_t readiness() const override;
    void last_close() override { (writes ? queue->writer : queue->reader) = false; }
    Result<size_t> read(World &world, const os::Slice *slices, size_t count);
    Result<size_t> write(World &world, const os::Slice *slices, size_t count);

    std::shared_ptr<PipeQueue> queue;
    const bool writes;
};

struct PipeFds {
    int read;
    int write;
};
PipeFds open_pipe(World &world, size_t capacity = 65536);
// A descriptor that cannot be waited for.
int open_regular(World &world);

}  // namespace sim
