// Armed timers in the order of their deadlines, cheap with a million of them: a hierarchical wheel for what is far
// off, a heap for what is due within the current tick. Arming and cancelling cost the same at any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/memory.h"

namespace ioloop {

// Embedded in whatever fires. Not armed while place is 0.
struct Timer {
    Timer *prev = nullptr;
    Timer *next = nullptr;
    int64_t deadline_ns = 0;
    uint64_t order = 0;   // equal deadlines fire in the order of arming
    uint32_t place = 0;   // where the set keeps it
    uint32_t turn = 0;    // the set's turn in which it was armed

    bool armed() const { return place != 0; }
};

class TimerSet {
public:
    explicit TimerSet(int64_t now_ns);
    TimerSet(const TimerSet &) = delete;
    TimerSet &operator=(const TimerSet &) = delete;

    // Arms, or moves an armed timer. False without memory: the timer is not armed then.
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
    size_t size_ = 0;
};

}  // namespace ioloop
