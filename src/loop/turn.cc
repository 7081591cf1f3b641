// One turn of the loop: what happens, in which order.

#include "loop/loop.h"
#include "os/clock.h"
#include "os/readiness.h"

namespace ioloop {

namespace {
// How often results and the writes they lead to may follow each other within one settling, before other work gets
// its chance.
constexpr int settle_rounds = 8;
constexpr int64_t forever = INT64_MAX;
}  // namespace

int32_t Loop::run_turn(int64_t deadline_ns) {
    const uint64_t before = dispatched_;
    in_turn_ = true;
    ++turn_;
    ++stats.turns;

    take_posted();      // from other threads and signals
    deliver();          // results of calls made since the last turn
    run_callbacks();    // those queued before this turn
    fire_timeouts();    // those due now and armed before
    resume_work();      // streams that had used up their share of the last turn
    settle();           // results of all this, and the writes they made
    if (!stop_.load(std::memory_order_relaxed) && !free_requested_) {
        const bool enough = single_turn_ && dispatched_ != before;
        wait(enough ? 0 : deadline_ns);  // tells interest changes to the kernel, sleeps, reads the clock
        dispatch_ready();   // handlers, streams, servers; their results at once
        signals.collect();
        settle();
    }
    free_retired();

    in_turn_ = false;
    const uint64_t count = dispatched_ - before;
    return count > INT32_MAX ? INT32_MAX : static_cast<int32_t>(count);
}

void Loop::take_posted() {
    stats.posted += inbox.take(callbacks_, events_);
    calls_.splice(later_);
    events_.splice(later_events_);
    signals.collect();
}

void Loop::run_callbacks() {
    snapshot_.splice(callbacks_);
    while (!free_requested_) {
        Completion *callback = snapshot_.pop_front();
        if (!callback) break;
        ++dispatched_;
        ++stats.callbacks_run;
        callback->run();
    }
}

void Loop::fire_timeouts() {
    if (timers.empty()) return;
    now_ns_ = os::monotonic_ns();
    timers.begin_turn(now_ns_);
    while (!free_requested_) {
        Timer *timer = timers.due();
        if (!timer) break;
        ++dispatched_;
        static_cast<TimerTarget *>(timer)->on_timer(now_ns_);
    }
}

void Loop::resume_work() {
    List<LoopObject, WorkTag> batch;
    batch.splice(resume_);
    while (LoopObject *object = batch.pop_front()) {
        ++dispatched_;
        object->work();
    }
}

void Loop::deliver() {
    while (!free_requested_) {
        Completion *completion = calls_.pop_front();
        if (!completion) break;
        completion->run();
    }
}

void Loop::settle() {
    for (int round = 0; round < settle_rounds; ++round) {
        deliver();
        if (flush_.empty()) return;
        List<LoopObject, WorkTag> batch;
        batch.splice(flush_);
        while (LoopObject *object = batch.pop_front()) object->work();
    }
}

bool Loop::has_work() const {
    return !callbacks_.empty() || !calls_.empty() || !later_.empty() || !later_events_.empty() || !flush_.empty() ||
           !resume_.empty() || !inbox.empty() || signals.any_pending();
}

int64_t Loop::wait_ns(int64_t deadline_ns) {
    if (has_work() || closed_ || (polling_ && !events_.empty())) return 0;
    int64_t until = timers.empty() ? forever : timers.next_deadline_ns();
    if (deadline_ns < until) until = deadline_ns;
    if (until == forever) return -1;
    int64_t now = os::monotonic_ns();
    return until > now ? until - now : 0;
}

void Loop::wait(int64_t deadline_ns) {
    int64_t timeout_ns = wait_ns(deadline_ns);
    if (timeout_ns != 0 && (!inbox.prepare_sleep() || stop_.load())) timeout_ns = 0;
    ++stats.waits;
    Result<size_t> ready = poller_.wait(ready_.data(), ready_.size(), timeout_ns);
    inbox.awake();
    now_ns_ = os::monotonic_ns();
    ready_count_ = ready.value;
    if (!ready.ok()) {
        ready_count_ = 0;
        remember_error(IOLOOP_ESYS, ready.error);
        poller_failed_ = true;
    }
}

void Loop::dispatch_ready() {
    if (ready_count_ == 0) return;
    const uint64_t before = progress_;
    for (size_t i = 0; i < ready_count_ && !free_requested_; ++i) dispatch(ready_[i]);
    if (progress_ == before) ++stats.idle_wakeups;
}

// An event whose token is stale belongs to something removed earlier in this batch, or to a descriptor that has been
// given out anew since: it is dropped.
void Loop::dispatch(const Ready &ready) {
    const auto fd = static_cast<size_t>(token_fd(ready.token));
    auto live = [&] { return poller_.current(ready.token) && !free_requested_; };
    if (!live()) return;
    Watcher *watcher = watchers_[fd];
    ++dispatched_;
    for (uint32_t events = ready.events; events != 0;) {
        watcher->on_ready(events);
        deliver();
        if (!live()) return;
        events = watcher->after_dispatch();
        deliver();
        if (!live()) return;
    }
}

void Loop::free_retired() {
    while (LoopObject *object = retired_.pop_front()) object->destroy();
}

}  // namespace ioloop
