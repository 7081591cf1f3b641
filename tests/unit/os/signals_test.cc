#include "os/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "os/readiness.h"

namespace ioloop::os {
namespace {

std::atomic<int> host_calls{0};
std::atomic<int> host_value{0};

void plain_handler(int) { host_calls.fetch_add(1); }
void full_handler(int, siginfo_t *info, void *context) {
    host_calls.fetch_add(1);
    host_value = context ? info->si_value.sival_int : -1;
}

// The number of times the descriptor was signalled since the last call.
uint64_t signalled(const UniqueFd &event) {
    uint64_t count = 0;
    return ::read(event.get(), &count, sizeof count) == 8 ? count : 0;
}

class Signals : public testing::Test {
protected:
    void SetUp() override {
        host_calls = 0;
        host_value = 0;
        sigaction(SIGUSR1, nullptr, &usr1_);
        sigaction(SIGUSR2, nullptr, &usr2_);
        pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    }
    void TearDown() override {
        sigset_t now;
        pthread_sigmask(SIG_SETMASK, nullptr, &now);
        for (int signum = 1; signum < signal_limit; ++signum)
            EXPECT_EQ(sigismember(&now, signum), sigismember(&mask_, signum)) << "mask changed for " << signum;
        sigaction(SIGUSR1, &usr1_, nullptr);
        sigaction(SIGUSR2, &usr2_, nullptr);
    }
    static struct sigaction current(int signum) {
        struct sigaction action {};
        sigaction(signum, nullptr, &action);
        return action;
    }

    UniqueFd wake_ = eventfd_open().value;
    struct sigaction usr1_, usr2_;
    sigset_t mask_;
};

TEST_F(Signals, are_counted_and_wake) {
    SignalHub hub;
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    EXPECT_FALSE(hub.any_pending());
    EXPECT_EQ(hub.take(SIGUSR1), 0u);
    for (int i = 0; i < 3; ++i) raise(SIGUSR1);
    EXPECT_TRUE(hub.any_pending());
    EXPECT_EQ(signalled(wake_), 3u);
    EXPECT_EQ(hub.take(SIGUSR1), 3u);
    EXPECT_FALSE(hub.any_pending());
    EXPECT_EQ(hub.take(SIGUSR1), 0u);
    EXPECT_EQ(hub.take(SIGUSR2), 0u);
    EXPECT_TRUE(hub.unwatch(SIGUSR1).ok());
}

TEST_F(Signals, refusals) {
    SignalHub hub;
    for (int signum : {SIGKILL, SIGSTOP, 0, -1, signal_limit, 1 << 30, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 32, 33})
        EXPECT_EQ(hub.watch(signum, wake_.get()).error, EINVAL) << signum;
    EXPECT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    EXPECT_EQ(hub.watch(SIGUSR1, wake_.get()).error, EEXIST);
    EXPECT_EQ(hub.unwatch(SIGUSR2).error, ENOENT);
    EXPECT_TRUE(hub.unwatch(SIGUSR1).ok());
    for (int signum : {SIGUSR1, 0, -1, signal_limit}) EXPECT_EQ(hub.unwatch(signum).error, ENOENT);
    EXPECT_EQ(hub.take(-1), 0u);
}

TEST_F(Signals, H_H8_the_previous_action_comes_back_with_the_last_watch) {
    struct sigaction host {};
    host.sa_handler = plain_handler;
    host.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &host, nullptr);
    {
        SignalHub first, second;
        ASSERT_TRUE(first.watch(SIGUSR1, wake_.get()).ok());
        ASSERT_TRUE(second.watch(SIGUSR1, wake_.get()).ok());
        ASSERT_TRUE(second.watch(SIGUSR2, wake_.get()).ok());
        EXPECT_TRUE(first.unwatch(SIGUSR1).ok());
        EXPECT_NE(current(SIGUSR1).sa_handler, plain_handler);
        raise(SIGUSR1);
        EXPECT_EQ(first.take(SIGUSR1), 0u);
        EXPECT_EQ(second.take(SIGUSR1), 1u);
    }
    EXPECT_EQ(current(SIGUSR1).sa_handler, plain_handler);
    EXPECT_EQ(current(SIGUSR1).sa_flags & SA_NODEFER, SA_NODEFER);
    EXPECT_EQ(current(SIGUSR2).sa_handler, usr2_.sa_handler);
    for (auto disposition : {SIG_DFL, SIG_IGN}) {
        signal(SIGUSR1, disposition);
        SignalHub hub;
        ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
        raise(SIGUSR1);
        EXPECT_EQ(hub.take(SIGUSR1), 1u);
        ASSERT_TRUE(hub.unwatch(SIGUSR1).ok());
        EXPECT_EQ(current(SIGUSR1).sa_handler, disposition);
    }
}

TEST_F(Signals, H_H8_previous_handlers_go_on_being_called) {
    SignalHub hub;
    signal(SIGUSR1, plain_handler);
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    raise(SIGUSR1);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
    EXPECT_EQ(host_calls, 1);
    ASSERT_TRUE(hub.unwatch(SIGUSR1).ok());

    struct sigaction host {};
    host.sa_sigaction = full_handler;
    host.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGUSR1, &host, nullptr);
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    sigval value{};
    value.sival_int = 77;
    sigqueue(getpid(), SIGUSR1, value);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
    EXPECT_EQ(host_calls, 2);
    EXPECT_EQ(host_value, 77);
}

struct sigaction covered;
void covering_handler(int signum, siginfo_t *info, void *context) {
    host_calls.fetch_add(1);
    if (covered.sa_flags & SA_SIGINFO) covered.sa_sigaction(signum, info, context);
}

TEST_F(Signals, H_H8_a_handler_put_over_ours_stays_and_does_not_loop) {
    SignalHub hub;
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    struct sigaction over {};
    over.sa_sigaction = covering_handler;
    over.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &over, &covered);
    raise(SIGUSR1);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
    EXPECT_EQ(host_calls, 1);

    ASSERT_TRUE(hub.unwatch(SIGUSR1).ok());
    EXPECT_EQ(current(SIGUSR1).sa_sigaction, covering_handler) << "not ours to remove";
    raise(SIGUSR1);
    EXPECT_EQ(host_calls, 2);
    EXPECT_EQ(signalled(wake_), 1u);

    // Watched again: it still reaches us through the covering handler, once.
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    raise(SIGUSR1);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
    EXPECT_EQ(host_calls, 3);
    // The cover goes away: ours is on top, and goes too.
    sigaction(SIGUSR1, &covered, nullptr);
    raise(SIGUSR1);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
    ASSERT_TRUE(hub.unwatch(SIGUSR1).ok());
    EXPECT_EQ(current(SIGUSR1).sa_handler, usr1_.sa_handler);
}

TEST_F(Signals, every_hub_that_watches_counts) {
    std::vector<std::unique_ptr<SignalHub>> hubs;
    for (int i = 0; i < signal_hub_limit; ++i) {
        hubs.push_back(std::make_unique<SignalHub>());
        ASSERT_TRUE(hubs.back()->watch(SIGUSR1, wake_.get()).ok());
    }
    SignalHub late;
    EXPECT_EQ(late.watch(SIGUSR1, wake_.get()).error, ENFILE);
    EXPECT_EQ(late.watch(SIGUSR2, wake_.get()).error, ENFILE);
    EXPECT_EQ(current(SIGUSR2).sa_handler, usr2_.sa_handler);
    raise(SIGUSR1);
    for (auto &hub : hubs) EXPECT_EQ(hub->take(SIGUSR1), 1u);
    EXPECT_EQ(signalled(wake_), 64u);
    hubs.resize(10);
    EXPECT_TRUE(late.watch(SIGUSR1, wake_.get()).ok());
    raise(SIGUSR1);
    EXPECT_EQ(late.take(SIGUSR1), 1u);
}

TEST_F(Signals, what_came_before_a_watch_is_not_counted) {
    SignalHub hub;
    signal(SIGUSR1, plain_handler);
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    raise(SIGUSR1);
    ASSERT_TRUE(hub.unwatch(SIGUSR1).ok());
    EXPECT_FALSE(hub.any_pending());
    ASSERT_TRUE(hub.watch(SIGUSR1, wake_.get()).ok());
    EXPECT_FALSE(hub.any_pending());
    EXPECT_EQ(hub.take(SIGUSR1), 0u);
}

TEST_F(Signals, H_H8_none_is_lost_in_a_flood) {
    constexpr uint64_t each = 25000;
    SignalHub first, second;
    ASSERT_TRUE(first.watch(SIGUSR1, wake_.get()).ok());
    ASSERT_TRUE(second.watch(SIGUSR1, wake_.get()).ok());
    std::atomic<int> running{4};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            // To itself, a thread's signals do not merge.
            for (uint64_t n = 0; n < each; ++n) raise(SIGUSR1);
            --running;
        });
    }
    uint64_t taken = 0;
    while (running != 0) taken += first.take(SIGUSR1);
    for (auto &thread : threads) thread.join();
    taken += first.take(SIGUSR1);
    EXPECT_EQ(taken, 4 * each);
    EXPECT_EQ(second.take(SIGUSR1), 4 * each);
    EXPECT_FALSE(first.any_pending());
}

// A handler on another thread must not touch the wake descriptor once unwatch has returned: the number may belong to
// somebody else by then.
TEST_F(Signals, H_H8_a_released_hub_signals_nobody) {
    signal(SIGUSR1, plain_handler);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!stop) raise(SIGUSR1);
        });
    }
    uint64_t taken = 0;
    for (int round = 0; round < 3000; ++round) {
        UniqueFd wake = eventfd_open().value;
        const int number = wake.get();
        {
            SignalHub hub;
            ASSERT_TRUE(hub.watch(SIGUSR1, number).ok());
            while (round % 100 == 0 && !hub.any_pending()) sched_yield();
            taken += hub.take(SIGUSR1);
        }
        wake.reset();
        UniqueFd stranger = eventfd_open().value;
        ASSERT_EQ(stranger.get(), number);
        EXPECT_EQ(signalled(stranger), 0u);
    }
    stop = true;
    for (auto &thread : threads) thread.join();
    EXPECT_GT(taken, 0u);
    EXPECT_GT(host_calls, 0);
}

TEST_F(Signals, H_H8_unwatch_waits_for_a_handler_at_work) {
    // Full and blocking: the handler stays inside its write until somebody reads.
    UniqueFd wake(eventfd(0, EFD_CLOEXEC)), left = eventfd_open().value;
    const uint64_t full = UINT64_MAX - 1;
    ASSERT_EQ(::write(wake.get(), &full, sizeof full), 8);
    signal(SIGUSR1, plain_handler);
    SignalHub hub;
    ASSERT_TRUE(hub.watch(SIGUSR1, wake.get()).ok());
    std::thread receiver([] { raise(SIGUSR1); });
    while (!hub.any_pending()) sched_yield();
    std::atomic<bool> released{false};
    std::thread remover([&] {
        EXPECT_TRUE(hub.unwatch(SIGUSR1).ok());
        EXPECT_TRUE(released) << "the handler still had the descriptor";
        eventfd_signal(left.get());
    });
    PollEntry entry{left.get(), static_cast<short>(ready_in), 0};
    EXPECT_EQ(poll(&entry, 1, 20'000'000).value, 0);
    released = true;
    EXPECT_GT(signalled(wake), 0u);
    remover.join();
    receiver.join();
    EXPECT_EQ(host_calls, 1);
}

TEST_F(Signals, errno_survives_the_handler) {
    SignalHub hub;
    // A wake descriptor that fails in every way.
    ASSERT_TRUE(hub.watch(SIGUSR1, -1).ok());
    errno = 4321;
    raise(SIGUSR1);
    EXPECT_EQ(errno, 4321);
    EXPECT_EQ(hub.take(SIGUSR1), 1u);
}

TEST_F(Signals, H_H9_a_child_neither_wakes_its_parent_nor_is_stuck_with_its_hubs) {
    auto hub = std::make_unique<SignalHub>();
    ASSERT_TRUE(hub->watch(SIGUSR1, wake_.get()).ok());
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        if (signalled(wake_) != 0) _exit(1);
        SignalHub own;
        UniqueFd event = eventfd_open().value;
        if (!own.watch(SIGUSR1, event.get()).ok()) _exit(2);
        raise(SIGUSR1);
        if (own.take(SIGUSR1) != 1 || signalled(event) != 1 || signalled(wake_) != 0) _exit(3);
        hub.reset();
        raise(SIGUSR1);
        if (own.take(SIGUSR1) != 1) _exit(4);
        if (!own.unwatch(SIGUSR1).ok()) _exit(5);
        struct sigaction now {};
        sigaction(SIGUSR1, nullptr, &now);
        _exit(now.sa_handler == SIG_DFL ? 0 : 6);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0) << WEXITSTATUS(status);
    raise(SIGUSR1);
    EXPECT_EQ(hub->take(SIGUSR1), 1u);
    EXPECT_EQ(signalled(wake_), 1u);
}

}  // namespace
}  // namespace ioloop::os
