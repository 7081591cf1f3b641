// The count of what is in use. It is one number for the process, changed without order: readers want a total, not a
// moment.
#include "base/memory.h"

#include <atomic>

namespace ioloop {

namespace {

constinit std::atomic<uint64_t> in_use{0};

}  // namespace

void *allocate(size_t size) noexcept {
    void *memory = os::system_allocate(size);
    if (memory) in_use.fetch_add(size, std::memory_order_relaxed);
    return memory;
}

void release(void *memory, size_t size) noexcept {
    if (!memory) return;
    in_use.fetch_sub(size, std::memory_order_relaxed);
    os::system_release(memory);
}

uint64_t memory_in_use() noexcept { return in_use.load(std::memory_order_relaxed); }

void count_memory(int64_t change) noexcept {
    in_use.fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
}

}  // namespace ioloop
