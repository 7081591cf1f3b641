#include "os/clock.h"

#include <time.h>

#include <set>

#include <gtest/gtest.h>

namespace ioloop::os {
namespace {

TEST(Clock, H_T1_is_the_monotonic_one) {
    auto system = [] {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    };
    for (int i = 0; i < 1000; ++i) {
        int64_t before = system(), ours = monotonic_ns(), after = system();
        ASSERT_LE(before, ours);
        ASSERT_LE(ours, after);
    }
}

TEST(Clock, random_numbers_differ) {
    std::set<uint64_t> seen;
    uint64_t zeros = 0, ones = 0;
    for (int i = 0; i < 1000; ++i) {
        uint64_t value = random_u64();
        seen.insert(value);
        zeros |= ~value;
        ones |= value;
    }
    EXPECT_EQ(seen.size(), 1000u);
    EXPECT_EQ(zeros, UINT64_MAX);
    EXPECT_EQ(ones, UINT64_MAX);
}

}  // namespace
}  // namespace ioloop::os
