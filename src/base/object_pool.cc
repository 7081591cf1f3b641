// Slots are carved from blocks that are never freed: what a stale handle points to stays readable.
#include "base/object_pool.h"

#include <algorithm>
#include <mutex>
#include <new>

#include "base/memory.h"

namespace ioloop {

namespace {

constexpr size_t slots_per_block = 64;
constexpr size_t slot_alignment = alignof(std::max_align_t);

// A slot between give and take. Its header is alive all the time.
struct FreeSlot {
    HandleHeader header;
    FreeSlot *next;
};

// In front of the slots of a block; the chain keeps all blocks reachable.
struct alignas(slot_alignment) Block {
    Block *next;
};

}  // namespace

struct ObjectPool::State {
    std::mutex mutex;
    Block *blocks = nullptr;
    size_t unused = 0;  // slots of the newest block that were never given out, at its end
    FreeSlot *oldest = nullptr;
    FreeSlot *newest = nullptr;
    size_t free_count = 0;
};

// Made at first use and kept, so that a pool needs neither a constructor at load nor a destructor at exit.
ObjectPool::State *ObjectPool::state() {
    State *state = state_.load(std::memory_order_acquire);
    if (state) return state;
    void *memory = os::system_allocate(sizeof(State));
    if (!memory) return nullptr;
    State *made = new (memory) State;
    if (state_.compare_exchange_strong(state, made, std::memory_order_acq_rel)) return made;
    made->~State();
    os::system_release(made);
    return state;
}

void *ObjectPool::take() {
    State *pool = state();
    if (!pool) return nullptr;
    size_t stride = (std::max(slot_size_, sizeof(FreeSlot)) + slot_alignment - 1) & ~(slot_alignment - 1);
    void *slot = nullptr;
    {
        std::lock_guard lock(pool->mutex);
        if (pool->free_count > handle_quarantine) {
            slot = pool->oldest;
            pool->oldest = pool->oldest->next;
            --pool->free_count;
        } else {
            if (pool->unused == 0) {
                void *memory = os::system_allocate(sizeof(Block) + slots_per_block * stride);
                if (!memory) return nullptr;
                pool->blocks = new (memory) Block{pool->blocks};
                pool->unused = slots_per_block;
            }
            size_t index = slots_per_block - pool->unused--;
            slot = reinterpret_cast<std::byte *>(pool->blocks + 1) + index * stride;
            new (slot) HandleHeader;
        }
    }
    count_memory(static_cast<int64_t>(slot_size_));
    return slot;
}

void ObjectPool::give(void *slot) {
    State *pool = state_.load(std::memory_order_acquire);
    FreeSlot *freed = static_cast<FreeSlot *>(slot);
    freed->next = nullptr;
    {
        std::lock_guard lock(pool->mutex);
        (pool->oldest ? pool->newest->next : pool->oldest) = freed;
        pool->newest = freed;
        ++pool->free_count;
    }
    count_memory(-static_cast<int64_t>(slot_size_));
}

}  // namespace ioloop
