#include "os/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ioloop::os {
namespace {

int run_in_child(int (*body)(uint32_t), uint32_t argument) {
    pid_t pid = fork();
    if (pid == 0) _exit(body(argument));
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Process, H_H9_fork_changes_the_generation_of_the_child_only) {
    uint32_t mine = fork_generation();
    EXPECT_EQ(run_in_child([](uint32_t parent) { return fork_generation() != parent ? 0 : 1; }, mine), 0);
    EXPECT_EQ(fork_generation(), mine);
    // A grandchild differs from both.
    auto nested = [](uint32_t parent) {
        uint32_t child = fork_generation();
        if (child == parent) return 1;
        pid_t pid = fork();
        if (pid == 0) _exit(fork_generation() != child && fork_generation() != parent ? 0 : 1);
        int status = -1;
        waitpid(pid, &status, 0);
        return status == 0 ? 0 : 2;
    };
    EXPECT_EQ(run_in_child(nested, mine), 0);
    EXPECT_EQ(fork_generation(), mine);
}

TEST(Process, H_H5_living_threads_have_different_ids) {
    constexpr int count = 16;
    std::mutex mutex;
    std::set<uintptr_t> ids{thread_id()};
    std::barrier together(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&] {
            uintptr_t id = thread_id();
            together.arrive_and_wait();
            std::lock_guard lock(mutex);
            EXPECT_EQ(id, thread_id());
            EXPECT_NE(id, 0u);
            ids.insert(id);
        });
    }
    for (auto &thread : threads) thread.join();
    EXPECT_EQ(ids.size(), count + 1u);
}

}  // namespace
}  // namespace ioloop::os
