// The current tick goes from one occupied slot to the next, and timers of that slot move down the levels, each at most
// once per level; so a jump of the clock costs what is due in it, whatever its length.
#include "base/timer_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ioloop {

namespace {

constexpr unsigned tick_shift = 20;  // a tick is about a millisecond
constexpr unsigned digit_bits = 6;   // a digit of a tick is a slot of a level
constexpr uint64_t no_tick = UINT64_MAX;
constexpr uint32_t place_heap = 1;
constexpr uint32_t place_wheel = 2;
constexpr size_t most_looks = 64;    // into one slot, for the earliest of it
constexpr size_t few_timers = 16;    // with these, looking again is cheaper than one wait that ends early

// What is before time zero is of the first tick; its exact deadline counts in the heap.
uint64_t tick_of(int64_t time_ns) { return static_cast<uint64_t>(std::max<int64_t>(time_ns, 0)) >> tick_shift; }

unsigned digit(uint64_t tick, unsigned level) { return static_cast<unsigned>(tick >> (level * digit_bits)) & 63; }

unsigned highest_digit(uint64_t tick) { return (static_cast<unsigned>(std::bit_width(tick)) - 1) / digit_bits; }

}  // namespace

TimerSet::TimerSet(int64_t now_ns) : tick_(tick_of(now_ns)), turn_tick_(tick_), turn_ns_(now_ns) {}

bool TimerSet::arm(Timer &timer, int64_t deadline_ns) {
    uint64_t tick = tick_of(deadline_ns);
    uint32_t place = tick > std::max(tick_, turn_tick_) ? wheel_place(tick) : place_heap;
    if (timer.armed() && timer.deadline_ns == next_ns_ && next_state_ == Next::known) next_state_ = Next::stale;
    bool stays = place == timer.place && place != place_heap;
    if (timer.armed() && !stays) take_out(timer);
    timer.deadline_ns = deadline_ns;
    timer.order = next_order_++;
    if (deadline_ns <= next_ns_) {
        next_ns_ = deadline_ns;
        if (next_state_ == Next::stale) next_state_ = Next::known;
    }
    if (stays) return true;
    ++size_;
    if (place == place_heap) {
        timer.place = place_heap;
        fresh_ = heap_meld(fresh_, &timer);
    } else {
        put_in_slot(timer, place);
    }
    return true;
}

void TimerSet::cancel(Timer &timer) {
    if (!timer.armed()) return;
    take_out(timer);
    if (size_ == 0) {
        next_ns_ = INT64_MAX;
        next_state_ = Next::known;
    } else if (timer.deadline_ns == next_ns_ && next_state_ == Next::known) {
        next_state_ = Next::stale;
    }
}

int64_t TimerSet::next_deadline_ns() {
    // Looking for the next one each time the first is cancelled would make that the cost of cancelling. The old time
    // is early, but not wrong: after one wait until then it is looked for.
    bool cheap = size_ <= few_timers;
    if (next_state_ == Next::unknown || (next_state_ == Next::stale && cheap)) {
        next_ns_ = earliest();
        next_state_ = Next::known;
    }
    return next_ns_;
}

void TimerSet::begin_turn(int64_t now_ns) {
    turn_ns_ = now_ns;
    turn_tick_ = tick_of(now_ns);
    if (now_ns >= next_ns_) next_state_ = Next::unknown;
    ready_ = heap_meld(ready_, std::exchange(fresh_, nullptr));
}

Timer *TimerSet::due() {
    // Slot by slot, so that the heap stays as small as one tick, however many are due.
    for (;;) {
        Slot first = first_slot();
        if (first.start > turn_tick_ || (ready_ && tick_of(ready_->deadline_ns) < first.start)) break;
        tick_ = first.start;
        spread(first);
    }
    Timer *timer = ready_;
    if (timer && timer->deadline_ns <= turn_ns_) {
        take_out(*timer);
        next_state_ = Next::unknown;
        return timer;
    }
    tick_ = std::max(tick_, turn_tick_);
    return nullptr;
}

Timer *TimerSet::any() {
    if (ready_) return ready_;
    if (fresh_) return fresh_;
    Slot first = first_slot();
    return first.start == no_tick ? nullptr : slots_[first.level][first.index];
}

TimerSet::Slot TimerSet::first_slot() const {
    for (unsigned level = 0; level < levels; ++level) {
        if (!occupied_[level]) continue;
        unsigned index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
        unsigned shift = level * digit_bits;
        uint64_t above = tick_ >> shift >> digit_bits << digit_bits;
        return Slot{level, index, (above | index) << shift};
    }
    return Slot{0, 0, no_tick};
}

// Gives each timer of the slot the place that it has from the current tick.
void TimerSet::spread(Slot slot) {
    Timer *timer = std::exchange(slots_[slot.level][slot.index], nullptr);
    occupied_[slot.level] &= ~(uint64_t{1} << slot.index);
    while (timer) {
        Timer *next = timer->next;
        uint64_t tick = tick_of(timer->deadline_ns);
        if (tick == tick_) {
            timer->prev = timer->next = nullptr;
            timer->place = place_heap;
            ready_ = heap_meld(ready_, timer);
        } else {
            put_in_slot(*timer, wheel_place(tick));
        }
        timer = next;
    }
}

uint32_t TimerSet::wheel_place(uint64_t tick) const {
    unsigned level = highest_digit(tick ^ tick_);
    return place_wheel + level * slots + digit(tick, level);
}

void TimerSet::put_in_slot(Timer &timer, uint32_t place) {
    unsigned level = (place - place_wheel) / slots, slot = (place - place_wheel) % slots;
    Timer *&head = slots_[level][slot];
    timer.place = place;
    timer.prev = nullptr;
    timer.next = head;
    if (head) head->prev = &timer;
    head = &timer;
    occupied_[level] |= uint64_t{1} << slot;
}

void TimerSet::take_out(Timer &timer) {
    if (timer.place == place_heap) {
        Timer *rest = heap_remove(timer);
        if (ready_ == &timer) ready_ = rest;
        else if (fresh_ == &timer) fresh_ = rest;
    } else {
        unsigned level = (timer.place - place_wheel) / slots, slot = (timer.place - place_wheel) % slots;
        if (timer.next) timer.next->prev = timer.prev;
        (timer.prev ? timer.prev->next : slots_[level][slot]) = timer.next;
        if (!slots_[level][slot]) occupied_[level] &= ~(uint64_t{1} << slot);
        timer.prev = timer.next = nullptr;
    }
    timer.place = 0;
    --size_;
}

int64_t TimerSet::earliest() const {
    int64_t found = std::min(ready_ ? ready_->deadline_ns : INT64_MAX, fresh_ ? fresh_->deadline_ns : INT64_MAX);
    Slot first = first_slot();
    if (first.start > tick_of(found)) return found;
    size_t looks = 0;
    for (const Timer *timer = slots_[first.level][first.index]; timer; timer = timer->next) {
        if (looks++ == most_looks) return static_cast<int64_t>(first.start << tick_shift);
        found = std::min(found, timer->deadline_ns);
    }
    return found;
}

}  // namespace ioloop
