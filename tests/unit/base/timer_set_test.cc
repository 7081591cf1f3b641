// The timer set by example: order, turns, cancelling, and the ends of time.
#include "base/timer_set.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace ioloop {
namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t second = 1000 * ms;
constexpr int64_t year = 365 * 24 * 3600 * second;
constexpr int64_t start = 5 * second;

class TimerSetTest : public testing::Test {
protected:
    ~TimerSetTest() override {
        while (Timer *timer = set_->any()) set_->cancel(*timer);
        EXPECT_TRUE(set_->empty());
    }

    void restart(int64_t now_ns) { set_ = std::make_unique<TimerSet>(now_ns); }

    Timer &armed(int64_t deadline_ns) {
        timers_.emplace_back();
        EXPECT_TRUE(set_->arm(timers_.back(), deadline_ns));
        return timers_.back();
    }

    std::vector<Timer *> turn(int64_t now_ns) {
        std::vector<Timer *> fired;
        set_->begin_turn(now_ns);
        while (Timer *timer = set_->due()) {
            EXPECT_FALSE(timer->armed());
            fired.push_back(timer);
        }
        return fired;
    }

    using Timers = std::vector<Timer *>;
    std::deque<Timer> timers_;
    std::unique_ptr<TimerSet> set_ = std::make_unique<TimerSet>(start);
};

TEST_F(TimerSetTest, is_empty_at_first) {
    EXPECT_TRUE(set_->empty());
    EXPECT_EQ(set_->next_deadline_ns(), INT64_MAX);
    EXPECT_EQ(set_->any(), nullptr);
    EXPECT_EQ(turn(start + year), Timers());
}

TEST_F(TimerSetTest, fires_by_deadline) {
    Timer &c = armed(start + 30 * second);
    Timer &a = armed(start + 10);
    Timer &b = armed(start + 3 * ms);
    EXPECT_EQ(set_->size(), 3u);
    EXPECT_EQ(set_->next_deadline_ns(), start + 10);
    EXPECT_EQ(turn(start + 9), Timers());
    EXPECT_EQ(turn(start + 10), Timers({&a}));
    EXPECT_EQ(set_->next_deadline_ns(), start + 3 * ms);
    EXPECT_EQ(turn(start + 60 * second), Timers({&b, &c}));
    EXPECT_TRUE(set_->empty());
}

TEST_F(TimerSetTest, is_never_early_by_a_nanosecond) {
    for (int64_t delay : {int64_t{1}, ms, 100 * ms, second, 60 * second, year}) {
        Timer &timer = armed(start + delay);
        EXPECT_EQ(turn(start + delay - 1), Timers());
        EXPECT_EQ(turn(start + delay), Timers({&timer}));
        restart(start);
    }
}

TEST_F(TimerSetTest, equal_deadlines_fire_in_the_order_of_arming) {
    for (int64_t deadline : {start, start + 100, start + 500 * ms, start + 3600 * second}) {
        Timers expected;
        for (int i = 0; i < 200; ++i) expected.push_back(&armed(deadline));
        // Arming again is arming last.
        Timer *first = expected.front();
        set_->arm(*first, deadline);
        expected.erase(expected.begin());
        expected.push_back(first);
        EXPECT_EQ(turn(deadline), expected);
    }
}

TEST_F(TimerSetTest, arming_an_armed_timer_moves_it) {
    Timer &a = armed(start + second);
    Timer &b = armed(start + 2 * second);
    set_->arm(a, start + 3 * second);
    EXPECT_EQ(set_->size(), 2u);
    EXPECT_EQ(turn(start + second), Timers());
    EXPECT_EQ(turn(start + 3 * second), Timers({&b, &a}));
}

TEST_F(TimerSetTest, cancelling_is_idempotent) {
    Timer &a = armed(start + second);
    set_->cancel(a);
    set_->cancel(a);
    EXPECT_FALSE(a.armed());
    EXPECT_EQ(set_->size(), 0u);
    EXPECT_EQ(set_->next_deadline_ns(), INT64_MAX);
    EXPECT_EQ(turn(start + second), Timers());
}

TEST_F(TimerSetTest, H_T3_what_is_armed_in_a_turn_waits_for_the_next) {
    Timer &a = armed(start);
    Timer late;
    set_->begin_turn(start + second);
    ASSERT_EQ(set_->due(), &a);
    set_->arm(a, start);          // in the past
    set_->arm(late, start + 500 * ms);  // past the tick of the last turn, but not after this one
    EXPECT_EQ(set_->next_deadline_ns(), start);
    EXPECT_EQ(set_->due(), nullptr);
    EXPECT_EQ(set_->due(), nullptr);
    EXPECT_EQ(turn(start + second), Timers({&a, &late}));
}

TEST_F(TimerSetTest, H_T4_siblings_cancelled_or_moved_in_the_turn_do_not_fire) {
    Timer &a = armed(start + 1);
    Timer &b = armed(start + 2);
    Timer &c = armed(start + 3);
    Timer &d = armed(start + 40 * ms);
    Timer &e = armed(start + 50 * ms);
    set_->begin_turn(start + second);
    EXPECT_EQ(set_->due(), &a);
    set_->cancel(b);
    set_->arm(c, start);
    set_->cancel(d);
    EXPECT_EQ(set_->due(), &e);
    EXPECT_EQ(set_->due(), nullptr);
    EXPECT_EQ(turn(start + second), Timers({&c}));
}

TEST_F(TimerSetTest, a_turn_may_be_left_before_its_end) {
    Timer &a = armed(start + 10 * ms);
    Timer &b = armed(start + 20 * ms);
    Timer &c = armed(start + 20 * ms);
    set_->begin_turn(start + second);
    EXPECT_EQ(set_->due(), &a);
    Timer &between = armed(start + 15 * ms);
    EXPECT_EQ(set_->next_deadline_ns(), start + 15 * ms);
    EXPECT_EQ(turn(start + 2 * second), Timers({&between, &b, &c}));
}

TEST_F(TimerSetTest, H_T5_deadlines_without_bounds) {
    Timer &never = armed(INT64_MAX);
    Timer &past = armed(-1);
    Timer &long_past = armed(INT64_MIN);
    Timer &zero = armed(0);
    EXPECT_EQ(set_->next_deadline_ns(), INT64_MIN);
    EXPECT_EQ(turn(start), Timers({&long_past, &past, &zero}));
    EXPECT_EQ(turn(INT64_MAX - 1), Timers());
    EXPECT_EQ(set_->next_deadline_ns(), INT64_MAX);
    EXPECT_EQ(turn(INT64_MAX), Timers({&never}));
}

TEST_F(TimerSetTest, H_T2_clocks_near_the_powers_of_two) {
    for (int64_t edge : {(int64_t{1} << 31) * ms, (int64_t{1} << 32) * ms, int64_t{1} << 62, INT64_MAX - second}) {
        restart(edge - 20 * ms);
        Timer &before = armed(edge - 1);
        Timer &after = armed(edge + 1);
        Timer &at = armed(edge);
        EXPECT_EQ(turn(edge - 2), Timers());
        EXPECT_EQ(turn(edge), Timers({&before, &at}));
        EXPECT_EQ(turn(edge + 1), Timers({&after}));
    }
}

TEST_F(TimerSetTest, a_clock_that_goes_back_does_no_harm) {
    Timer &a = armed(start + second);
    EXPECT_EQ(turn(start + second - 1), Timers());
    EXPECT_EQ(turn(start - second), Timers());
    Timer &b = armed(start);
    EXPECT_EQ(turn(start - 1), Timers());
    EXPECT_EQ(turn(start + second), Timers({&b, &a}));
}

TEST_F(TimerSetTest, a_clock_before_zero_does_no_harm) {
    restart(-5 * second);
    Timer &b = armed(-second);
    Timer &a = armed(-2 * second);
    EXPECT_EQ(turn(-3 * second), Timers());
    EXPECT_EQ(turn(0), Timers({&a, &b}));
}

TEST_F(TimerSetTest, a_jump_over_years_fires_all_in_order) {
    Timers expected;
    for (int64_t i = 1; i <= 300; ++i) expected.push_back(&armed(start + i * i * i * second));
    EXPECT_EQ(turn(start + 100 * year), expected);
}

TEST_F(TimerSetTest, the_next_deadline_is_exact_for_few_timers) {
    Timer &far = armed(start + 100 * second);
    Timer &near = armed(start + 2 * second);
    EXPECT_EQ(set_->next_deadline_ns(), start + 2 * second);
    set_->cancel(near);
    EXPECT_EQ(set_->next_deadline_ns(), start + 100 * second);
    set_->arm(far, start + 200 * second);
    EXPECT_EQ(set_->next_deadline_ns(), start + 200 * second);
    set_->arm(near, start + 150 * second);
    EXPECT_EQ(set_->next_deadline_ns(), start + 150 * second);
}

TEST_F(TimerSetTest, the_next_deadline_is_exact_for_64_in_a_slot) {
    for (int64_t i = 0; i < 64; ++i) armed(start + 3600 * second + i);
    EXPECT_EQ(set_->next_deadline_ns(), start + 3600 * second);
}

// Each wait that is too short must bring the crowd nearer, and one cancelled timer cost one such wait at most.
TEST_F(TimerSetTest, crowds_and_cancelled_timers_cost_few_early_waits) {
    Timer &first = armed(start + second);
    for (int64_t i = 0; i < 1000; ++i) armed(start + 3600 * second + i);
    EXPECT_EQ(set_->next_deadline_ns(), start + second);
    set_->cancel(first);
    int waits = 0;
    Timers fired;
    for (int64_t now = start; fired.empty(); ++waits) {
        int64_t next = set_->next_deadline_ns();
        ASSERT_LE(next, start + 3600 * second);
        ASSERT_GT(next, now) << "a wait that ends at once";
        now = next;
        fired = turn(now);
    }
    EXPECT_EQ(fired.front()->deadline_ns, start + 3600 * second);
    EXPECT_LE(waits, 6);
}

TEST_F(TimerSetTest, H_T8_cancelled_timers_leave_nothing_behind) {
    armed(start + second);
    Timer timer;
    for (int64_t i = 0; i < 10'000'000; ++i) {
        set_->arm(timer, start + (i & 0xfffff) * ms);
        set_->cancel(timer);
    }
    EXPECT_EQ(set_->size(), 1u);
    EXPECT_FALSE(timer.armed());
}

TEST_F(TimerSetTest, any_finds_all_of_them) {
    armed(start - 1);
    armed(start + ms);
    armed(start + year);
    set_->begin_turn(start);
    armed(start);
    for (size_t left = 4; left > 0; --left) {
        ASSERT_EQ(set_->size(), left);
        Timer *timer = set_->any();
        ASSERT_NE(timer, nullptr);
        ASSERT_TRUE(timer->armed());
        set_->cancel(*timer);
    }
    EXPECT_EQ(set_->any(), nullptr);
}

TEST(TimerTest, is_small) { EXPECT_LE(sizeof(Timer), 48u); }

}  // namespace
}  // namespace ioloop
