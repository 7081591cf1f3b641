// src/os/descriptor.h over the simulated world.
#include "os/descriptor.h"

#include <algorithm>

#include "call.h"
#include "pipe.h"

namespace ioloop::os {

using namespace sim;

Result<Nothing> close(int fd) {
    return simulate_on<Nothing>(Op::close, fd, [fd](World &world, File &) {
        world.descriptors.close(fd);
        return Result<Nothing>{};
    });
}

Result<FdKind> kind(int fd) {
    return simulate_on<FdKind>(Op::kind, fd, [](World &, File &file) -> Result<FdKind> {
        if (file.type == FileType::socket) return {FdKind::socket, 0};
        return {file.type == FileType::regular ? FdKind::unusable : FdKind::pipe, 0};
    });
}

Result<Nothing> make_nonblocking_cloexec(int fd) {
    return simulate_on<Nothing>(Op::nonblock, fd, [](World &, File &) { return Result<Nothing>{}; });
}

Result<size_t> readable_bytes(int fd) {
    return simulate_on<size_t>(Op::readable_bytes, fd, [](World &, File &file) -> Result<size_t> {
        if (file.type == FileType::pipe) return {static_cast<PipeEnd &>(file).queue->bytes.size(), 0};
        if (file.type != FileType::socket) return Result<size_t>::failure(ENOTTY);
        Socket &socket = static_cast<Socket &>(file);
        if (socket.state == Socket::State::listening) return Result<size_t>::failure(EINVAL);
        return {socket.conn ? socket.conn->ends[socket.side].in.size() : 0, 0};
    });
}

// read and write serve pipes here, and sockets that somebody uses as such.
Result<size_t> read(int fd, const Slice *slices, size_t count) {
    return simulate_on<size_t>(Op::read, fd, [&](World &world, File &file) -> Result<size_t> {
        if (file.type == FileType::pipe)
            return static_cast<PipeEnd &>(file).read(world, slices, std::min(count, max_slices));
        if (file.type != FileType::socket) return Result<size_t>::failure(EINVAL);
        Socket &socket = static_cast<Socket &>(file);
        if (!socket.conn) return Result<size_t>::failure(ENOTCONN);
        return socket.conn->receive(socket.side, slices, std::min(count, max_slices));
    });
}

Result<size_t> write(int fd, const Slice *slices, size_t count) {
    return simulate_on<size_t>(Op::write, fd, [&](World &world, File &file) -> Result<size_t> {
        if (file.type == FileType::pipe)
            return static_cast<PipeEnd &>(file).write(world, slices, std::min(count, max_slices));
        if (file.type != FileType::socket) return Result<size_t>::failure(EINVAL);
        Socket &socket = static_cast<Socket &>(file);
        if (!socket.conn) return Result<size_t>::failure(ENOTCONN);
        return socket.conn->send(socket.side, slices, std::min(count, max_slices));
    });
}

Result<bool> writable_end(int fd) {
    return simulate_on<bool>(Op::writable_end, fd, [](World &, File &file) -> Result<bool> {
        return {file.type != FileType::pipe || static_cast<PipeEnd &>(file).writes, 0};
    });
}

}  // namespace ioloop::os
