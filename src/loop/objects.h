// What the loop knows of the things that live on it: descriptors' watchers, timers' targets, and owned objects.
#pragma once

#include <cstdint>

#include "base/list.h"
#include "base/result.h"
#include "base/timer_set.h"

namespace ioloop {

// Told when a watched descriptor is ready. Stays valid until the turn ends, even if removed while it is told.
class Watcher {
public:
    virtual void on_ready(uint32_t events) = 0;
    // After on_ready and the callbacks it led to: finishes the dispatch (flushes corked writes); a mask other than 0
    // asks for on_ready again at once.
    virtual uint32_t after_dispatch() { return 0; }

protected:
    ~Watcher() = default;
};

class TimerTarget : public Timer {
public:
    virtual void on_timer(int64_t now_ns) = 0;

protected:
    ~TimerTarget() = default;
};

struct OwnedTag;
struct WorkTag;

// Lives on one loop: closed with it, freed with it. May have work left for later.
class LoopObject : public ListNode<OwnedTag>, public ListNode<WorkTag> {
public:
    // Asked for with Loop::before_wait, Loop::next_turn or Loop::on_descriptor_freed.
    virtual void work() = 0;
    bool has_work() const { return ListNode<WorkTag>::linked(); }
    void drop_work() { ListNode<WorkTag>::unlink(); }
    void leave_loop() { ListNode<OwnedTag>::unlink(); }
    // The loop closes: ends all operations with this reason.
    virtual void shut(Status reason) = 0;
    // Nothing refers to it any more: destroys it and gives its memory back.
    virtual void destroy() = 0;

protected:
    ~LoopObject() = default;
};

}  // namespace ioloop
