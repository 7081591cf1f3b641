// What the example tests of the byte queue share: a queue, and ways to fill it and to look into it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "base/byte_queue.h"

namespace ioloop {

inline constexpr size_t chunk_size = 16 * 1024;

inline void count_release(void *ctx) { ++*static_cast<int *>(ctx); }

class ByteQueueTest : public testing::Test {
protected:
    std::string text(ByteQueue &queue) {
        std::string result(queue.size(), '\0');
        EXPECT_EQ(queue.copy_to(result.data(), result.size()), result.size());
        return result;
    }

    // Receives all of it, in as many pieces as it takes.
    void receive(ByteQueue &queue, const std::string &data, size_t want = 64 * 1024) {
        for (size_t done = 0; done < data.size();) {
            Span spans[2];
            size_t count = queue.prepare(std::min(want, data.size() - done), spans);
            ASSERT_GT(count, 0u);
            size_t filled = 0;
            for (size_t i = 0; i < count; ++i) {
                std::memcpy(spans[i].data, data.data() + done + filled, spans[i].size);
                filled += spans[i].size;
            }
            queue.commit(filled);
            done += filled;
        }
    }

    std::string letters(size_t n) {
        std::string result(n, '\0');
        for (char &c : result) c = static_cast<char>('a' + next_++ % 26);
        return result;
    }

    size_t chunks(const ByteQueue &queue) {
        size_t count = 0;
        for (const Chunk *chunk = queue.head(); chunk; chunk = chunk->next) ++count;
        return count;
    }

    ChunkPool pool_{chunk_size, 8};
    ByteQueue queue_{pool_};
    size_t next_ = 0;
};

}  // namespace ioloop
