// The timer set against a sorted set that does the same with no thought of cost.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/timer_set.h"

namespace ioloop {
namespace {

class Checked {
public:
    Checked(uint64_t seed, size_t timers, int64_t now) : random_(seed), now_(now), set_(now), timers_(timers) {}

    ~Checked() {
        while (Timer *timer = set_.any()) set_.cancel(*timer);
    }

    void step() {
        switch (below(8)) {
        case 0: turn(); break;
        case 1:
        case 2: cancel(timers_[below(timers_.size())]); break;
        case 3: check_next(); break;
        default: arm(timers_[below(timers_.size())]); break;
        }
        ASSERT_EQ(set_.size(), model_.size());
    }

    size_t fired() const { return fired_; }

    // Waits as a loop does, with nothing else going on, until all that can fire has fired.
    void wait_for_all() {
        int idle_waits = 0;
        while (!model_.empty() && std::get<0>(*model_.begin()) < INT64_MAX) {
            check_next();
            now_ = std::max(now_, set_.next_deadline_ns());
            size_t before = fired_;
            turn_mark_ = order_;
            set_.begin_turn(now_);
            fire(SIZE_MAX, 0);
            idle_waits = fired_ == before ? idle_waits + 1 : 0;
            ASSERT_LE(idle_waits, 9) << "waits for nothing";
        }
    }

private:
    struct Item : Timer {
        int64_t due = 0;
        uint64_t armed_as = 0;
        bool in_model = false;
    };
    using Key = std::tuple<int64_t, uint64_t, Item *>;

    size_t below(size_t n) { return static_cast<size_t>(random_() % n); }

    int64_t spread() {
        static constexpr int64_t scales[] = {1, 1000, 1 << 20, 1 << 22, int64_t{1} << 28, int64_t{1} << 34,
                                             int64_t{1} << 42, int64_t{1} << 50};
        int64_t scale = scales[below(std::size(scales))];
        return static_cast<int64_t>(random_() % static_cast<uint64_t>(scale * 4));
    }

    void arm(Item &item) {
        int64_t deadline;
        switch (below(12)) {
        case 0: deadline = now_; break;
        case 1: deadline = now_ - spread(); break;
        case 2: deadline = below(20) ? now_ + 5'000'000 : INT64_MAX; break;
        case 3: deadline = model_.empty() ? now_ : std::get<0>(*model_.begin()); break;
        default: deadline = now_ > INT64_MAX - (int64_t{1} << 53) ? now_ : now_ + spread(); break;
        }
        if (item.in_model) model_.erase(Key(item.due, item.armed_as, &item));
        item.due = deadline;
        item.armed_as = order_++;
        item.in_model = true;
        model_.insert(Key(item.due, item.armed_as, &item));
        ASSERT_TRUE(set_.arm(item, deadline));
        ASSERT_TRUE(item.armed());
    }

    void cancel(Item &item) {
        ASSERT_EQ(item.armed(), item.in_model);
        if (item.in_model) model_.erase(Key(item.due, item.armed_as, &item));
        item.in_model = false;
        set_.cancel(item);
        ASSERT_FALSE(item.armed());
    }

    void check_next() {
        int64_t next = set_.next_deadline_ns();
        int64_t earliest = model_.empty() ? INT64_MAX : std::get<0>(*model_.begin());
        ASSERT_LE(next, earliest);
        if (model_.size() <= 16) {
            ASSERT_EQ(next, earliest);
        }
    }

    void turn() {
        if (below(4) == 0 && !model_.empty()) {
            now_ = std::max(now_, std::get<0>(*model_.begin()) - static_cast<int64_t>(below(2)));
            if (now_ > int64_t{1} << 62) now_ = int64_t{1} << 62;
        } else if (below(40) == 0) {
            now_ += spread();
        } else if (below(20) == 0) {
            now_ -= below(2) ? 2'000'000 : 5'000'000'000;  // it should not, but then nothing breaks
        } else {
            now_ += static_cast<int64_t>(below(3'000'000));
        }
        turn_mark_ = order_;
        set_.begin_turn(now_);
        fire(below(5) ? SIZE_MAX : below(5), 3);
    }

    // Takes at most this many; between two of them other things happen, once in so many times.
    void fire(size_t most, size_t disturb) {
        for (size_t i = 0; i < most; ++i) {
            Timer *timer = set_.due();
            auto expected = model_.begin();
            while (expected != model_.end() && std::get<0>(*expected) <= now_ && std::get<1>(*expected) >= turn_mark_) {
                ++expected;
            }
            if (expected != model_.end() && std::get<0>(*expected) > now_) expected = model_.end();
            if (expected == model_.end()) {
                ASSERT_EQ(timer, nullptr);
                return;
            }
            ASSERT_EQ(timer, std::get<2>(*expected));
            ASSERT_FALSE(timer->armed());
            std::get<2>(*expected)->in_model = false;
            model_.erase(expected);
            ++fired_;
            if (disturb && below(disturb) == 0) {
                if (below(2)) arm(timers_[below(timers_.size())]);
                else cancel(timers_[below(timers_.size())]);
                if (below(4) == 0) check_next();
            }
        }
    }

    std::mt19937_64 random_;
    int64_t now_;
    TimerSet set_;
    std::vector<Item> timers_;
    std::set<Key> model_;
    uint64_t order_ = 0;
    uint64_t turn_mark_ = 0;
    size_t fired_ = 0;
};

void run(uint64_t seed, size_t timers, int64_t now, int steps) {
    Checked checked(seed, timers, now);
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) checked.step();
    if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
    checked.wait_for_all();
    EXPECT_GT(checked.fired(), timers);
}

TEST(TimerSetPropertyTest, H_T4_few_timers) {
    for (uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) run(seed, 1 + seed % 12, 0, 4000);
}

TEST(TimerSetPropertyTest, H_T4_hundreds_of_timers) {
    for (uint64_t seed = 1; seed <= 40 && !testing::Test::HasFailure(); ++seed) {
        run(seed, 300, static_cast<int64_t>(seed) << 40, 10000);
    }
}

TEST(TimerSetPropertyTest, H_T4_thousands_of_timers) {
    for (uint64_t seed = 1; seed <= 2 && !testing::Test::HasFailure(); ++seed) run(seed, 5000, 12345, 150000);
}

}  // namespace
}  // namespace ioloop
