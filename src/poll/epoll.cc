#include "poll/epoll.h"

#include <algorithm>

#include "os/error.h"

namespace ioloop {

EpollBackend::~EpollBackend() {
    if (events_) release(events_, batch_ * sizeof *events_);
}

Result<Nothing> EpollBackend::open() {
    events_ = static_cast<os::EpollEvent *>(allocate(batch_ * sizeof *events_));
    if (!events_) return Result<Nothing>::failure(os::out_of_memory);
    Result<os::UniqueFd> opened = os::epoll_open();
    fd_ = std::move(opened.value);
    return {{}, opened.error};
}

Result<Nothing> EpollBackend::add(int fd, uint32_t events, uint64_t token) {
    return os::epoll_change(fd_.get(), os::EpollChange::add, fd, system_bits(events), token);
}

Result<Nothing> EpollBackend::modify(int fd, uint32_t events, uint64_t token) {
    return os::epoll_change(fd_.get(), os::EpollChange::modify, fd, system_bits(events), token);
}

Result<Nothing> EpollBackend::remove(int fd) {
    return os::epoll_change(fd_.get(), os::EpollChange::remove, fd, 0, 0);
}

Result<size_t> EpollBackend::wait(Ready *out, size_t capacity, int64_t timeout_ns) {
    int batch = static_cast<int>(std::min(capacity, batch_));
    Result<int> result = os::epoll_wait(fd_.get(), events_, batch, timeout_ns);
    for (int i = 0; i < result.value; ++i) out[i] = {events_[i].token, ready_events(events_[i].events)};
    return {static_cast<size_t>(result.value), result.error};
}

}  // namespace ioloop
