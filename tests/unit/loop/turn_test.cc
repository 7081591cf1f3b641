// The turn: nothing starves anything else, what is removed in a turn does not run in it, and a loop with nothing to do
// waits.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop_fixture.h"

namespace {

struct Pair {
    Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0); }
    ~Pair() {
        for (int end : ends) {
            if (end >= 0) close(end);
        }
    }
    Pair(const Pair &) = delete;
    Pair &operator=(const Pair &) = delete;

    int ends[2];
};

void put(int fd) { EXPECT_EQ(send(fd, "x", 1, MSG_NOSIGNAL), 1); }
void take(int fd) {
    char byte;
    EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
}

class TurnTest : public LoopTest {
protected:
    // Whether a byte makes its way through a handler and back 100 times, one turn for each way.
    void expect_echo() {
        Pair pair;
        ASSERT_EQ(
            add_handler(loop_, pair.ends[0], IOLOOP_READ, [&](uint32_t) { take(pair.ends[0]), put(pair.ends[0]); }),
            IOLOOP_OK);
        for (int round = 0; round < 100; ++round) {
            put(pair.ends[1]);
            char byte;
            int turns = 0;
            for (; recv(pair.ends[1], &byte, 1, 0) != 1 && turns < 10; ++turns) ASSERT_GE(ioloop_run_once(loop_, 0), 0);
            EXPECT_LE(turns, 2) << "in round " << round;
        }
        EXPECT_EQ(ioloop_remove_handler(loop_, pair.ends[0]), IOLOOP_OK);
    }
};

TEST_F(TurnTest, H_T3_ZeroDelayTimeoutDoesNotStarve) {
    int fired = 0;
    std::function<void()> again = [&] {
        ++fired;
        EXPECT_EQ(call_later(loop_, nullptr, 0, [&] { again(); }), IOLOOP_OK);
    };
    again();
    expect_echo();
    EXPECT_GE(fired, 100);
    // Once a turn at most: one that is made in a turn does not fire in it.
    EXPECT_LE(stats_of(loop_).timeouts_fired, stats_of(loop_).turns);
}

TEST_F(TurnTest, H_H4_CallbacksAddingCallbacksDoNotStarve) {
    int ran = 0;
    std::function<void()> again = [&] {
        ++ran;
        EXPECT_EQ(add_callback(loop_, [&] { again(); }), IOLOOP_OK);
    };
    again();
    expect_echo();
    EXPECT_GE(ran, 100);
    EXPECT_LE(stats_of(loop_).callbacks_run, stats_of(loop_).turns);
}

TEST_F(TurnTest, H_H4_PostsFromSignalHandlersDoNotStarve) {
    struct Again {
        ioloop_t *loop;
        static void run(void *ctx) {
            auto *self = static_cast<Again *>(ctx);
            EXPECT_EQ(ioloop_add_callback_from_signal(self->loop, run, self), IOLOOP_OK);
        }
    } again{loop_};
    Again::run(&again);
    expect_echo();
}

TEST_F(TurnTest, H_T4_TimeoutsCancelEachOtherInOneTurn) {
    uint64_t timeouts[2];
    int fired = 0;
    for (int i = 0; i < 2; ++i) {
        auto cancel_other = [&, i] {
            ++fired;
            EXPECT_EQ(ioloop_remove_timeout(loop_, timeouts[i]), IOLOOP_ENOENT) << "it runs already";
            EXPECT_EQ(ioloop_remove_timeout(loop_, timeouts[1 - i]), IOLOOP_OK);
            EXPECT_EQ(ioloop_update_timeout(loop_, timeouts[1 - i], 0), IOLOOP_ENOENT);
        };
        ASSERT_EQ(call_later(loop_, &timeouts[i], 0, cancel_other), IOLOOP_OK);
    }
    run_idle(loop_);
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(stats_of(loop_).timeouts, 0u);
}

TEST_F(TurnTest, H_T4_DueTimeoutMovedAwayInItsTurn) {
    uint64_t second = 0;
    bool fired = false;
    ASSERT_EQ(
        call_later(
            loop_, nullptr, 0,
            [&] { EXPECT_EQ(ioloop_update_timeout(loop_, second, ioloop_clock_ns() + 3600 * seconds), IOLOOP_OK); }),
        IOLOOP_OK);
    ASSERT_EQ(call_later(loop_, &second, 0, [&] { fired = true; }), IOLOOP_OK);
    run_idle(loop_);
    EXPECT_FALSE(fired);
    EXPECT_EQ(ioloop_remove_timeout(loop_, second), IOLOOP_OK);
}

// Ten ready descriptors; the first handler that runs removes all others.
TEST_F(TurnTest, H_A1_RemovedInTheSameBatch) {
    Pair pairs[10];
    int ran = 0;
    for (Pair &pair : pairs) {
        auto remove_others = [&](uint32_t) {
            ++ran;
            take(pair.ends[0]);
            for (Pair &other : pairs) {
                if (&other == &pair) continue;
                EXPECT_EQ(ioloop_remove_handler(loop_, other.ends[0]), IOLOOP_OK);
            }
        };
        ASSERT_EQ(add_handler(loop_, pair.ends[0], IOLOOP_READ, remove_others), IOLOOP_OK);
        put(pair.ends[1]);
    }
    run_idle(loop_);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(stats_of(loop_).handlers, 1u);
    EXPECT_EQ(stats_of(loop_).idle_wakeups, 0u);
}

// The first handler that runs removes the other, closes its descriptor and gets the number again for a new one, which
// is not ready: its handler must not be told of the old one's event.
TEST_F(TurnTest, H_A2_DescriptorReusedInTheSameBatch) {
    for (bool ready : {false, true}) {
        Pair pairs[2];
        Pair fresh;
        int old = 0, reused = 0;
        for (int i = 0; i < 2; ++i) {
            auto replace_other = [&, i](uint32_t) {
                ++old;
                take(pairs[i].ends[0]);
                int fd = pairs[1 - i].ends[0];
                EXPECT_EQ(ioloop_remove_handler(loop_, fd), IOLOOP_OK);
                EXPECT_EQ(dup3(fresh.ends[0], fd, O_CLOEXEC), fd);
                EXPECT_EQ(add_handler(loop_, fd, IOLOOP_READ, [&, fd](uint32_t) { ++reused, take(fd); }), IOLOOP_OK);
            };
            ASSERT_EQ(add_handler(loop_, pairs[i].ends[0], IOLOOP_READ, replace_other), IOLOOP_OK);
            put(pairs[i].ends[1]);
        }
        if (ready) put(fresh.ends[1]);
        ASSERT_GE(ioloop_run_once(loop_, 0), 0);
        EXPECT_EQ(old, 1);
        EXPECT_EQ(reused, 0);
        run_idle(loop_);
        EXPECT_EQ(reused, ready ? 1 : 0);
        for (Pair &pair : pairs) EXPECT_EQ(ioloop_remove_handler(loop_, pair.ends[0]), IOLOOP_OK);
    }
}

// A ready handler in pull mode waits for ioloop_poll; meanwhile the loop sleeps instead of hearing of it again.
TEST_F(TurnTest, H_B1_PullHandlerNotPolledDoesNotSpin) {
    Pair pair;
    int tag = 0;
    ASSERT_EQ(ioloop_add_handler(loop_, pair.ends[0], IOLOOP_READ, nullptr, &tag, nullptr), IOLOOP_OK);
    put(pair.ends[1]);
    ASSERT_GE(ioloop_run_once(loop_, 0), 0);
    ioloop_stats_t before = stats_of(loop_);
    for (int i = 0; i < 100; ++i) ASSERT_GE(ioloop_run_once(loop_, 1 * milliseconds), 0);
    ioloop_stats_t after = stats_of(loop_);
    EXPECT_LE(after.waits - before.waits, 101u);
    EXPECT_EQ(before.idle_wakeups, 0u);
    EXPECT_LE(after.idle_wakeups, 1u) << "heard of once more, then no longer";

    ioloop_event_t events[4];
    ASSERT_EQ(ioloop_poll(loop_, events, 4, 0), 1);
    EXPECT_EQ(events[0].type, static_cast<uint32_t>(IOLOOP_EVENT_HANDLER));
    EXPECT_EQ(events[0].op, static_cast<uint64_t>(pair.ends[0]));
    EXPECT_EQ(events[0].value, static_cast<uint64_t>(IOLOOP_READ));
    EXPECT_EQ(ioloop_poll(loop_, events, 4, 0), 1) << "the byte is still there";
    take(pair.ends[0]);
    EXPECT_EQ(ioloop_remove_handler(loop_, pair.ends[0]), IOLOOP_OK);
    run_idle(loop_);
}

TEST_F(TurnTest, NothingToDoIsOneWait) {
    ioloop_stats_t before = stats_of(loop_);
    ASSERT_EQ(ioloop_run_once(loop_, 20 * milliseconds), 0);
    ioloop_stats_t after = stats_of(loop_);
    EXPECT_EQ(after.waits - before.waits, 1u);
    EXPECT_EQ(after.idle_wakeups, before.idle_wakeups);
}

// The child sees its parent's loop only to free it; the parent's descriptors stay watched.
TEST_F(TurnTest, H_H9_ForkLeavesTheParentsLoopAlone) {
    Pair pair;
    int ran = 0;
    ASSERT_EQ(add_handler(loop_, pair.ends[0], IOLOOP_READ, [&](uint32_t) { ++ran, take(pair.ends[0]); }), IOLOOP_OK);
    ASSERT_EQ(call_later(loop_, nullptr, 0, [&] { ++ran; }), IOLOOP_OK);
    ASSERT_GE(ioloop_run_once(loop_, 0), 0);
    ASSERT_EQ(ran, 1);
    pid_t child = fork();
    if (child == 0) {
        int wrong = 0;
        wrong += ioloop_run_once(loop_, 0) != IOLOOP_EFORKED;
        wrong += ioloop_remove_handler(loop_, pair.ends[0]) != IOLOOP_EFORKED;
        wrong += call_later(loop_, nullptr, 0, [] {}) != IOLOOP_EFORKED;
        ioloop_free(loop_);
        wrong += ioloop_memory_bytes() != 0;
        ioloop_t *own = nullptr;
        ioloop_options_t options = loop_options();
        wrong += ioloop_new(&own, &options) != IOLOOP_OK;
        wrong += ioloop_run_once(own, 0) != 0;
        ioloop_free(own);
        _exit(wrong);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    put(pair.ends[1]);
    EXPECT_TRUE(run_until(loop_, [&] { return ran == 2; }));
    EXPECT_EQ(ioloop_remove_handler(loop_, pair.ends[0]), IOLOOP_OK);
}

}  // namespace
