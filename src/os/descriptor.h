// Descriptors of any kind: owning, closing, reading and writing them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace ioloop::os {

// A piece of memory to receive into or to send from; laid out as struct iovec.
struct Slice {
    void *data;
    size_t size;
};

enum class FdKind {
    socket,
    pipe,      // a pipe, a FIFO or a terminal: read(2), write(2), pollable
    unusable,  // a regular file or a directory: not pollable
};

// Never retried: on Linux the descriptor is gone even if a signal interrupts the call.
Result<Nothing> close(int fd);
Result<FdKind> kind(int fd);
Result<Nothing> make_nonblocking_cloexec(int fd);
// Bytes that a read would give at once; 0 also at the end of the data and when an error waits.
Result<size_t> readable_bytes(int fd);
Result<size_t> read(int fd, const Slice *slices, size_t count);
Result<size_t> write(int fd, const Slice *slices, size_t count);
// Opened for reading, or for writing, or both.
Result<bool> writable_end(int fd);

// Most slices one read, write, receive or send may carry.
inline constexpr size_t max_slices = 64;

// Owns one descriptor and closes it.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd &&other) noexcept : fd_(other.release()) {}
    UniqueFd &operator=(UniqueFd &&other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }
    int release() {
        int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset(int fd = -1) {
        if (fd_ >= 0) close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

}  // namespace ioloop::os
