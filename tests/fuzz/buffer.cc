// The byte queue against a string, with views held while it changes.
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "base/byte_queue.h"
#include "base/memory.h"
#include "base/search.h"
#include "input.h"

using namespace ioloop;

namespace {

struct View {
    ChunkRef hold;
    const uint8_t *data;
    std::string bytes;
};

struct Foreign {
    std::string bytes;
    int released = 0;
};

class Pair {
public:
    Pair(fuzz::Input &input, size_t chunk_size) : in_(input), pool_(chunk_size, input.pick(5)), queue_(pool_) {}

    void step() {
        switch (in_.pick(15)) {
            case 0: return append();
            case 1: return prepend();
            case 2: return adopt();
            case 3:
            case 4: return receive();
            case 5: return (void)queue_.reserve(in_.pick(2000));
            case 6: return merge();
            case 7: return consume();
            case 8: return copy();
            case 9: return gather();
            case 10: return take_view();
            case 11: return drop_view();
            case 12: return queue_.compact();
            case 13: return search();
            default:
                if (in_.pick(4) == 0) queue_.clear(), model_.clear();
                since_search_ = SIZE_MAX;
        }
    }

    void check() {
        FUZZ_CHECK(queue_.size() == model_.size());
        FUZZ_CHECK(queue_.empty() == model_.empty());
        size_t at = 0;
        for (const Chunk *chunk = queue_.head(); chunk; chunk = chunk->next) {
            FUZZ_CHECK(chunk->size() > 0 || (!chunk->prev && !chunk->next));
            FUZZ_CHECK(chunk->end <= chunk->capacity || chunk->release_fn);
            FUZZ_CHECK(at + chunk->size() <= model_.size());
            FUZZ_CHECK(chunk->size() == 0 || std::memcmp(chunk->data(), model_.data() + at, chunk->size()) == 0);
            FUZZ_CHECK(chunk->next ? chunk->next->prev == chunk : queue_.tail() == chunk);
            at += chunk->size();
        }
        FUZZ_CHECK(at == model_.size());
        for (const View &view : views_) {
            FUZZ_CHECK(std::memcmp(view.data, view.bytes.data(), view.bytes.size()) == 0);
        }
    }

    void finish() {
        views_.clear();
        queue_.clear();
        for (const Foreign &each : foreign_) FUZZ_CHECK(each.released == 1);
    }

private:
    // New bytes that a delimiter of few letters is found in.
    std::string fresh(size_t most) {
        std::string bytes(in_.pick(most + 1), 'a');
        const size_t step = 1 + in_.pick(7);
        for (size_t i = 0; i < bytes.size(); i += step) bytes[i] = static_cast<char>('a' + (counter_++ & 3));
        return bytes;
    }
    void append() {
        const std::string bytes = fresh(600);
        FUZZ_CHECK(queue_.append(bytes.data(), bytes.size()));
        model_ += bytes;
    }
    void prepend() {
        const std::string bytes = fresh(100);
        FUZZ_CHECK(queue_.prepend(bytes.data(), bytes.size()));
        model_ = bytes + model_;
        since_search_ = SIZE_MAX;
    }
    void adopt() {
        foreign_.push_back({fresh(300), 0});
        Foreign &mine = foreign_.back();
        auto release = [](void *ctx) {
            auto *each = static_cast<Foreign *>(ctx);
            ++each->released;
            each->bytes.assign(each->bytes.size(), '#');
        };
        model_ += mine.bytes;
        FUZZ_CHECK(queue_.adopt(mine.bytes.data(), mine.bytes.size(), release, &mine));
    }
    void receive() {
        const size_t want = in_.pick(2000);
        Span spans[2];
        const size_t count = queue_.prepare(want, spans);
        FUZZ_CHECK(count <= 2 && (count > 0) == (want > 0));
        size_t room = 0;
        for (size_t i = 0; i < count; ++i) room += spans[i].size;
        FUZZ_CHECK(room <= want);
        const std::string bytes = fresh(room);
        size_t done = 0;
        for (size_t i = 0; i < count; ++i) {
            FUZZ_CHECK(spans[i].size > 0);
            // All of the room is the receiver's, whatever it commits.
            std::memset(spans[i].data, '!', spans[i].size);
            const size_t n = std::min(spans[i].size, bytes.size() - done);
            std::memcpy(spans[i].data, bytes.data() + done, n);
            done += n;
        }
        queue_.commit(bytes.size());
        model_ += bytes;
    }
    void merge() {
        const size_t n = in_.pick(model_.size() + 1);
        const uint8_t *data = queue_.merge(n);
        FUZZ_CHECK(data && std::memcmp(data, model_.data(), n) == 0);
    }
    void consume() {
        const size_t n = in_.pick(4) == 0 ? model_.size() : in_.pick(model_.size() + 1);
        queue_.consume(n);
        model_.erase(0, n);
        since_search_ = SIZE_MAX;
    }
    void copy() {
        const size_t n = in_.pick(3000);
        std::string out(n, '?');
        FUZZ_CHECK(queue_.copy_to(out.data(), n) == std::min(n, model_.size()));
        FUZZ_CHECK(out.substr(0, model_.size()) == model_.substr(0, n));
    }
    void gather() {
        std::vector<Span> spans(1 + in_.pick(8));
        const size_t count = queue_.gather(spans.data(), spans.size());
        std::string seen;
        for (size_t i = 0; i < count; ++i) seen.append(reinterpret_cast<char *>(spans[i].data), spans[i].size);
        FUZZ_CHECK(seen == model_.substr(0, seen.size()));
        FUZZ_CHECK(count == spans.size() || seen == model_);
    }
    void take_view() {
        if (model_.empty() || views_.size() > 8) return;
        const size_t n = 1 + in_.pick(model_.size());
        const uint8_t *data = queue_.merge(n);
        views_.push_back({queue_.hold(), data, model_.substr(0, n)});
        if (in_.pick(2) == 0) return;
        queue_.consume(n);
        model_.erase(0, n);
        since_search_ = SIZE_MAX;
    }
    void drop_view() {
        if (!views_.empty()) views_.erase(views_.begin() + static_cast<ptrdiff_t>(in_.pick(views_.size())));
    }
    // Goes on where the last search stopped, if only bytes were added since.
    void search() {
        if (since_search_ == SIZE_MAX) {
            scanned_ = since_search_ = 0;
            needle_ = fresh(in_.pick(4) == 0 ? 60 : 5) + 'a';
        }
        uint64_t examined = 0;
        const size_t limit = in_.pick(3) == 0 ? std::max(since_search_, in_.pick(3000)) : SIZE_MAX;
        const size_t end = find_delimiter(queue_, reinterpret_cast<const uint8_t *>(needle_.data()), needle_.size(),
                                          limit, &scanned_, &examined);
        const size_t found = model_.substr(0, limit).find(needle_);
        FUZZ_CHECK((end == not_found) == (found == std::string::npos));
        if (end != not_found) FUZZ_CHECK(end == found + needle_.size());
        since_search_ = std::min(limit, model_.size());
    }

    fuzz::Input &in_;
    ChunkPool pool_;
    ByteQueue queue_;
    std::string model_;
    std::vector<View> views_;
    std::deque<Foreign> foreign_;
    std::string needle_;
    size_t scanned_ = 0;
    size_t since_search_ = SIZE_MAX;  // SIZE_MAX: the next search is a new one
    unsigned counter_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    const uint64_t before = memory_in_use();
    {
        constexpr size_t chunk_sizes[] = {1, 7, 64, 512, 4096, 65536};
        Pair pair(input, chunk_sizes[input.pick(6)]);
        for (int i = 0; i < 400 && !input.empty(); ++i) {
            pair.step();
            pair.check();
        }
        pair.finish();
    }
    FUZZ_CHECK(memory_in_use() == before);
    return 0;
}
