// Pieces of memory that buffers are made of, and the pool that keeps the common size for reuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ioloop {

class ChunkPool;

// Bytes [begin, end) of a block are in use; [end, capacity) is room. Shared by reference counting, on one thread, so
// that a view handed out stays valid after the buffer has let go of it.
struct Chunk {
    Chunk *next = nullptr;
    Chunk *prev = nullptr;
    uint8_t *block = nullptr;
    size_t begin = 0;
    size_t end = 0;
    size_t capacity = 0;  // 0 room: memory that belongs to someone else
    ChunkPool *pool = nullptr;
    void (*release_fn)(void *) = nullptr;  // for memory that belongs to someone else
    void *release_ctx = nullptr;
    uint32_t refs = 1;

    uint8_t *data() { return block + begin; }
    const uint8_t *data() const { return block + begin; }
    size_t size() const { return end - begin; }
    size_t room() const { return release_fn ? 0 : capacity - end; }
};

void chunk_unref(Chunk *chunk);

// Keeps a chunk, and the bytes that were in it, alive.
class ChunkRef {
public:
    ChunkRef() = default;
    explicit ChunkRef(Chunk *chunk) : chunk_(chunk) {
        if (chunk_) ++chunk_->refs;
    }
    ChunkRef(ChunkRef &&other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
    ChunkRef &operator=(ChunkRef &&other) noexcept {
        std::swap(chunk_, other.chunk_);
        return *this;
    }
    ~ChunkRef() {
        if (chunk_) chunk_unref(chunk_);
    }
    void reset() { *this = ChunkRef(); }

private:
    Chunk *chunk_ = nullptr;
};

// One per loop, used on its thread only; must outlive its chunks.
class ChunkPool {
public:
    ChunkPool(size_t chunk_size, size_t max_free) : chunk_size_(chunk_size), max_free_(max_free) {}
    ChunkPool(const ChunkPool &) = delete;
    ChunkPool &operator=(const ChunkPool &) = delete;
    ~ChunkPool();

    size_t chunk_size() const { return chunk_size_; }
    size_t free_chunks() const { return free_count_; }
    // Bytes moved inside the queues of this pool or copied out of them, for the loop's counters. What append and
    // prepend were asked to copy is not among them.
    uint64_t bytes_copied = 0;
    Chunk *spare = nullptr;  // of the one queue that is between prepare and commit

    Chunk *get();                                   // chunk_size() bytes of room; null without memory
    Chunk *get_sized(size_t capacity);              // any capacity, not kept for reuse; null without memory
    Chunk *get_foreign(const void *data, size_t size, void (*release_fn)(void *), void *release_ctx);

private:
    friend void chunk_unref(Chunk *chunk);
    void put(Chunk *chunk);

    size_t chunk_size_;
    size_t max_free_;
    size_t free_count_ = 0;
    Chunk *free_ = nullptr;
};

}  // namespace ioloop
