// The byte queue by example: when bytes are moved inside it (merge, reserve, compact), and how many.
#include <cstdint>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "byte_queue_fixture.h"
#include "failing_memory.h"

namespace ioloop {
namespace {

using ByteQueueMoveTest = ByteQueueTest;

TEST_F(ByteQueueMoveTest, merging_what_is_in_one_piece_copies_nothing) {
    receive(queue_, letters(1000));
    const uint8_t *front = queue_.front().data;
    EXPECT_EQ(queue_.merge(1000), front);
    EXPECT_EQ(queue_.merge(0), front);
    EXPECT_EQ(pool_.bytes_copied, 0u);
}

TEST_F(ByteQueueMoveTest, merging_copies_just_the_bytes_asked_for) {
    std::string data = letters(2 * chunk_size);
    receive(queue_, data);
    queue_.consume(chunk_size - 10);
    data.erase(0, chunk_size - 10);
    const uint8_t *merged = queue_.merge(30);
    EXPECT_EQ(std::memcmp(merged, data.data(), 30), 0);
    EXPECT_EQ(pool_.bytes_copied, 30u);
    EXPECT_EQ(text(queue_), data);
}

TEST_F(ByteQueueMoveTest, merging_uses_the_room_of_the_front) {
    receive(queue_, "front");
    queue_.adopt("behind", 6, nullptr, nullptr);
    const uint8_t *front = queue_.front().data;
    EXPECT_EQ(queue_.merge(7), front);
    EXPECT_EQ(pool_.bytes_copied, 2u);
    EXPECT_EQ(text(queue_), "frontbehind");
}

TEST_F(ByteQueueMoveTest, merging_keeps_held_views) {
    std::string data = letters(2 * chunk_size);
    receive(queue_, data);
    queue_.consume(chunk_size - 10);
    ChunkRef held = queue_.hold();
    Span view = queue_.front();
    queue_.merge(100);
    queue_.consume(100);
    EXPECT_EQ(std::memcmp(view.data, data.data() + chunk_size - 10, 10), 0);
}

TEST_F(ByteQueueMoveTest, growing_merges_are_amortised) {
    std::string data;
    for (size_t i = 0; i < 1024; ++i) {
        std::string piece = letters(4096);
        receive(queue_, piece);
        data += piece;
        ASSERT_NE(queue_.merge(queue_.size()), nullptr);
    }
    EXPECT_LE(pool_.bytes_copied, 3 * queue_.size());
    EXPECT_EQ(text(queue_), data);
}

TEST_F(ByteQueueMoveTest, reserved_room_takes_the_bytes_in_one_piece) {
    std::string data = letters(1 << 20);
    receive(queue_, data.substr(0, 1000));
    ASSERT_TRUE(queue_.reserve(data.size()));
    EXPECT_EQ(pool_.bytes_copied, 1000u);
    Span spans[2];
    ASSERT_EQ(queue_.prepare(data.size() - 1000, spans), 1u);
    EXPECT_EQ(spans[0].size, data.size() - 1000);
    queue_.commit(0);
    receive(queue_, data.substr(1000));
    EXPECT_EQ(chunks(queue_), 1u);
    EXPECT_EQ(queue_.front().size, data.size());
    EXPECT_EQ(std::memcmp(queue_.merge(data.size()), data.data(), data.size()), 0);
    EXPECT_EQ(pool_.bytes_copied, 1000u);
}

TEST_F(ByteQueueMoveTest, reserving_what_fits_or_is_there_changes_nothing) {
    receive(queue_, letters(100));
    const uint8_t *front = queue_.front().data;
    EXPECT_TRUE(queue_.reserve(50));
    EXPECT_TRUE(queue_.reserve(chunk_size));
    EXPECT_EQ(queue_.front().data, front);
    EXPECT_EQ(pool_.bytes_copied, 0u);
}

TEST_F(ByteQueueMoveTest, room_reserved_in_an_empty_queue) {
    ASSERT_TRUE(queue_.reserve(100'000));
    EXPECT_TRUE(queue_.empty());
    Span spans[2];
    EXPECT_EQ(queue_.gather(spans, 2), 0u);
    EXPECT_EQ(queue_.front().size, 0u);
    ASSERT_EQ(queue_.prepare(100'000, spans), 1u);
    EXPECT_EQ(spans[0].size, 100'000u);
    queue_.commit(0);
    EXPECT_NE(queue_.head(), nullptr);
    queue_.prepend("b", 1);
    queue_.prepend("a", 1);
    EXPECT_EQ(text(queue_), "ab");
    queue_.consume(2);
    EXPECT_EQ(queue_.head(), nullptr);

    int released = 0;
    ASSERT_TRUE(queue_.reserve(100'000));
    queue_.adopt("abc", 3, count_release, &released);
    EXPECT_EQ(chunks(queue_), 1u);
    EXPECT_EQ(text(queue_), "abc");
    queue_.clear();
    ASSERT_TRUE(queue_.reserve(100'000));
    queue_.compact();
    EXPECT_EQ(queue_.head(), nullptr) << "room that no byte has reached";
}

TEST_F(ByteQueueMoveTest, compacting_frees_a_large_chunk) {
    uint64_t before = memory_in_use();
    std::string data = letters(1000);
    receive(queue_, data);
    queue_.compact();
    EXPECT_EQ(pool_.free_chunks(), 1u);
    EXPECT_EQ(pool_.bytes_copied, 1000u);
    EXPECT_EQ(text(queue_), data);
    EXPECT_LE(memory_in_use() - before, chunk_size + sizeof(Chunk) + 2048 + sizeof(Chunk));
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 2000u) << "1000 of them were the test's";
    queue_.consume(999);
    queue_.compact();
    EXPECT_EQ(queue_.head()->capacity, 256u);
    uint64_t copied = pool_.bytes_copied;
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, copied) << "it is small already";
}

TEST_F(ByteQueueMoveTest, compacting_takes_the_usual_chunk_where_that_is_right) {
    receive(queue_, letters(chunk_size + 5000));
    queue_.consume(chunk_size - 1);
    std::string rest = text(queue_);
    queue_.compact();
    EXPECT_EQ(chunks(queue_), 1u);
    EXPECT_EQ(queue_.head()->pool, &pool_);
    EXPECT_EQ(text(queue_), rest);
}

TEST_F(ByteQueueMoveTest, a_quarter_in_use_is_enough_not_to_compact) {
    ASSERT_TRUE(queue_.reserve(100'000));
    receive(queue_, letters(25'001));
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 0u);
    queue_.consume(1);
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 25'000u);
    EXPECT_EQ(queue_.head()->capacity, 65'536u);
}

TEST_F(ByteQueueMoveTest, compacting_leaves_alone_what_is_full_held_or_foreign) {
    receive(queue_, letters(chunk_size / 2));
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 0u);
    queue_.consume(chunk_size / 2 - 1);
    {
        ChunkRef held = queue_.hold();
        queue_.compact();
        EXPECT_EQ(pool_.bytes_copied, 0u);
    }
    queue_.adopt("abc", 3, nullptr, nullptr);
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 0u);
    queue_.consume(2);
    queue_.compact();
    EXPECT_EQ(pool_.bytes_copied, 0u);
    EXPECT_EQ(queue_.size(), 2u);
}

// However often it is compacted, each byte of a drip moves a constant number of times, and little is held for it.
TEST_F(ByteQueueMoveTest, H_E7_a_drip_is_amortised) {
    uint64_t before = memory_in_use();
    constexpr size_t total = 1'000'000;
    for (size_t i = 1; i <= total; ++i) {
        receive(queue_, "x");
        queue_.compact();
        if (i % 1000 == 0) {
            uint64_t pooled = pool_.free_chunks() * (chunk_size + sizeof(Chunk));
            ASSERT_LE(memory_in_use() - before - pooled, 4 * i + 4096 + sizeof(Chunk));
        }
    }
    EXPECT_EQ(queue_.size(), total);
    EXPECT_LE(pool_.bytes_copied, 2 * total);
    EXPECT_LE(memory_in_use() - before, 2 * total + 4096);
}

TEST_F(ByteQueueMoveTest, a_merge_without_memory_for_slack_does_without) {
    receive(queue_, letters(chunk_size));
    receive(queue_, letters(chunk_size));
    ASSERT_NE(queue_.merge(2 * chunk_size), nullptr);
    receive(queue_, letters(100));
    FailingMemory none(0, Fails::once);
    EXPECT_NE(queue_.merge(2 * chunk_size + 100), nullptr);
    EXPECT_TRUE(none.failed());
    EXPECT_EQ(queue_.front().size, 2 * chunk_size + 100);
}

}  // namespace
}  // namespace ioloop
