// Random programs of all operations of the byte queue against a plain string, with memory that fails now and then.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_queue.h"
#include "failing_memory.h"

namespace ioloop {
namespace {

class Checked {
public:
    Checked(uint64_t seed, size_t chunk_size)
        : random_(seed), pool_(chunk_size, 4), queue_(pool_), scale_(chunk_size) {}

    ~Checked() {
        held_.clear();
        queue_.clear();
        for (const Foreign &foreign : adopted_) EXPECT_EQ(foreign.released, 1);
    }

    void step() {
        std::optional<FailingMemory> failing;
        if (below(10) == 0) {
            failing.emplace(static_cast<int64_t>(below(3)), below(2) ? Fails::once : Fails::from_then_on);
        }
        switch (below(14)) {
        case 0: append(); break;
        case 1: prepend(); break;
        case 2: adopt(); break;
        case 3:
        case 4:
        case 5: receive(); break;
        case 6:
        case 7:
        case 8: consume(); break;
        case 9: merge(); break;
        case 10: reserve(); break;
        case 11: compact(); break;
        case 12: hold(); break;
        default: look(); break;
        }
        failing.reset();
        if (below(500) == 0) {
            queue_.clear();
            model_.clear();
        }
        check();
    }

    size_t refused() const { return refused_; }

private:
    struct Foreign {
        std::unique_ptr<char[]> data;
        size_t size = 0;
        int released = 0;
    };

    struct View {
        ChunkRef reference;
        const uint8_t *data;
        std::string expected;
    };

    size_t below(size_t n) { return static_cast<size_t>(random_() % n); }

    size_t some_size() {
        switch (below(8)) {
        case 0: return 0;
        case 1: return 1;
        case 2: return scale_;
        case 3: return below(4 * scale_);
        default: return below(scale_ / 2);
        }
    }

    size_t size_within() { return below(3) == 0 ? model_.size() : std::min(some_size(), model_.size()); }

    std::string fresh_bytes(size_t n) {
        std::string bytes(n, '\0');
        for (char &c : bytes) c = static_cast<char>(next_byte_++ * 2654435761u >> 24);
        return bytes;
    }

    void append() {
        std::string bytes = fresh_bytes(some_size());
        if (queue_.append(bytes.data(), bytes.size())) model_ += bytes;
        else ++refused_;
    }

    void prepend() {
        std::string bytes = fresh_bytes(some_size());
        if (queue_.prepend(bytes.data(), bytes.size())) model_ = bytes + model_;
        else ++refused_;
    }

    static void release(void *ctx) {
        Foreign &foreign = *static_cast<Foreign *>(ctx);
        ++foreign.released;
        foreign.data.reset();
    }

    void adopt() {
        std::string bytes = fresh_bytes(some_size());
        Foreign &foreign = adopted_.emplace_back();
        foreign.size = bytes.size();
        foreign.data.reset(new char[bytes.size()]);
        std::copy(bytes.begin(), bytes.end(), foreign.data.get());
        if (queue_.adopt(foreign.data.get(), foreign.size, release, &foreign)) {
            model_ += bytes;
        } else {
            ++refused_;
            ASSERT_EQ(foreign.released, 0);
            release(&foreign);
        }
    }

    void receive() {
        size_t want = some_size();
        Span spans[2];
        size_t count = queue_.prepare(want, spans);
        ASSERT_LE(count, 2u);
        size_t room = 0;
        for (size_t i = 0; i < count; ++i) {
            ASSERT_GT(spans[i].size, 0u);
            std::memset(spans[i].data, 0xee, spans[i].size);  // a receive may scribble past what it reports
            room += spans[i].size;
        }
        ASSERT_LE(room, want);
        std::string bytes = fresh_bytes(below(3) == 0 ? room : below(room + 1));
        size_t done = 0;
        for (size_t i = 0; i < count; ++i) {
            size_t take = std::min(bytes.size() - done, spans[i].size);
            std::memcpy(spans[i].data, bytes.data() + done, take);
            done += take;
        }
        queue_.commit(bytes.size());
        model_ += bytes;
    }

    void consume() {
        size_t n = size_within();
        queue_.consume(n);
        model_.erase(0, n);
        if (model_.empty() && n > 0) {
            ASSERT_EQ(queue_.head(), nullptr);
        }
    }

    void merge() {
        size_t n = size_within();
        const uint8_t *merged = queue_.merge(n);
        if (!merged) {
            ++refused_;
            return;
        }
        ASSERT_EQ(std::memcmp(merged, model_.data(), n), 0);
        if (n > 0) {
            ASSERT_EQ(merged, queue_.front().data);
            ASSERT_GE(queue_.front().size, n);
        }
    }

    void reserve() {
        size_t n = model_.size() + some_size();
        if (!queue_.reserve(n)) {
            ++refused_;
            return;
        }
        size_t more = n - model_.size();
        Span spans[2];
        size_t count = queue_.prepare(more, spans);
        ASSERT_EQ(count, more > 0 ? 1u : 0u);
        if (more > 0) {
            ASSERT_EQ(spans[0].size, more);
        }
        queue_.commit(0);
    }

    void compact() {
        queue_.compact();
        if (model_.empty()) {
            ASSERT_EQ(queue_.head(), nullptr);
        }
    }

    void hold() {
        if (held_.size() > 5 || (!held_.empty() && below(2))) {
            size_t i = below(held_.size());
            check_view(held_[i]);
            std::swap(held_[i], held_.back());
            held_.pop_back();
        } else {
            Span front = queue_.front();
            held_.push_back({queue_.hold(), front.data, std::string(reinterpret_cast<char *>(front.data), front.size)});
        }
    }

    void look() {
        std::string copy(below(model_.size() + 10), '\0');
        size_t copied = queue_.copy_to(copy.data(), copy.size());
        ASSERT_EQ(copied, std::min(copy.size(), model_.size()));
        ASSERT_EQ(model_.compare(0, copied, copy, 0, copied), 0);
        Span spans[4];
        size_t count = queue_.gather(spans, 4);
        size_t position = 0;
        for (size_t i = 0; i < count; ++i) {
            ASSERT_GT(spans[i].size, 0u);
            ASSERT_EQ(std::memcmp(spans[i].data, model_.data() + position, spans[i].size), 0);
            position += spans[i].size;
        }
        if (count < 4) {
            ASSERT_EQ(position, model_.size());
        }
    }

    void check_view(const View &view) {
        ASSERT_EQ(std::memcmp(view.data ? view.data : reinterpret_cast<const uint8_t *>(""), view.expected.data(),
                              view.expected.size()),
                  0);
    }

    void check() {
        ASSERT_EQ(queue_.size(), model_.size());
        size_t position = 0;
        const Chunk *prev = nullptr;
        for (Chunk *chunk = queue_.head(); chunk; chunk = chunk->next) {
            ASSERT_EQ(chunk->prev, prev);
            ASSERT_TRUE(chunk->size() > 0 || (chunk == queue_.head() && chunk == queue_.tail()));
            ASSERT_LE(position + chunk->size(), model_.size());
            ASSERT_EQ(std::memcmp(chunk->data(), model_.data() + position, chunk->size()), 0);
            position += chunk->size();
            prev = chunk;
        }
        ASSERT_EQ(position, model_.size());
        ASSERT_EQ(queue_.tail(), prev);
        for (const View &view : held_) check_view(view);
        while (!adopted_.empty() && adopted_.front().released == 1) adopted_.pop_front();
        for (const Foreign &foreign : adopted_) ASSERT_LE(foreign.released, 1);
    }

    std::mt19937_64 random_;
    ChunkPool pool_;
    std::deque<Foreign> adopted_;
    ByteQueue queue_;
    std::string model_;
    std::vector<View> held_;
    size_t scale_;
    uint32_t next_byte_ = 1;
    size_t refused_ = 0;
};

void run(size_t chunk_size, uint64_t seeds, int steps) {
    size_t refused = 0;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        Checked checked(seed, chunk_size);
        for (int i = 0; i < steps; ++i) {
            checked.step();
            if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << " step " << i;
        }
        refused += checked.refused();
    }
    EXPECT_GT(refused, 100u) << "failures must have been among it";
}

TEST(ByteQueuePropertyTest, tiny_chunks) { run(16, 300, 1000); }
TEST(ByteQueuePropertyTest, small_chunks) { run(300, 150, 1000); }
TEST(ByteQueuePropertyTest, usual_chunks) { run(4096, 40, 1000); }

}  // namespace
}  // namespace ioloop
