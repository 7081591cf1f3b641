// Counting, and what happens when there is no memory.
#include "base/memory.h"

#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "failing_memory.h"

namespace ioloop {
namespace {

TEST(MemoryTest, counts_what_is_in_use) {
    uint64_t before = memory_in_use();
    void *a = allocate(100);
    void *b = allocate(1);
    ASSERT_NE(a, nullptr);
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(memory_in_use(), before + 101);
    release(a, 100);
    EXPECT_EQ(memory_in_use(), before + 1);
    release(b, 1);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(MemoryTest, nothing_may_be_allocated_and_released) {
    uint64_t before = memory_in_use();
    void *nothing = allocate(0);
    EXPECT_NE(nothing, nullptr);
    EXPECT_EQ(memory_in_use(), before);
    release(nothing, 0);
    release(nullptr, 0);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(MemoryTest, counts_by_request) {
    uint64_t before = memory_in_use();
    count_memory(4096);
    EXPECT_EQ(memory_in_use(), before + 4096);
    count_memory(-4096);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(MemoryTest, a_failure_is_null_and_not_counted) {
    uint64_t before = memory_in_use();
    FailingMemory none(0);
    EXPECT_EQ(allocate(10), nullptr);
    EXPECT_EQ(make<int>(1), nullptr);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(MemoryTest, makes_and_destroys_objects) {
    struct Counted {
        explicit Counted(int &count) : count_(count) { ++count_; }
        ~Counted() { --count_; }
        int &count_;
    };
    uint64_t before = memory_in_use();
    int count = 0;
    Counted *object = make<Counted>(count);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(memory_in_use(), before + sizeof(Counted));
    destroy(object);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(memory_in_use(), before);
    destroy(static_cast<Counted *>(nullptr));
}

TEST(MemoryTest, containers_are_counted) {
    uint64_t before = memory_in_use();
    {
        std::vector<int, Allocator<int>> numbers(1000);
        EXPECT_EQ(memory_in_use(), before + 1000 * sizeof(int));
    }
    EXPECT_EQ(memory_in_use(), before);
}

TEST(MemoryTest, containers_hear_of_a_failure) {
    FailingMemory none(0);
    std::vector<int, Allocator<int>> numbers;
    EXPECT_THROW(numbers.push_back(1), std::bad_alloc);
}

TEST(MemoryTest, H_E1_a_container_size_that_wraps_is_refused) {
    Allocator<uint64_t> allocator;
    size_t wraps = SIZE_MAX / sizeof(uint64_t) + 2;
    EXPECT_THROW(allocator.deallocate(allocator.allocate(wraps), wraps), std::bad_alloc);
}

TEST(MemoryTest, the_count_is_right_with_many_threads) {
    uint64_t before = memory_in_use();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (size_t n = 1; n < 5000; ++n) release(allocate(n), n);
        });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(memory_in_use(), before);
}

}  // namespace
}  // namespace ioloop
