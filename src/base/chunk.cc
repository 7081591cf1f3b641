// Chunks are one allocation each, header and block together, so that taking one costs one call or, from the pool, none.
#include "base/chunk.h"

#include <cstdint>
#include <new>

#include "base/memory.h"

namespace ioloop {

namespace {

void release_nothing(void *) {}

void release_chunk(Chunk *chunk) { release(chunk, sizeof(Chunk) + (chunk->release_fn ? 0 : chunk->capacity)); }

}  // namespace

void chunk_unref(Chunk *chunk) {
    if (--chunk->refs != 0) return;
    if (chunk->pool) {
        chunk->pool->put(chunk);
        return;
    }
    // The owner's function may do anything, so nothing of the chunk is needed after it.
    void (*release_fn)(void *) = chunk->release_fn;
    void *release_ctx = chunk->release_ctx;
    release_chunk(chunk);
    if (release_fn) release_fn(release_ctx);
}

ChunkPool::~ChunkPool() {
    while (free_) {
        Chunk *chunk = free_;
        free_ = chunk->next;
        release_chunk(chunk);
    }
}

Chunk *ChunkPool::get() {
    if (Chunk *chunk = free_) {
        free_ = chunk->next;
        --free_count_;
        chunk->next = chunk->prev = nullptr;
        chunk->begin = chunk->end = 0;
        chunk->refs = 1;
        return chunk;
    }
    Chunk *chunk = get_sized(chunk_size_);
    if (chunk) chunk->pool = this;
    return chunk;
}

Chunk *ChunkPool::get_sized(size_t capacity) {
    if (capacity > SIZE_MAX / 2 - sizeof(Chunk)) return nullptr;
    void *memory = allocate(sizeof(Chunk) + capacity);
    if (!memory) return nullptr;
    Chunk *chunk = new (memory) Chunk;
    chunk->block = reinterpret_cast<uint8_t *>(chunk + 1);
    chunk->capacity = capacity;
    return chunk;
}

Chunk *ChunkPool::get_foreign(const void *data, size_t size, void (*release_fn)(void *), void *release_ctx) {
    void *memory = allocate(sizeof(Chunk));
    if (!memory) return nullptr;
    Chunk *chunk = new (memory) Chunk;
    // Nobody writes to it: room() of a chunk with a release_fn is 0.
    chunk->block = const_cast<uint8_t *>(static_cast<const uint8_t *>(data));
    chunk->end = size;
    chunk->release_fn = release_fn ? release_fn : release_nothing;
    chunk->release_ctx = release_ctx;
    return chunk;
}

void ChunkPool::put(Chunk *chunk) {
    if (free_count_ >= max_free_) {
        release_chunk(chunk);
        return;
    }
    chunk->next = free_;
    free_ = chunk;
    ++free_count_;
}

}  // namespace ioloop
