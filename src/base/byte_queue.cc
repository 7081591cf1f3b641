// The queue is a list of chunks. A chunk without bytes is in it only alone, as room that was reserved; one that is
// emptied leaves at once. Bytes past a chunk's end were never shown to anyone, so a shared chunk may still receive.
#include "base/byte_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ioloop {

namespace {

constexpr size_t max_bytes = SIZE_MAX / 2;       // no sum of sizes below it wraps
constexpr size_t enough_room = 16 * 1024;        // a tail with this much is received into alone
constexpr size_t smallest_compact = 256;
constexpr size_t most_chunks_to_compact = 4;     // more than these cannot be mostly empty: only the ends are

void put_at_end(Chunk &chunk, const uint8_t *data, size_t n) {
    std::memcpy(chunk.block + chunk.end, data, n);
    chunk.end += n;
}

// The chunks have left their queue already: the functions that release foreign memory find it consistent.
void unref_all(Chunk *chunk) {
    while (chunk) {
        Chunk *next = chunk->next;
        chunk_unref(chunk);
        chunk = next;
    }
}

}  // namespace

size_t ByteQueue::prepare(size_t want, Span out[2]) {
    want = std::min(want, max_bytes - size_);
    if (want == 0) return 0;
    size_t count = 0;
    size_t in_tail = tail_ ? std::min(want, tail_->room()) : 0;
    if (in_tail > 0) out[count++] = Span{tail_->block + tail_->end, in_tail};
    if (in_tail >= std::min({want, enough_room, pool_->chunk_size()})) return count;
    pool_->spare = pool_->get();
    // Without memory for more, a small room is still a room.
    if (Chunk *spare = pool_->spare) out[count++] = Span{spare->block, std::min(want - in_tail, spare->capacity)};
    return count;
}

void ByteQueue::commit(size_t n) {
    size_t in_tail = tail_ ? std::min(n, tail_->room()) : 0;
    if (in_tail > 0) tail_->end += in_tail;
    size_ += n;
    Chunk *spare = std::exchange(pool_->spare, nullptr);
    if (!spare) return;
    if (n > in_tail) {
        spare->end = n - in_tail;
        link_back(spare);
    } else {
        chunk_unref(spare);
    }
}

bool ByteQueue::reserve(size_t n) {
    if (n <= size_) return true;
    if (head_ && head_ == tail_ && head_->room() >= n - size_) return true;
    Chunk *chunk = new_chunk(n);
    if (!chunk) return false;
    move_all_into(chunk);
    return true;
}

bool ByteQueue::append(const void *data, size_t n) {
    if (n == 0) return true;
    if (n > max_bytes - size_) return false;
    const uint8_t *bytes = static_cast<const uint8_t *>(data);
    size_t in_tail = tail_ ? std::min(n, tail_->room()) : 0;
    Chunk *rest = nullptr;
    if (n > in_tail) {
        rest = new_chunk(n - in_tail);
        if (!rest) return false;
    }
    if (in_tail > 0) put_at_end(*tail_, bytes, in_tail);
    if (rest) {
        put_at_end(*rest, bytes + in_tail, n - in_tail);
        link_back(rest);
    }
    size_ += n;
    return true;
}

bool ByteQueue::prepend(const void *data, size_t n) {
    if (size_ == 0) return append(data, n);
    if (n == 0) return true;
    if (n > max_bytes - size_) return false;
    // What lies before begin may still be seen through a held view.
    bool fits = head_->refs == 1 && !head_->release_fn && head_->begin >= n;
    if (!fits) {
        Chunk *chunk = new_chunk(n);
        if (!chunk) return false;
        chunk->begin = chunk->end = chunk->capacity;  // further ones join it in front
        link_front(chunk);
    }
    head_->begin -= n;
    std::memcpy(head_->data(), data, n);
    size_ += n;
    return true;
}

bool ByteQueue::adopt(const void *data, size_t n, void (*release_fn)(void *), void *release_ctx) {
    if (n > max_bytes - size_) return false;
    if (n == 0) {
        if (release_fn) release_fn(release_ctx);
        return true;
    }
    Chunk *chunk = pool_->get_foreign(data, n, release_fn, release_ctx);
    if (!chunk) return false;
    if (size_ == 0) clear();
    link_back(chunk);
    size_ += n;
    return true;
}

const uint8_t *ByteQueue::merge(size_t n) {
    static constexpr uint8_t nothing = 0;
    if (n == 0) return head_ ? head_->data() : &nothing;
    if (head_->size() >= n) return head_->data();
    if (head_->size() + head_->room() < n) {
        // A front that was merged before is one that grows while it is looked at: with slack, further bytes are
        // received behind it, and all merges together copy each byte a constant number of times.
        bool grows = !head_->pool && !head_->release_fn;
        Chunk *chunk = new_chunk(grows ? 2 * n : n);
        if (!chunk && grows) chunk = new_chunk(n);
        if (!chunk) return nullptr;
        link_front(chunk);
    }
    while (head_->size() < n) {
        Chunk *from = head_->next;
        size_t take = std::min(n - head_->size(), from->size());
        put_at_end(*head_, from->data(), take);
        pool_->bytes_copied += take;
        from->begin += take;
        if (from->size() == 0) {
            unlink(from);
            chunk_unref(from);
        }
    }
    return head_->data();
}

Span ByteQueue::front() const { return head_ ? Span{head_->data(), head_->size()} : Span{nullptr, 0}; }

void ByteQueue::consume(size_t n) {
    while (n > 0) {
        Chunk *chunk = head_;
        size_t take = std::min(n, chunk->size());
        chunk->begin += take;
        size_ -= take;
        n -= take;
        if (chunk->size() == 0) {
            unlink(chunk);
            chunk_unref(chunk);
        }
    }
}

size_t ByteQueue::copy_to(void *destination, size_t n) const {
    uint8_t *to = static_cast<uint8_t *>(destination);
    size_t copied = 0;
    for (const Chunk *chunk = head_; chunk && copied < n; chunk = chunk->next) {
        size_t take = std::min(n - copied, chunk->size());
        if (take > 0) std::memcpy(to + copied, chunk->data(), take);
        copied += take;
    }
    pool_->bytes_copied += copied;
    return copied;
}

size_t ByteQueue::gather(Span *out, size_t most) const {
    if (size_ == 0) return 0;
    size_t count = 0;
    for (Chunk *chunk = head_; chunk && count < most; chunk = chunk->next) {
        out[count++] = Span{chunk->data(), chunk->size()};
    }
    return count;
}

void ByteQueue::clear() {
    Chunk *chunks = head_;
    head_ = tail_ = nullptr;
    size_ = 0;
    unref_all(chunks);
}

void ByteQueue::compact() {
    if (size_ == 0) {
        clear();
        return;
    }
    size_t capacity = 0, chunks = 0;
    for (const Chunk *chunk = head_; chunk; chunk = chunk->next) {
        if (chunk->refs > 1 || chunk->release_fn || ++chunks > most_chunks_to_compact) return;
        capacity += chunk->capacity;
    }
    if (size_ > capacity / 4) return;
    size_t enough = std::max(smallest_compact, std::bit_ceil(2 * size_));
    if (enough >= capacity) return;
    Chunk *chunk = enough == pool_->chunk_size() ? pool_->get() : pool_->get_sized(enough);
    if (chunk) move_all_into(chunk);
}

Chunk *ByteQueue::new_chunk(size_t n) { return n <= pool_->chunk_size() ? pool_->get() : pool_->get_sized(n); }

void ByteQueue::move_all_into(Chunk *chunk) {
    Chunk *old = head_;
    for (const Chunk *from = old; from; from = from->next) {
        if (from->size() > 0) put_at_end(*chunk, from->data(), from->size());
    }
    pool_->bytes_copied += size_;
    head_ = tail_ = chunk;
    unref_all(old);
}

void ByteQueue::link_back(Chunk *chunk) {
    chunk->prev = tail_;
    (tail_ ? tail_->next : head_) = chunk;
    tail_ = chunk;
}

void ByteQueue::link_front(Chunk *chunk) {
    chunk->next = head_;
    head_->prev = chunk;
    head_ = chunk;
}

void ByteQueue::unlink(Chunk *chunk) {
    (chunk->prev ? chunk->prev->next : head_) = chunk->next;
    (chunk->next ? chunk->next->prev : tail_) = chunk->prev;
}

}  // namespace ioloop
