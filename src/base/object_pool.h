// Memory for the objects behind public handles. A slot keeps its memory for as long as the library is loaded, and is
// given out again only after 1,024 others have been freed, so that a stale handle can be told from a live one by
// reading its magic word. All loops and threads share one pool per kind.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ioloop {

// The first member of every object behind a handle. magic is the kind's number while the object lives, 0 otherwise.
struct HandleHeader {
    std::atomic<uint32_t> magic{0};
};

class ObjectPool {
public:
    // slot_size: bytes of the object; the HandleHeader is at its start.
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

}  // namespace ioloop
