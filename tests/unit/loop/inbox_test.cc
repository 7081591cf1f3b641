// The inbox: order, wake-ups and limits of what other threads and signal handlers give to a loop.
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "loop_fixture.h"

namespace {

constexpr size_t producers = 4;

struct Post {
    uint32_t producer;
    uint32_t number;
    std::vector<Post> *seen;
};

void see(void *ctx) {
    auto *post = static_cast<Post *>(ctx);
    post->seen->push_back(*post);
}

class InboxTest : public LoopTest {};

TEST_F(InboxTest, FifoForEveryProducer) {
    constexpr uint32_t posts = 20000;
    std::vector<Post> seen;
    std::vector<std::thread> threads;
    for (uint32_t producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&, producer] {
            for (uint32_t i = 0; i < posts; ++i) {
                EXPECT_EQ(ioloop_add_callback(loop_, see, new Post{producer, i, &seen}, drop<Post>), IOLOOP_OK);
            }
        });
    }
    EXPECT_TRUE(run_until(loop_, [&] { return seen.size() >= producers * posts; }));
    for (std::thread &thread : threads) thread.join();
    ASSERT_EQ(seen.size(), producers * posts);
    std::array<uint32_t, producers> next{};
    for (const Post &post : seen) ASSERT_EQ(post.number, next[post.producer]++);
    EXPECT_EQ(stats_of(loop_).posted, producers * posts);
}

// The producer answers a callback with the next post at the very time at which the loop goes to sleep. A wake-up that
// is lost leaves the loop waiting for ten seconds.
TEST_F(InboxTest, H_H1_NoLostWakeUp) {
    constexpr uint32_t rounds = 20000;
    std::atomic<uint32_t> done{0};
    std::thread producer([&] {
        for (uint32_t i = 0; i < rounds; ++i) {
            while (done.load() != i) std::this_thread::yield();
            int32_t status = ioloop_add_callback(
                loop_, [](void *ctx) { ++*static_cast<std::atomic<uint32_t> *>(ctx); }, &done, nullptr);
            EXPECT_EQ(status, IOLOOP_OK);
        }
    });
    while (done.load() != rounds) {
        int64_t start = ioloop_clock_ns();
        ioloop_run_once(loop_, 10 * seconds);
        EXPECT_LT(ioloop_clock_ns() - start, 9 * seconds) << "in round " << done.load();
    }
    producer.join();
    EXPECT_EQ(done.load(), rounds);
}

TEST_F(InboxTest, H_H1_WakeIsNotLost) {
    std::atomic<uint32_t> turn{0};
    constexpr uint32_t rounds = 5000;
    std::thread producer([&] {
        for (uint32_t i = 0; i < rounds; ++i) {
            while (turn.load() != i) std::this_thread::yield();
            EXPECT_EQ(ioloop_wake(loop_), IOLOOP_OK);
        }
    });
    for (uint32_t i = 0; i < rounds; ++i) {
        int64_t start = ioloop_clock_ns();
        ASSERT_GE(ioloop_run_once(loop_, 10 * seconds), 0);
        EXPECT_LT(ioloop_clock_ns() - start, 9 * seconds) << "in round " << i;
        turn.store(i + 1);
    }
    producer.join();
}

// Posts meet a loop in every state: running, closed, freed. Each ctx is freed exactly once, wherever its post ended.
TEST_F(InboxTest, H_H2_PostingWhileTheLoopGoes) {
    for (int round = 0; round < 50; ++round) {
        ioloop_t *loop = new_loop(loop_options());
        std::atomic<uint64_t> posted{0}, freed{0}, ran{0}, accepted{0};
        struct Context {
            std::atomic<uint64_t> *freed, *ran;
            std::atomic<bool> gone{false};
        };
        std::vector<std::vector<std::unique_ptr<Context>>> contexts(producers);
        std::vector<std::thread> threads;
        for (size_t producer = 0; producer < producers; ++producer) {
            threads.emplace_back([&, producer] {
                for (int32_t status = IOLOOP_OK; status != IOLOOP_EHANDLE;) {
                    auto &context = contexts[producer].emplace_back(new Context{&freed, &ran});
                    ++posted;
                    status = ioloop_add_callback(
                        loop, [](void *ctx) { ++*static_cast<Context *>(ctx)->ran; }, context.get(),
                        [](void *ctx) {
                            auto *mine = static_cast<Context *>(ctx);
                            EXPECT_FALSE(mine->gone.exchange(true));
                            ++*mine->freed;
                        });
                    if (status == IOLOOP_OK)
                        ++accepted;
                    else
                        EXPECT_TRUE(status == IOLOOP_ECLOSED || status == IOLOOP_EHANDLE) << status;
                }
            });
        }
        while (ran.load() < 100) ASSERT_GE(ioloop_run_once(loop, 1 * seconds), 0);
        if (round % 2 == 0) {
            EXPECT_EQ(ioloop_close(loop, 0), IOLOOP_OK);
        }
        ioloop_free(loop);
        for (std::thread &thread : threads) thread.join();
        EXPECT_EQ(freed.load(), posted.load());
        EXPECT_LE(ran.load(), accepted.load());
    }
}

TEST_F(InboxTest, FullAtMaxPosted) {
    ioloop_options_t options = loop_options();
    options.max_posted = 8;
    ioloop_t *loop = new_loop(options);
    int ran = 0, freed = 0;
    struct Context {
        int *ran, *freed;
    } context{&ran, &freed};
    auto post = [&] {
        int32_t status = 1;
        std::thread([&] {
            status = ioloop_add_callback(
                loop, [](void *ctx) { ++*static_cast<Context *>(ctx)->ran; }, &context,
                [](void *ctx) { ++*static_cast<Context *>(ctx)->freed; });
        }).join();
        return status;
    };
    ASSERT_GE(ioloop_run_once(loop, 0), 0);
    for (int round = 0; round < 2; ++round) {
        ran = freed = 0;
        for (int i = 0; i < 8; ++i) EXPECT_EQ(post(), IOLOOP_OK);
        EXPECT_EQ(post(), IOLOOP_EFULL);
        EXPECT_EQ(freed, 1);
        run_idle(loop);
        EXPECT_EQ(ran, 8);
        EXPECT_EQ(freed, 9);
    }
    ioloop_free(loop);
}

TEST_F(InboxTest, SignalNodesRunOutAndComeBack) {
    int ran = 0;
    auto post = [&] {
        return ioloop_add_callback_from_signal(
            loop_, [](void *ctx) { ++*static_cast<int *>(ctx); }, &ran);
    };
    for (int round = 0; round < 3; ++round) {
        ran = 0;
        for (int i = 0; i < 256; ++i) ASSERT_EQ(post(), IOLOOP_OK);
        EXPECT_EQ(post(), IOLOOP_EFULL);
        run_idle(loop_);
        EXPECT_EQ(ran, 256);
    }
}

TEST_F(InboxTest, SignalNodeIsFreeInsideItsCallback) {
    struct Again {
        ioloop_t *loop;
        int left;
    } again{loop_, 1000};
    for (int i = 0; i < 256; ++i) {
        int32_t status = ioloop_add_callback_from_signal(
            loop_,
            [](void *ctx) {
                auto *self = static_cast<Again *>(ctx);
                if (self->left-- <= 0) return;
                EXPECT_EQ(ioloop_add_callback_from_signal(
                              self->loop, [](void *inner) { --static_cast<Again *>(inner)->left; }, self),
                          IOLOOP_OK);
            },
            &again);
        ASSERT_EQ(status, IOLOOP_OK);
    }
    run_idle(loop_);
    EXPECT_EQ(again.left, 1000 - 512);
}

}  // namespace
