// The library's memory: every allocation goes through here, counted. Null when there is none, never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace ioloop {

void *allocate(size_t size) noexcept;
// size must be the one allocated.
void release(void *memory, size_t size) noexcept;
// Bytes allocated and not yet released, in the whole process.
uint64_t memory_in_use() noexcept;
// Memory that the count should name as in use although it was allocated before (a pool slot taken), or no longer.
void count_memory(int64_t change) noexcept;

// Makes and destroys single objects. make returns null without memory.
template <class T, class... Args>
T *make(Args &&...args) {
    void *memory = allocate(sizeof(T));
    return memory ? new (memory) T(std::forward<Args>(args)...) : nullptr;
}

template <class T>
void destroy(T *object) {
    if (!object) return;
    object->~T();
    release(object, sizeof(T));
}

// For standard containers, which report a lack of memory as std::bad_alloc.
template <class T>
struct Allocator {
    using value_type = T;
    Allocator() = default;
    template <class U>
    Allocator(const Allocator<U> &) {}
    T *allocate(size_t n) {
        if (n > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        void *memory = ioloop::allocate(n * sizeof(T));
        if (!memory) throw std::bad_alloc();
        return static_cast<T *>(memory);
    }
    void deallocate(T *memory, size_t n) { ioloop::release(memory, n * sizeof(T)); }
    template <class U>
    bool operator==(const Allocator<U> &) const {
        return true;
    }
};

// The seam below: defined in src/os, so that a test can put another system there. No counting.
namespace os {
void *system_allocate(size_t size) noexcept;
void system_release(void *memory) noexcept;
}  // namespace os

}  // namespace ioloop
