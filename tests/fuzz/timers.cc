// The timer set against a plain list that is searched for the earliest.
#include <vector>

#include "base/timer_set.h"
#include "input.h"

using namespace ioloop;

namespace {

struct Entry {
    Timer timer;
    bool armed = false;
    int64_t deadline_ns = 0;
    uint64_t order = 0;
    bool fresh = false;  // armed since the turn began
};

class Pair {
public:
    explicit Pair(fuzz::Input &input)
        : in_(input), now_(static_cast<int64_t>(input.magnitude() >> (1 + input.pick(20)))), set_(now_) {}

    void step() {
        switch (in_.pick(8)) {
            case 0:
            case 1:
            case 2: return arm();
            case 3: return cancel(entries_[in_.pick(entries)]);
            case 4: return begin();
            case 5:
            case 6: return due();
            default: return look();
        }
    }

    void finish() {
        while (Timer *timer = set_.any()) {
            Entry &entry = entry_of(*timer);
            FUZZ_CHECK(entry.armed);
            cancel(entry);
        }
        FUZZ_CHECK(set_.empty() && count() == 0);
    }

private:
    static constexpr size_t entries = 200;

    Entry &entry_of(Timer &timer) { return reinterpret_cast<Entry &>(timer); }
    size_t count() const {
        size_t n = 0;
        for (const Entry &each : entries_) n += each.armed;
        return n;
    }
    // The first in (deadline, order), of those that are due or of all.
    Entry *first(bool only_due) {
        Entry *best = nullptr;
        for (Entry &each : entries_) {
            if (!each.armed || (only_due && (each.fresh || each.deadline_ns > turn_))) continue;
            if (best && std::pair(best->deadline_ns, best->order) <= std::pair(each.deadline_ns, each.order)) continue;
            best = &each;
        }
        return best;
    }
    void arm() {
        size_t times = in_.pick(8) == 0 ? 1 + in_.pick(120) : 1;
        int64_t deadline = static_cast<int64_t>(in_.magnitude() >> 1);
        // Most often near the present, and on either side of it.
        if (in_.pick(4) != 0) {
            const int64_t offset = deadline >> in_.pick(60);
            deadline = in_.pick(4) == 0 ? now_ - std::min(now_, offset) : now_ + std::min(INT64_MAX - now_, offset);
        }
        size_t at = in_.pick(entries);
        for (; times > 0; --times, at = (at + 1) % entries) {
            Entry &entry = entries_[at];
            FUZZ_CHECK(set_.arm(entry.timer, deadline));
            entry.armed = entry.fresh = true;
            entry.deadline_ns = deadline;
            entry.order = ++order_;
            FUZZ_CHECK(entry.timer.armed() && entry.timer.deadline_ns == deadline);
        }
    }
    void cancel(Entry &entry) {
        set_.cancel(entry.timer);
        entry.armed = false;
        FUZZ_CHECK(!entry.timer.armed());
    }
    void begin() {
        int64_t step = static_cast<int64_t>(in_.magnitude() >> 1);
        // To the next deadline exactly, just before it, or anywhere.
        Entry *next = first(false);
        const size_t how = in_.pick(4);
        if (next && how < 2 && next->deadline_ns > now_) step = next->deadline_ns - now_ - static_cast<int64_t>(how);
        else step >>= in_.pick(60);
        now_ += std::min(INT64_MAX - now_, step);
        turn_ = now_;
        set_.begin_turn(now_);
        for (Entry &each : entries_) each.fresh = false;
    }
    void due() {
        for (size_t n = 1 + in_.pick(20); n > 0; --n) {
            Entry *expected = turn_ < 0 ? nullptr : first(true);
            Timer *timer = set_.due();
            FUZZ_CHECK(timer == (expected ? &expected->timer : nullptr));
            if (!timer) return;
            FUZZ_CHECK(!timer->armed());
            expected->armed = false;
        }
    }
    void look() {
        FUZZ_CHECK(set_.size() == count());
        const int64_t next = set_.next_deadline_ns();
        const Entry *earliest = first(false);
        FUZZ_CHECK(earliest ? next <= earliest->deadline_ns : next == INT64_MAX);
    }

    fuzz::Input &in_;
    int64_t now_;
    int64_t turn_ = -1;  // none yet
    TimerSet set_;
    Entry entries_[entries];
    uint64_t order_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    Pair pair(input);
    for (int i = 0; i < 500 && !input.empty(); ++i) pair.step();
    pair.finish();
    return 0;
}
