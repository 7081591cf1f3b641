// The epoll back end: the kernel keeps the set.
#pragma once

#include "base/memory.h"
#include "os/descriptor.h"
#include "poll/ready.h"

namespace ioloop {

class EpollBackend {
public:
    static constexpr const char *name = "epoll";

    EpollBackend() = default;
    EpollBackend(const EpollBackend &) = delete;
    EpollBackend &operator=(const EpollBackend &) = delete;
    ~EpollBackend();

    Result<Nothing> open();
    Result<Nothing> add(int fd, uint32_t events, uint64_t token);
    Result<Nothing> modify(int fd, uint32_t events, uint64_t token);
    Result<Nothing> remove(int fd);
    Result<size_t> wait(Ready *out, size_t capacity, int64_t timeout_ns);
    int native_fd() const { return fd_.get(); }

private:
    static constexpr size_t batch_ = 256;

    os::UniqueFd fd_;
    os::EpollEvent *events_ = nullptr;  // batch_ of them
};

}  // namespace ioloop
