#include "os/readiness.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace ioloop::os {
namespace {

static_assert(sizeof(EpollEvent) == sizeof(epoll_event) && offsetof(EpollEvent, token) == offsetof(epoll_event, data));
static_assert(sizeof(PollEntry) == sizeof(pollfd) && offsetof(PollEntry, ready) == offsetof(pollfd, revents));
static_assert(ready_in == EPOLLIN && ready_out == EPOLLOUT && ready_err == EPOLLERR && ready_hup == EPOLLHUP);
static_assert(ready_in == POLLIN && ready_out == POLLOUT && ready_err == POLLERR && ready_hup == POLLHUP &&
              ready_nval == POLLNVAL);

constexpr int64_t second_ns = 1'000'000'000, millisecond_ns = 1'000'000;

Result<Nothing> outcome(int result) { return result == 0 ? Result<Nothing>{} : Result<Nothing>::failure(errno); }

Result<int> number(int result) { return result >= 0 ? Result<int>{result, 0} : Result<int>::failure(errno); }

Result<UniqueFd> opened(int fd) {
    if (fd < 0) return Result<UniqueFd>::failure(errno);
    return {UniqueFd(fd), 0};
}

// Milliseconds are all that this call knows: rounded up, never early. Long waits go in steps, because some kernels
// take a very large number for no limit.
Result<int> epoll_wait_ms(int epoll_fd, epoll_event *events, int capacity, int64_t timeout_ns) {
    constexpr int64_t step_ns = 30 * 60 * second_ns;
    if (timeout_ns < 0) return number(::epoll_wait(epoll_fd, events, capacity, -1));
    for (;;) {
        int64_t wait_ns = std::min(timeout_ns, step_ns);
        int milliseconds = static_cast<int>((wait_ns + millisecond_ns - 1) / millisecond_ns);
        Result<int> result = number(::epoll_wait(epoll_fd, events, capacity, milliseconds));
        timeout_ns -= wait_ns;
        if (!result.ok() || result.value > 0 || timeout_ns <= 0) return result;
    }
}

#ifdef SYS_epoll_pwait2
// Called by number: the C library knows it only since 2022. Its time has 64 bits on every machine.
struct KernelTime {
    int64_t seconds;
    int64_t nanoseconds;
};

std::atomic<bool> no_pwait2{false};
#endif

}  // namespace

Result<UniqueFd> epoll_open() { return opened(epoll_create1(EPOLL_CLOEXEC)); }

Result<Nothing> epoll_change(int epoll_fd, EpollChange change, int fd, uint32_t events, uint64_t token) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    int operation = EPOLL_CTL_DEL;
    if (change != EpollChange::remove) operation = change == EpollChange::add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return outcome(epoll_ctl(epoll_fd, operation, fd, &event));
}

Result<int> epoll_wait(int epoll_fd, EpollEvent *events, int capacity, int64_t timeout_ns) {
    auto *raw = reinterpret_cast<epoll_event *>(events);
#ifdef SYS_epoll_pwait2
    if (!no_pwait2.load(std::memory_order_relaxed)) {
        KernelTime limit{timeout_ns / second_ns, timeout_ns % second_ns};
        long result =
            syscall(SYS_epoll_pwait2, epoll_fd, raw, capacity, timeout_ns < 0 ? nullptr : &limit, nullptr, size_t{0});
        // An old kernel does not know the call, an old sandbox forbids it; it has no such errors of its own.
        if (result >= 0 || (errno != ENOSYS && errno != EPERM)) return number(static_cast<int>(result));
        no_pwait2.store(true, std::memory_order_relaxed);
    }
#endif
    return epoll_wait_ms(epoll_fd, raw, capacity, timeout_ns);
}

Result<int> poll(PollEntry *entries, size_t count, int64_t timeout_ns) {
    timespec limit{static_cast<time_t>(timeout_ns / second_ns), static_cast<long>(timeout_ns % second_ns)};
    return number(ppoll(reinterpret_cast<pollfd *>(entries), count, timeout_ns < 0 ? nullptr : &limit, nullptr));
}

Result<UniqueFd> eventfd_open() { return opened(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void eventfd_signal(int fd) {
    int saved = errno;
    const uint64_t one = 1;
    while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = saved;
}

void eventfd_drain(int fd) {
    uint64_t count;
    while (::read(fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

Result<UniqueFd> timerfd_open() { return opened(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)); }

Result<Nothing> timerfd_set(int fd, int64_t deadline_ns) {
    itimerspec setting{};
    if (deadline_ns != -1) {
        // Zero would disarm it.
        int64_t when = std::max<int64_t>(deadline_ns, 1);
        setting.it_value.tv_sec = static_cast<time_t>(when / second_ns);
        setting.it_value.tv_nsec = static_cast<long>(when % second_ns);
    }
    return outcome(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, nullptr));
}

}  // namespace ioloop::os
