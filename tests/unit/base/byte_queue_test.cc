// The byte queue by example: how bytes come in and go out, and what is held.
#include "base/byte_queue.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "byte_queue_fixture.h"
#include "failing_memory.h"

namespace ioloop {
namespace {

TEST_F(ByteQueueTest, begins_empty) {
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.front().size, 0u);
    EXPECT_EQ(queue_.head(), nullptr);
    EXPECT_NE(queue_.merge(0), nullptr);
    Span spans[2];
    EXPECT_EQ(queue_.gather(spans, 2), 0u);
    queue_.consume(0);
    queue_.compact();
    queue_.clear();
    ChunkRef nothing = queue_.hold();
}

TEST_F(ByteQueueTest, prepares_one_chunk_when_empty) {
    Span spans[2];
    EXPECT_EQ(queue_.prepare(1 << 20, spans), 1u);
    EXPECT_EQ(spans[0].size, chunk_size);
    std::memcpy(spans[0].data, "abc", 3);
    queue_.commit(3);
    EXPECT_EQ(text(queue_), "abc");
}

TEST_F(ByteQueueTest, prepares_no_more_than_wanted) {
    Span spans[2];
    EXPECT_EQ(queue_.prepare(0, spans), 0u);
    queue_.commit(0);
    ASSERT_EQ(queue_.prepare(5, spans), 1u);
    EXPECT_EQ(spans[0].size, 5u);
    queue_.commit(0);
    receive(queue_, letters(chunk_size - 10));
    ASSERT_EQ(queue_.prepare(10, spans), 1u);
    EXPECT_EQ(spans[0].size, 10u);
    queue_.commit(0);
    ASSERT_EQ(queue_.prepare(15, spans), 2u);
    EXPECT_EQ(spans[0].size, 10u);
    EXPECT_EQ(spans[1].size, 5u);
    queue_.commit(0);
    ASSERT_EQ(queue_.prepare(SIZE_MAX, spans), 2u);
    EXPECT_EQ(spans[1].size, chunk_size);
    queue_.commit(0);
}

TEST_F(ByteQueueTest, much_room_is_prepared_alone) {
    receive(queue_, "x");
    ASSERT_TRUE(queue_.reserve(chunk_size + 1));
    Span spans[2];
    EXPECT_EQ(queue_.prepare(1 << 20, spans), 1u);
    EXPECT_EQ(spans[0].size, chunk_size);
    queue_.commit(1);
    EXPECT_EQ(queue_.prepare(1 << 20, spans), 2u);
    EXPECT_EQ(spans[0].size, chunk_size - 1);
    queue_.commit(0);
}

TEST_F(ByteQueueTest, an_unused_spare_goes_back_to_the_pool) {
    Span spans[2];
    queue_.prepare(100, spans);
    EXPECT_EQ(pool_.free_chunks(), 0u);
    queue_.commit(0);
    EXPECT_EQ(pool_.free_chunks(), 1u);
    EXPECT_EQ(queue_.head(), nullptr);
    receive(queue_, letters(chunk_size - 1));
    ASSERT_EQ(queue_.prepare(100, spans), 2u);
    queue_.commit(1);
    EXPECT_EQ(pool_.free_chunks(), 1u);
    EXPECT_EQ(chunks(queue_), 1u);
}

TEST_F(ByteQueueTest, emptied_chunks_leave_at_once) {
    receive(queue_, letters(3 * chunk_size));
    EXPECT_EQ(chunks(queue_), 3u);
    queue_.consume(chunk_size - 1);
    EXPECT_EQ(chunks(queue_), 3u);
    queue_.consume(1);
    EXPECT_EQ(chunks(queue_), 2u);
    queue_.consume(2 * chunk_size);
    EXPECT_EQ(queue_.head(), nullptr);
    EXPECT_EQ(queue_.tail(), nullptr);
    EXPECT_EQ(pool_.free_chunks(), 3u);
}

TEST_F(ByteQueueTest, what_is_held_stays_while_more_is_received) {
    receive(queue_, "first ");
    ChunkRef held = queue_.hold();
    Span view = queue_.front();
    std::string seen(reinterpret_cast<char *>(view.data), view.size);
    receive(queue_, "second");
    EXPECT_EQ(chunks(queue_), 1u) << "room that nobody has seen is still room";
    queue_.consume(12);
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(pool_.free_chunks(), 0u);
    receive(queue_, "third");
    EXPECT_EQ(std::memcmp(view.data, seen.data(), seen.size()), 0);
    queue_.prepend("zero ", 5);
    EXPECT_EQ(std::memcmp(view.data, seen.data(), seen.size()), 0);
    held.reset();
    EXPECT_EQ(pool_.free_chunks(), 1u);
    EXPECT_EQ(text(queue_), "zero third");
}

TEST_F(ByteQueueTest, prepending_does_not_overwrite_a_held_view) {
    receive(queue_, "header:body");
    ChunkRef held = queue_.hold();
    Span view = queue_.front();
    queue_.consume(7);
    queue_.prepend("HEADER:", 7);
    EXPECT_EQ(std::memcmp(view.data, "header:body", 11), 0);
    EXPECT_EQ(text(queue_), "HEADER:body");
}

TEST_F(ByteQueueTest, prepending_does_not_write_to_foreign_memory) {
    std::string data = "header:body";
    queue_.adopt(data.data(), data.size(), nullptr, nullptr);
    queue_.consume(7);
    queue_.prepend("HEADER:", 7);
    EXPECT_EQ(data, "header:body");
    EXPECT_EQ(text(queue_), "HEADER:body");
}

TEST_F(ByteQueueTest, what_was_consumed_can_be_put_back_in_place) {
    receive(queue_, "header:body");
    queue_.consume(7);
    queue_.prepend("HEADER:", 7);
    EXPECT_EQ(chunks(queue_), 1u);
    EXPECT_EQ(text(queue_), "HEADER:body");
}

TEST_F(ByteQueueTest, prepended_pieces_share_a_chunk) {
    receive(queue_, "0");
    for (char c = '1'; c <= '9'; ++c) queue_.prepend(&c, 1);
    EXPECT_EQ(text(queue_), "9876543210");
    EXPECT_EQ(chunks(queue_), 2u);
    queue_.consume(5);
    queue_.prepend("abc", 3);
    EXPECT_EQ(text(queue_), "abc43210");
    EXPECT_EQ(chunks(queue_), 2u);
    std::string large = letters(3 * chunk_size);
    queue_.prepend(large.data(), large.size());
    EXPECT_EQ(text(queue_), large + "abc43210");
}

TEST_F(ByteQueueTest, small_pieces_are_coalesced) {
    for (int i = 0; i < 1000; ++i) queue_.append("0123456789", 10);
    EXPECT_EQ(chunks(queue_), 1u);
    std::string large = letters(5 * chunk_size);
    queue_.append(large.data(), large.size());
    EXPECT_EQ(chunks(queue_), 2u);
    EXPECT_EQ(queue_.size(), 10000 + large.size());
    EXPECT_EQ(pool_.bytes_copied, 0u) << "what was asked for is no copy inside";
}

TEST_F(ByteQueueTest, H_E12_adopted_memory_is_released_with_its_last_byte) {
    int released = 0;
    std::string data = letters(100);
    EXPECT_TRUE(queue_.append("<", 1));
    EXPECT_TRUE(queue_.adopt(data.data(), data.size(), count_release, &released));
    EXPECT_TRUE(queue_.append(">", 1));
    EXPECT_EQ(text(queue_), "<" + data + ">");
    EXPECT_EQ(reinterpret_cast<const char *>(queue_.head()->next->data()), data.data());
    queue_.consume(100);
    EXPECT_EQ(released, 0);
    queue_.consume(1);
    EXPECT_EQ(released, 1);
    EXPECT_EQ(text(queue_), ">");

    queue_.adopt(data.data(), data.size(), count_release, &released);
    queue_.adopt(data.data(), 0, count_release, &released);
    EXPECT_EQ(released, 2);
    queue_.clear();
    EXPECT_EQ(released, 3);
    {
        ByteQueue other(pool_);
        other.adopt(data.data(), data.size(), count_release, &released);
        other.adopt("x", 1, nullptr, nullptr);
    }
    EXPECT_EQ(released, 4);
}

TEST_F(ByteQueueTest, a_release_function_finds_the_queue_consistent) {
    struct Seen {
        ByteQueue *queue;
        std::vector<size_t> sizes;
    } seen{&queue_, {}};
    auto look = [](void *ctx) {
        Seen &s = *static_cast<Seen *>(ctx);
        size_t total = 0;
        for (const Chunk *chunk = s.queue->head(); chunk; chunk = chunk->next) total += chunk->size();
        EXPECT_EQ(total, s.queue->size());
        s.sizes.push_back(total);
    };
    for (int i = 0; i < 2; ++i) {
        queue_.adopt("abc", 3, look, &seen);
        queue_.adopt("defg", 4, look, &seen);
    }
    queue_.consume(8);
    queue_.merge(4);
    queue_.clear();
    EXPECT_EQ(seen.sizes, (std::vector<size_t>{11, 7, 6, 0}));
}

TEST_F(ByteQueueTest, gathers_the_first_pieces) {
    std::string data = letters(3 * chunk_size + 5);
    receive(queue_, data);
    Span spans[8];
    EXPECT_EQ(queue_.gather(spans, 2), 2u);
    EXPECT_EQ(queue_.gather(spans, 8), 4u);
    std::string gathered;
    for (size_t i = 0; i < 4; ++i) gathered.append(reinterpret_cast<char *>(spans[i].data), spans[i].size);
    EXPECT_EQ(gathered, data);
    EXPECT_EQ(queue_.gather(spans, 0), 0u);
}

TEST_F(ByteQueueTest, copies_without_consuming) {
    receive(queue_, letters(2 * chunk_size));
    char piece[10];
    EXPECT_EQ(queue_.copy_to(piece, 10), 10u);
    EXPECT_EQ(std::memcmp(piece, "abcdefghij", 10), 0);
    EXPECT_EQ(pool_.bytes_copied, 10u);
    EXPECT_EQ(queue_.size(), 2 * chunk_size);
    queue_.consume(2 * chunk_size - 3);
    EXPECT_EQ(queue_.copy_to(piece, 10), 3u);
}

TEST_F(ByteQueueTest, H_E7_a_million_small_writes_are_no_larger_than_their_bytes) {
    uint64_t before = memory_in_use();
    for (int i = 0; i < 1'000'000; ++i) queue_.append("x", 1);
    EXPECT_LE(memory_in_use() - before, 1'000'000 + 2 * chunk_size);
    queue_.clear();
    for (int i = 0; i < 1'000'000; ++i) queue_.prepend("x", 1);
    EXPECT_LE(memory_in_use() - before, 1'000'000 + 3 * chunk_size);
}

TEST_F(ByteQueueTest, H_E1_absurd_sizes_are_refused) {
    for (bool filled : {false, true}) {
        if (filled) receive(queue_, "some bytes");
        size_t size = queue_.size();
        for (size_t n : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - size, SIZE_MAX / 2, SIZE_MAX / 2 + 1}) {
            EXPECT_FALSE(queue_.reserve(n)) << n;
        }
        for (size_t n : {SIZE_MAX, SIZE_MAX - size, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - size + 1}) {
            int released = 0;
            EXPECT_FALSE(queue_.adopt("a", n, count_release, &released)) << n;
            EXPECT_FALSE(queue_.append("a", n)) << n;
            EXPECT_FALSE(queue_.prepend("a", n)) << n;
            EXPECT_EQ(released, 0);
        }
        EXPECT_EQ(queue_.size(), size);
    }
    EXPECT_EQ(text(queue_), "some bytes");
}

TEST_F(ByteQueueTest, H_E11_nothing_is_added_by_nothing) {
    EXPECT_TRUE(queue_.append(nullptr, 0));
    EXPECT_TRUE(queue_.prepend(nullptr, 0));
    EXPECT_TRUE(queue_.adopt(nullptr, 0, nullptr, nullptr));
    EXPECT_TRUE(queue_.reserve(0));
    EXPECT_EQ(queue_.head(), nullptr);
}

TEST_F(ByteQueueTest, without_memory_nothing_changes) {
    std::string data = letters(2 * chunk_size - 5);
    receive(queue_, data);
    int released = 0;
    {
        FailingMemory none(0);
        EXPECT_FALSE(queue_.append(data.data(), 100));
        EXPECT_FALSE(queue_.prepend(data.data(), 100));
        EXPECT_FALSE(queue_.reserve(4 * chunk_size));
        EXPECT_FALSE(queue_.adopt("a", 1, count_release, &released));
        EXPECT_EQ(queue_.merge(chunk_size + 1), nullptr);
        queue_.compact();
        EXPECT_EQ(queue_.size(), data.size());
        Span spans[2];
        EXPECT_EQ(queue_.prepare(100, spans), 1u) << "the room that is left";
        EXPECT_EQ(spans[0].size, 5u);
        std::memcpy(spans[0].data, "12345", 5);
        queue_.commit(5);
        EXPECT_EQ(queue_.prepare(100, spans), 0u);
        queue_.commit(0);
    }
    EXPECT_EQ(released, 0);
    EXPECT_EQ(text(queue_), data + "12345");
}

}  // namespace
}  // namespace ioloop
