#include "os/clock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <set>

#include <gtest/gtest.h>

#include "forbid.h"

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

TEST(Clock, random_numbers_differ_in_a_sandbox_too) {
    pid_t pid = fork();
    if (pid == 0) {
        forbid(SYS_getrandom, ENOSYS);
        std::set<uint64_t> seen;
        for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
        _exit(seen.size() == 1000 ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_sandbox) GTEST_SKIP() << "no seccomp filters here";
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ioloop::os
