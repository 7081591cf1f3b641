#include "os/readiness.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "forbid.h"
#include "os/clock.h"
#include "os/error.h"
#include "os/socket.h"

namespace ioloop::os {
namespace {

constexpr int64_t millisecond = 1'000'000;

// Both calls behind one face, on one descriptor or none.
struct Waiter {
    explicit Waiter(bool with_poll, int fd = -1) : with_poll_(with_poll), fd_(fd) {
        if (fd >= 0) {
            EXPECT_TRUE(epoll_change(epoll_.get(), EpollChange::add, fd, ready_in, 42).ok());
        }
    }
    Result<int> operator()(int64_t timeout_ns) {
        if (!with_poll_) {
            EpollEvent event;
            return epoll_wait(epoll_.get(), &event, 1, timeout_ns);
        }
        PollEntry entry{fd_, static_cast<short>(ready_in), 0};
        return poll(&entry, fd_ >= 0 ? 1 : 0, timeout_ns);
    }
    bool with_poll_;
    int fd_;
    UniqueFd epoll_ = epoll_open().value;
};

TEST(Readiness, H_B8_waits_are_never_early) {
    for (bool with_poll : {false, true}) {
        Waiter wait(with_poll);
        for (int64_t limit : {int64_t{0}, int64_t{1}, int64_t{999}, millisecond - 1, millisecond, millisecond + 1,
                              3 * millisecond / 2, 2 * millisecond - 1}) {
            int64_t begin = monotonic_ns();
            Result<int> result = wait(limit);
            EXPECT_TRUE(result.ok());
            EXPECT_EQ(result.value, 0);
            EXPECT_GE(monotonic_ns() - begin, limit);
        }
    }
}

TEST(Readiness, H_B8_huge_limits_do_not_return_at_once_nor_fail) {
    UniqueFd timer = timerfd_open().value;
    for (bool with_poll : {false, true}) {
        Waiter wait(with_poll, timer.get());
        for (int64_t limit : {int64_t{1} << 42, int64_t{1} << 53, std::numeric_limits<int64_t>::max(), int64_t{-1}}) {
            ASSERT_TRUE(timerfd_set(timer.get(), monotonic_ns() + millisecond).ok());
            Result<int> result = wait(limit);
            EXPECT_TRUE(result.ok()) << error_text(result.error);
            EXPECT_EQ(result.value, 1) << limit;
        }
    }
}

TEST(Readiness, H_C12_old_kernels_and_sandboxes_get_the_old_call) {
#ifdef SYS_epoll_pwait2
    for (int error : {ENOSYS, EPERM}) {
        pid_t pid = fork();
        if (pid == 0) {
            forbid(SYS_epoll_pwait2, static_cast<uint32_t>(error));
            UniqueFd event = eventfd_open().value;
            Waiter wait(false, event.get());
            int64_t begin = monotonic_ns();
            if (wait(millisecond + 1).value != 0) _exit(1);
            if (monotonic_ns() - begin <= millisecond) _exit(2);
            begin = monotonic_ns();
            if (wait(1).value != 0 || monotonic_ns() - begin < 1) _exit(3);
            if (wait(0).value != 0) _exit(4);
            eventfd_signal(event.get());
            const int64_t limits[] = {0, 1, int64_t{1} << 53, std::numeric_limits<int64_t>::max(), -1};
            for (int64_t limit : limits) {
                if (wait(limit).value != 1) _exit(5);
            }
            _exit(0);
        }
        int status = -1;
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == no_sandbox) GTEST_SKIP() << "no seccomp filters here";
        EXPECT_EQ(status, 0) << WEXITSTATUS(status);
    }
#endif
}

TEST(Readiness, H_D1_a_signal_is_told_and_not_retried) {
    struct sigaction action {}, before {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, &before);
    itimerval often{{0, 2000}, {0, 2000}}, never{};
    setitimer(ITIMER_REAL, &often, nullptr);
    for (bool with_poll : {false, true}) {
        Waiter wait(with_poll);
        Result<int> result = wait(-1);
        EXPECT_TRUE(interrupted(result.error));
        int64_t deadline = monotonic_ns() + 10 * millisecond;
        int calls = 0;
        result = retry([&] {
            ++calls;
            return wait(std::max<int64_t>(deadline - monotonic_ns(), 0));
        });
        EXPECT_TRUE(result.ok());
        EXPECT_GE(calls, 2);
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
}

TEST(Readiness, epoll_tells_tokens_of_64_bits) {
    UniqueFd event = eventfd_open().value, epoll = epoll_open().value;
    const uint64_t token = 0xfedcba9876543210u;
    ASSERT_TRUE(epoll_change(epoll.get(), EpollChange::add, event.get(), ready_in | ready_out, token).ok());
    EXPECT_EQ(epoll_change(epoll.get(), EpollChange::add, event.get(), ready_in, token).error, EEXIST);
    eventfd_signal(event.get());
    EpollEvent events[4];
    ASSERT_EQ(epoll_wait(epoll.get(), events, 4, 0).value, 1);
    EXPECT_EQ(uint64_t{events[0].token}, token);
    EXPECT_EQ(uint32_t{events[0].events}, ready_in | ready_out);
    ASSERT_TRUE(epoll_change(epoll.get(), EpollChange::modify, event.get(), ready_out, 7).ok());
    ASSERT_EQ(epoll_wait(epoll.get(), events, 4, 0).value, 1);
    EXPECT_EQ(uint64_t{events[0].token}, 7u);
    EXPECT_EQ(uint32_t{events[0].events}, ready_out);
    ASSERT_TRUE(epoll_change(epoll.get(), EpollChange::remove, event.get(), 0, 0).ok());
    EXPECT_EQ(epoll_wait(epoll.get(), events, 4, 0).value, 0);
    EXPECT_EQ(epoll_change(epoll.get(), EpollChange::remove, event.get(), 0, 0).error, ENOENT);
    EXPECT_EQ(epoll_change(epoll.get(), EpollChange::modify, event.get(), 0, 0).error, ENOENT);
}

TEST(Readiness, H_H3_a_full_eventfd_neither_blocks_nor_fails) {
    UniqueFd event = eventfd_open().value;
    uint64_t full = UINT64_MAX - 1;
    ASSERT_EQ(::write(event.get(), &full, sizeof full), 8);
    errno = 1234;
    for (int i = 0; i < 100; ++i) eventfd_signal(event.get());
    EXPECT_EQ(errno, 1234) << "a signal handler must not change it";
    Waiter wait(true, event.get());
    EXPECT_EQ(wait(0).value, 1) << "the reader wakes";
    eventfd_drain(event.get());
    EXPECT_EQ(wait(0).value, 0);
    eventfd_drain(event.get());
    eventfd_signal(event.get());
    EXPECT_EQ(wait(0).value, 1);
}

TEST(Readiness, timerfd_mirrors_a_deadline) {
    UniqueFd timer = timerfd_open().value;
    Waiter wait(true, timer.get());
    EXPECT_EQ(wait(0).value, 0);
    int64_t deadline = monotonic_ns() + 2 * millisecond;
    ASSERT_TRUE(timerfd_set(timer.get(), deadline).ok());
    EXPECT_EQ(wait(-1).value, 1);
    EXPECT_GE(monotonic_ns(), deadline);
    EXPECT_EQ(wait(0).value, 1) << "until it is set again";
    ASSERT_TRUE(timerfd_set(timer.get(), -1).ok());
    EXPECT_EQ(wait(0).value, 0);
    // What has passed is due at once, the beginning of time included.
    for (int64_t past : {int64_t{0}, int64_t{1}, std::numeric_limits<int64_t>::min(), monotonic_ns()}) {
        ASSERT_TRUE(timerfd_set(timer.get(), past).ok());
        EXPECT_EQ(wait(-1).value, 1) << past;
    }
    ASSERT_TRUE(timerfd_set(timer.get(), std::numeric_limits<int64_t>::max()).ok());
    EXPECT_EQ(wait(0).value, 0);
}

}  // namespace
}  // namespace ioloop::os
