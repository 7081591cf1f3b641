// Armed timers in the order of their deadlines, cheap with a million of them: a hierarchical wheel for what is far
// off, a heap for what is due within the current tick. Arming and cancelling cost the same at any size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/timer_heap.h"

namespace ioloop {

class TimerSet {
public:
    explicit TimerSet(int64_t now_ns);
    TimerSet(const TimerSet &) = delete;
    TimerSet &operator=(const TimerSet &) = delete;

    // Arms, or moves an armed timer. Always true: the set needs no memory for it.
    bool arm(Timer &timer, int64_t deadline_ns);
    void cancel(Timer &timer);  // nothing happens if it is not armed

    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // A time not later than the earliest deadline, INT64_MAX when empty; exact, but for a crowd of more than 64
    // timers that share a far slot, and just after the earliest was cancelled (one early look then).
    int64_t next_deadline_ns();

    // Begins a turn at this time: due() gives what was due then and armed before.
    void begin_turn(int64_t now_ns);
    // The next due timer of the turn in (deadline, order), disarmed; null when there are no more. Timers may be armed
    // and cancelled between calls.
    Timer *due();

    // Any armed timer, for emptying the set; null when empty.
    Timer *any();

private:
    static constexpr unsigned slots = 64;
    static constexpr unsigned levels = 8;  // enough for all ticks of 63 bits of nanoseconds

    struct Slot {
        unsigned level;
        unsigned index;
        uint64_t start;  // its first tick
    };

    Slot first_slot() const;
    void spread(Slot slot);
    uint32_t wheel_place(uint64_t tick) const;
    void put_in_slot(Timer &timer, uint32_t place);
    void take_out(Timer &timer);
    int64_t earliest() const;

    // A timer is in the level of the highest digit, to base 64, in which its tick differs from the current one, and
    // there in the slot of that digit. So all of a level is due before anything of the next, and in a level all of a
    // slot before the next slot. When the current tick moves, but not into an occupied slot, this stays true as it is.
    Timer *slots_[levels][slots] = {};
    uint64_t occupied_[levels] = {};  // a bit for each slot that is not empty
    Timer *ready_ = nullptr;          // heap of what is of the current tick or before, armed before the turn
    Timer *fresh_ = nullptr;          // heap of what was armed since for a tick up to the turn's
    uint64_t tick_;                   // the current one: it follows the turn's, and is there when nothing more is due
    uint64_t turn_tick_;
    int64_t turn_ns_;
    uint64_t next_order_ = 0;
    size_t size_ = 0;

    // No deadline is before next_ns_. Stale: its timer was cancelled. Unknown: look again.
    enum class Next { known, stale, unknown };
    int64_t next_ns_ = INT64_MAX;
    Next next_state_ = Next::known;
};

}  // namespace ioloop
