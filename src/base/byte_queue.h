// A queue of bytes in chunks: what a stream has received and not delivered, or been given and not sent.
//
// Bytes never move while someone holds a view of them (hold()). An empty queue holds no chunk, unless room was
// reserved in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/chunk.h"

namespace ioloop {

struct Span {
    uint8_t *data;
    size_t size;
};

class ByteQueue {
public:
    explicit ByteQueue(ChunkPool &pool) : pool_(&pool) {}
    ByteQueue(const ByteQueue &) = delete;
    ByteQueue &operator=(const ByteQueue &) = delete;
    ~ByteQueue() { clear(); }

    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Room to receive at most want bytes into: the tail's own room if it is large, else that and a fresh chunk.
    // Returns the number of spans (1 or 2), 0 without memory or if want is 0. A commit, of 0 bytes too, must follow
    // before any other call.
    size_t prepare(size_t want, Span out[2]);
    void commit(size_t n);

    // Makes the next n bytes (those already here, and those to come) fit one chunk, so that large reads arrive in
    // one piece. False without memory; the bytes are as before.
    bool reserve(size_t n);

    bool append(const void *data, size_t n);  // copies; small pieces join the tail; false without memory
    bool prepend(const void *data, size_t n);
    // Takes foreign memory without a copy; release_fn(release_ctx) runs once when its last byte is consumed or the
    // queue is cleared. False without memory: release_fn is not called.
    bool adopt(const void *data, size_t n, void (*release_fn)(void *), void *release_ctx);

    // The first n bytes in one piece; null without memory. n <= size().
    const uint8_t *merge(size_t n);
    // The piece at the front, as long as it happens to be.
    Span front() const;
    void consume(size_t n);  // n <= size()
    size_t copy_to(void *destination, size_t n) const;  // copies without consuming; returns min(n, size())
    size_t gather(Span *out, size_t most) const;        // the first pieces in order, for a gathered send
    void clear();

    // Keeps the front chunk alive after its bytes are consumed.
    ChunkRef hold() const { return ChunkRef(head_); }

    // Moves a small rest out of large chunks, so that a quiet stream holds no more than four times its bytes (256 bytes
    // at least), and gives up reserved room that no byte has reached. Does nothing while a chunk is held or foreign, or
    // if there is no memory for it.
    void compact();

    // For searches: the chunks, linked both ways.
    Chunk *head() const { return head_; }
    Chunk *tail() const { return tail_; }

private:
    Chunk *new_chunk(size_t n);
    void move_all_into(Chunk *chunk);
    void link_back(Chunk *chunk);
    void link_front(Chunk *chunk);  // before others
    void unlink(Chunk *chunk);

    Chunk *head_ = nullptr;
    Chunk *tail_ = nullptr;
    ChunkPool *pool_;
    size_t size_ = 0;
};

}  // namespace ioloop
