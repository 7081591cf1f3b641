// The system's readiness calls: epoll, poll, eventfd, timerfd.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "os/descriptor.h"

namespace ioloop::os {

// Event bits as the system calls use them, the same for epoll and poll.
inline constexpr uint32_t ready_in = 0x001, ready_out = 0x004, ready_err = 0x008, ready_hup = 0x010, ready_nval = 0x020;

// One event of epoll; laid out as struct epoll_event of this machine.
#if defined(__x86_64__)
struct __attribute__((packed)) EpollEvent {
#else
struct EpollEvent {
#endif
    uint32_t events;
    uint64_t token;
};

// One entry of poll; laid out as struct pollfd.
struct PollEntry {
    int fd;
    short events;
    short ready;
};

enum class EpollChange { add, modify, remove };

Result<UniqueFd> epoll_open();
Result<Nothing> epoll_change(int epoll_fd, EpollChange change, int fd, uint32_t events, uint64_t token);
// timeout_ns: 0 does not wait, -1 waits without limit. Never returns before the time is over with nothing ready.
Result<int> epoll_wait(int epoll_fd, EpollEvent *events, int capacity, int64_t timeout_ns);
Result<int> poll(PollEntry *entries, size_t count, int64_t timeout_ns);

Result<UniqueFd> eventfd_open();
// Async-signal-safe. A full counter counts as success: the reader will wake.
void eventfd_signal(int fd);
void eventfd_drain(int fd);

Result<UniqueFd> timerfd_open();
// Absolute monotonic deadline; -1 disarms. A deadline that has passed makes it readable at once.
Result<Nothing> timerfd_set(int fd, int64_t deadline_ns);

}  // namespace ioloop::os
