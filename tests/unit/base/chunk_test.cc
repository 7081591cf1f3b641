// Chunks, their references and their pool.
#include "base/chunk.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "failing_memory.h"

namespace ioloop {
namespace {

void count_release(void *ctx) { ++*static_cast<int *>(ctx); }

TEST(ChunkTest, comes_empty) {
    ChunkPool pool(4096, 8);
    Chunk *chunk = pool.get();
    ASSERT_NE(chunk, nullptr);
    EXPECT_EQ(chunk->size(), 0u);
    EXPECT_EQ(chunk->room(), 4096u);
    EXPECT_EQ(chunk->refs, 1u);
    EXPECT_EQ(chunk->next, nullptr);
    std::memset(chunk->data(), 1, chunk->room());
    chunk_unref(chunk);
}

TEST(ChunkTest, the_pool_keeps_some_for_reuse) {
    ChunkPool pool(1000, 2);
    std::vector<Chunk *> chunks;
    for (int i = 0; i < 3; ++i) chunks.push_back(pool.get());
    uint64_t all = memory_in_use();
    chunks[0]->begin = 10;
    chunks[0]->end = 20;
    chunks[0]->next = chunks[1];
    for (Chunk *chunk : chunks) chunk_unref(chunk);
    EXPECT_EQ(pool.free_chunks(), 2u);
    EXPECT_LT(memory_in_use(), all);
    Chunk *again = pool.get();
    EXPECT_EQ(again, chunks[1]) << "the last one used is the warmest";
    EXPECT_EQ(pool.get(), chunks[0]);
    EXPECT_EQ(chunks[0]->room(), 1000u);
    EXPECT_EQ(chunks[0]->next, nullptr);
    EXPECT_EQ(pool.free_chunks(), 0u);
    chunk_unref(chunks[0]);
    chunk_unref(chunks[1]);
}

TEST(ChunkTest, sized_ones_are_not_kept) {
    uint64_t before = memory_in_use();
    ChunkPool pool(1000, 2);
    Chunk *chunk = pool.get_sized(123456);
    ASSERT_NE(chunk, nullptr);
    EXPECT_EQ(chunk->room(), 123456u);
    std::memset(chunk->data(), 1, chunk->room());
    chunk_unref(chunk);
    EXPECT_EQ(pool.free_chunks(), 0u);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(ChunkTest, references_keep_the_bytes) {
    ChunkPool pool(100, 2);
    Chunk *chunk = pool.get();
    std::memcpy(chunk->data(), "abc", 3);
    chunk->end = 3;
    const uint8_t *bytes = chunk->data();
    ChunkRef first(chunk);
    ChunkRef second(std::move(first));
    ChunkRef third;
    third = std::move(second);
    EXPECT_EQ(chunk->refs, 2u);
    chunk_unref(chunk);
    EXPECT_EQ(pool.free_chunks(), 0u);
    EXPECT_EQ(std::memcmp(bytes, "abc", 3), 0);
    third.reset();
    EXPECT_EQ(pool.free_chunks(), 1u);
    third.reset();
    ChunkRef none(nullptr);
    EXPECT_EQ(pool.free_chunks(), 1u);
}

TEST(ChunkTest, foreign_memory_is_released_once) {
    ChunkPool pool(100, 2);
    int released = 0;
    Chunk *chunk = pool.get_foreign("hello", 5, count_release, &released);
    ASSERT_NE(chunk, nullptr);
    EXPECT_EQ(chunk->size(), 5u);
    EXPECT_EQ(chunk->room(), 0u);
    ChunkRef reference(chunk);
    chunk_unref(chunk);
    EXPECT_EQ(released, 0);
    reference.reset();
    EXPECT_EQ(released, 1);
}

TEST(ChunkTest, foreign_memory_may_need_no_release) {
    ChunkPool pool(100, 2);
    Chunk *chunk = pool.get_foreign("hello", 5, nullptr, nullptr);
    EXPECT_EQ(chunk->room(), 0u);
    chunk_unref(chunk);
}

TEST(ChunkTest, H_E1_absurd_sizes_are_refused) {
    ChunkPool pool(100, 2);
    for (size_t n : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - sizeof(Chunk), SIZE_MAX - sizeof(Chunk) + 1, SIZE_MAX / 2}) {
        EXPECT_EQ(pool.get_sized(n), nullptr) << n;
    }
}

TEST(ChunkTest, a_failure_is_null) {
    ChunkPool pool(100, 2);
    FailingMemory none(0);
    int released = 0;
    EXPECT_EQ(pool.get(), nullptr);
    EXPECT_EQ(pool.get_sized(10), nullptr);
    EXPECT_EQ(pool.get_foreign("a", 1, count_release, &released), nullptr);
    EXPECT_EQ(released, 0);
}

}  // namespace
}  // namespace ioloop
