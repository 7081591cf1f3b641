// Memory for the objects behind public handles. A slot keeps its memory for as long as the library is loaded, and is
// given out again only after 1,024 others have been freed, so that a stale handle can be told from a live one by
// reading its magic word. All loops and threads share one pool per kind.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ioloop {

// What a handle points to; the object itself follows. magic is the kind's number while the object lives, 0 otherwise.
struct alignas(8) HandleHeader {
    std::atomic<uint32_t> magic{0};
};

class ObjectPool {
public:
    // slot_size: bytes of the HandleHeader and the object.
    constexpr ObjectPool(size_t slot_size, uint32_t magic) : slot_size_(slot_size), magic_(magic) {}

    // Uninitialised memory for an object (its header is alive, with magic 0), or null. Counted as memory in use.
    void *take();
    // Takes the slot back; the object must have been destroyed and its magic be 0.
    void give(void *slot);
    uint32_t magic() const { return magic_; }

private:
    struct State;
    State *state();

    size_t slot_size_;
    uint32_t magic_;
    std::atomic<State *> state_{nullptr};
};

inline constexpr size_t handle_quarantine = 1024;

// Whether a handle points to a living object of the kind.
inline bool alive(const void *handle, uint32_t magic) {
    return handle && static_cast<const HandleHeader *>(handle)->magic.load(std::memory_order_acquire) == magic;
}

// From the object to its handle and back.
template <class T>
void *handle_of(T *object) {
    static_assert(alignof(T) <= alignof(HandleHeader));
    return reinterpret_cast<unsigned char *>(object) - sizeof(HandleHeader);
}

inline void *object_memory(void *handle) { return static_cast<unsigned char *>(handle) + sizeof(HandleHeader); }

template <class T>
T *object_of(void *handle) {
    return static_cast<T *>(object_memory(handle));
}

// Makes the handle good from now on, or stale.
template <class T>
void set_alive(T *object, bool yes) {
    static_cast<HandleHeader *>(handle_of(object))
        ->magic.store(yes ? T::pool.magic() : 0, std::memory_order_release);
}

}  // namespace ioloop
