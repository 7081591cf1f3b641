// Timers in exact order, linked through themselves: a pairing heap. It needs no memory of its own, so that neither
// arming nor a turn can fail; adding costs the same at any size, taking the first its logarithm on average.
#pragma once

#include <cstdint>

namespace ioloop {

// Embedded in whatever fires. Not armed while place is 0.
struct Timer {
    Timer *prev = nullptr;
    Timer *next = nullptr;
    Timer *child = nullptr;
    int64_t deadline_ns = 0;
    uint64_t order = 0;  // equal deadlines fire in the order of arming
    uint32_t place = 0;  // where the set keeps it

    bool armed() const { return place != 0; }
};

// A heap is its root, the timer that fires first, or null. A single timer, unlinked, is a heap.

// The root of both together.
Timer *heap_meld(Timer *a, Timer *b);

// Takes a timer out of the heap it is in. Returns what comes into its place: the new root, if it was the root.
Timer *heap_remove(Timer &timer);

}  // namespace ioloop
