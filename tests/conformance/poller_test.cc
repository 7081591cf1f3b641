// What every poller must do: interest, readiness, tokens, batches.
#include "poller_fixture.h"

namespace ioloop {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, PollerTest, testing::Values(Poller::epoll, Poller::poll), backend_name);

TEST_P(PollerTest, tells_its_name) {
    EXPECT_STREQ(poller.name(), on_epoll() ? "epoll" : "poll");
    EXPECT_EQ(poller.native_fd() >= 0, on_epoll());
    EXPECT_EQ(poller.size(), 0u);
}

TEST(Poller, automatic_takes_epoll_and_unknown_numbers_are_refused) {
    Poller automatic, unknown;
    EXPECT_EQ(automatic.open(Poller::automatic), IOLOOP_OK);
    EXPECT_STREQ(automatic.name(), "epoll");
    EXPECT_EQ(unknown.open(3), IOLOOP_ENOTSUP);
    EXPECT_EQ(unknown.open(UINT32_MAX), IOLOOP_ENOTSUP);
}

TEST_P(PollerTest, readable_until_drained) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    watch(fd, read_bit);
    EXPECT_EQ(wait(), Events{});
    put(pair.second.get());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(wait(patience), (Events{{fd, read_bit}})) << "level-triggered";
    drain(fd);
    EXPECT_EQ(wait(), Events{});
    poller.remove(fd);
}

TEST_P(PollerTest, writable_until_full) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    watch(fd, write_bit);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(wait(patience), (Events{{fd, write_bit}}));
    std::string block(1 << 16, 'x');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    EXPECT_EQ(wait(), Events{});
    drain(pair.second.get());
    EXPECT_EQ(wait(patience), (Events{{fd, write_bit}}));
    poller.remove(fd);
}

TEST_P(PollerTest, only_what_is_wanted_is_reported) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    put(pair.second.get());
    watch(fd, read_bit | write_bit);
    EXPECT_EQ(wait(patience), (Events{{fd, read_bit | write_bit}}));
    EXPECT_EQ(poller.interest(fd), read_bit | write_bit);
    poller.set(fd, write_bit);
    EXPECT_EQ(poller.interest(fd), write_bit);
    EXPECT_EQ(wait(patience), (Events{{fd, write_bit}}));
    poller.set(fd, read_bit);
    EXPECT_EQ(wait(patience), (Events{{fd, read_bit}}));
    poller.set(fd, read_bit | write_bit | error_bits);
    EXPECT_EQ(wait(patience), (Events{{fd, read_bit | write_bit}}));
    poller.set(fd, error_bits);
    EXPECT_EQ(wait(), Events{});
    poller.set(fd, IOLOOP_NONE);
    EXPECT_EQ(wait(), Events{});
    poller.remove(fd);
    EXPECT_EQ(poller.interest(fd), no_bits);
}

TEST_P(PollerTest, immediate_and_deferred_registrations) {
    auto pair = os::open_socket_pair().value;
    put(pair.second.get());
    put(pair.first.get());
    watch(pair.first.get(), read_bit, true);
    EXPECT_EQ(poller.changes, 1u);
    watch(pair.second.get(), read_bit, false);
    EXPECT_EQ(poller.changes, 1u) << "kept back";
    poller.apply();
    EXPECT_EQ(poller.changes, 2u);
    EXPECT_EQ(wait(patience).size(), 2u);
    EXPECT_EQ(poller.changes, 2u);
    EXPECT_EQ(poller.size(), 2u);
    poller.remove(pair.first.get());
    poller.remove(pair.second.get());
    EXPECT_EQ(poller.size(), 0u);
}

TEST_P(PollerTest, registering_twice_is_refused_and_the_first_stays) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    uint64_t token = watch(fd, read_bit), other = 1;
    for (bool now : {false, true}) EXPECT_EQ(poller.add(fd, write_bit, now, &other), IOLOOP_EEXIST);
    EXPECT_EQ(other, 1u);
    EXPECT_EQ(poller.interest(fd), read_bit);
    EXPECT_TRUE(poller.current(token));
    EXPECT_EQ(poller.size(), 1u);
    poller.remove(fd);
    EXPECT_FALSE(poller.current(token));
}

TEST_P(PollerTest, unknown_descriptors_are_ignored) {
    poller.set(5, read_bit);
    poller.set(-1, read_bit);
    poller.set(1 << 30, read_bit);
    poller.remove(5);
    poller.remove(-1);
    poller.remove(1 << 30);
    EXPECT_EQ(poller.interest(-1), no_bits);
    EXPECT_EQ(poller.refusal(-1), 0);
    EXPECT_FALSE(poller.current(0));
    EXPECT_FALSE(poller.current(UINT64_MAX));
    EXPECT_EQ(poller.changes, 0u);
    expect_silence();
}

TEST_P(PollerTest, a_steady_state_tells_the_kernel_nothing) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    const uint64_t before = poller.changes;
    for (int i = 0; i < 100; ++i) {
        poller.set(fd, read_bit | write_bit);
        poller.set(fd, read_bit);
        poller.set(fd, IOLOOP_NONE);
        poller.set(fd, read_bit | error_bits);
        put(pair.second.get());
        EXPECT_EQ(wait(patience), (Events{{fd, read_bit}}));
        drain(fd);
    }
    EXPECT_EQ(poller.changes, before);
    // Many changes before a wait are one.
    poller.set(fd, write_bit);
    poller.set(fd, read_bit | write_bit);
    poller.set(fd, write_bit);
    wait();
    EXPECT_EQ(poller.changes, before + 1);
    poller.remove(fd);
    EXPECT_EQ(poller.changes, before + 2);
}

TEST_P(PollerTest, what_comes_and_goes_before_a_wait_costs_nothing) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    for (int i = 0; i < 10; ++i) {
        watch(fd, read_bit);
        poller.remove(fd);
    }
    watch(fd, IOLOOP_NONE);
    wait();
    poller.remove(fd);
    EXPECT_EQ(poller.changes, 0u);
    put(pair.second.get());
    expect_silence();
}

TEST_P(PollerTest, H_A1_stale_event_same_batch) {
    for (size_t count = 2; count <= 8; ++count) {
        std::vector<os::UniqueFd> events;
        for (size_t i = 0; i < count; ++i) {
            events.push_back(os::eventfd_open().value);
            os::eventfd_signal(events.back().get());
            watch(events.back().get(), read_bit);
        }
        std::vector<Ready> ready(count);
        ASSERT_EQ(poller.wait(ready.data(), count, patience).value, count);
        // The first one's callback removes all the others.
        for (size_t i = 1; i < count; ++i) poller.remove(token_fd(ready[i].token));
        EXPECT_TRUE(poller.current(ready[0].token));
        for (size_t i = 1; i < count; ++i) EXPECT_FALSE(poller.current(ready[i].token));
        EXPECT_EQ(wait(patience), (Events{{token_fd(ready[0].token), read_bit}}));
        poller.remove(token_fd(ready[0].token));
    }
}

TEST_P(PollerTest, H_A2_number_reused_in_the_same_batch) {
    os::UniqueFd first = os::eventfd_open().value, second = os::eventfd_open().value;
    const int number = second.get();
    os::eventfd_signal(first.get());
    os::eventfd_signal(second.get());
    watch(first.get(), read_bit);
    uint64_t old = watch(number, read_bit);
    ASSERT_EQ(wait(patience).size(), 2u);
    poller.remove(number);
    second.reset();
    second = os::eventfd_open().value;
    ASSERT_EQ(second.get(), number);
    uint64_t fresh = watch(number, read_bit);
    EXPECT_NE(old, fresh);
    EXPECT_FALSE(poller.current(old));
    EXPECT_TRUE(poller.current(fresh));
    EXPECT_EQ(wait(patience), (Events{{first.get(), read_bit}})) << "the newcomer is not ready";
    os::eventfd_signal(number);
    EXPECT_EQ(wait(patience).size(), 2u);
    poller.remove(first.get());
    poller.remove(number);
}

TEST_P(PollerTest, tokens_of_a_number_never_repeat) {
    os::UniqueFd event = os::eventfd_open().value;
    std::vector<uint64_t> tokens;
    for (int i = 0; i < 1000; ++i) {
        tokens.push_back(watch(event.get(), i % 2 ? read_bit : no_bits, i % 3 == 0));
        poller.remove(event.get());
    }
    std::sort(tokens.begin(), tokens.end());
    EXPECT_EQ(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (uint64_t token : tokens) EXPECT_FALSE(poller.current(token));
}

TEST_P(PollerTest, a_small_batch_starves_nobody) {
    std::vector<os::UniqueFd> events;
    for (int i = 0; i < 20; ++i) {
        events.push_back(os::eventfd_open().value);
        os::eventfd_signal(events.back().get());
        watch(events.back().get(), read_bit);
    }
    std::map<int, int> seen;
    for (int round = 0; round < 14; ++round) {
        Events ready = wait(patience, 3);
        EXPECT_EQ(ready.size(), 3u);
        for (auto &[fd, bits] : ready) ++seen[fd];
    }
    // 42 reports for 20 descriptors: each at least twice.
    EXPECT_EQ(seen.size(), 20u);
    for (auto &[fd, times] : seen) EXPECT_GE(times, 2) << fd;
    for (auto &event : events) poller.remove(event.get());
}

TEST_P(PollerTest, a_thousand_descriptors) {
    std::vector<os::UniqueFd> events;
    for (int i = 0; i < 1000; ++i) {
        events.push_back(os::eventfd_open().value);
        ASSERT_TRUE(events.back().valid());
        watch(events.back().get(), read_bit, i % 2 == 0);
    }
    EXPECT_EQ(wait().size(), 0u);
    EXPECT_EQ(poller.changes, 1000u);
    for (int i = 0; i < 1000; i += 7) os::eventfd_signal(events[static_cast<size_t>(i)].get());
    EXPECT_EQ(wait(patience, 1000).size(), 143u);
    for (auto &event : events) os::eventfd_signal(event.get());
    std::map<int, uint32_t> all;
    for (int round = 0; round < 4; ++round) all.merge(wait(patience, 256));
    EXPECT_EQ(all.size(), 1000u);
    // Removed in an order of their own.
    for (size_t i = 0; i < 1000; ++i) poller.remove(events[i * 271 % 1000].get());
    EXPECT_EQ(poller.size(), 0u);
    expect_silence();
}

TEST_P(PollerTest, H_B8_timeouts_are_exact_to_the_nanosecond_and_never_early) {
    os::UniqueFd event = os::eventfd_open().value;
    watch(event.get(), read_bit);
    wait();
    int64_t shortest = patience;
    for (int64_t limit = 1; limit < 2 * millisecond; limit += 97'003) {
        int64_t begin = os::monotonic_ns();
        EXPECT_TRUE(wait(limit).empty());
        int64_t spent = os::monotonic_ns() - begin;
        EXPECT_GE(spent, limit);
        shortest = std::min(shortest, spent);
    }
    EXPECT_LT(shortest, millisecond) << "rounded up to whole milliseconds";
    poller.remove(event.get());
}

TEST_P(PollerTest, H_B8_huge_timeouts_wait) {
    os::UniqueFd timer = os::timerfd_open().value;
    watch(timer.get(), read_bit);
    for (int64_t limit : {int64_t{1} << 31, int64_t{1} << 53, INT64_MAX, int64_t{-1}}) {
        int64_t deadline = os::monotonic_ns() + 2 * millisecond;
        ASSERT_TRUE(os::timerfd_set(timer.get(), deadline).ok());
        EXPECT_EQ(wait(limit), (Events{{timer.get(), read_bit}}));
        EXPECT_GE(os::monotonic_ns(), deadline);
    }
    poller.remove(timer.get());
}

}  // namespace
}  // namespace ioloop
