// The event loop. Loop::run_turn in turn.cc is the place to begin reading.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/chunk.h"
#include "base/memory.h"
#include "base/object_pool.h"
#include "base/result.h"
#include "base/timer_set.h"
#include "ioloop/event.h"
#include "ioloop/loop.h"
#include "loop/completion.h"
#include "loop/handlers.h"
#include "loop/inbox.h"
#include "loop/objects.h"
#include "loop/signal_watches.h"
#include "loop/timeouts.h"
#include "os/descriptor.h"
#include "poll/poller.h"

namespace ioloop {

class Loop final : private Watcher {
public:
    static ObjectPool pool;

    static Status create(Loop **out_loop, const ioloop_options_t &options, int *out_errno);
    // Everything dropped, memory given back. Inside a turn: when the outermost run ends.
    void free();
    void close(bool close_descriptors, Status reason);
    bool closed() const { return closed_; }

    // Running. Each makes the calling thread the owner.
    Status start();
    Status stop();
    Status run_once(int64_t timeout_ns);
    Status poll(ioloop_event_t *events, uint32_t capacity, int64_t timeout_ns);
    bool running() const { return running_.load(std::memory_order_relaxed); }

    // Whether this thread, of this process, may use the loop now: IOLOOP_OK, IOLOOP_ETHREAD, IOLOOP_EFORKED.
    Status check_caller() const;

    int64_t now_ns() const { return now_ns_; }
    int64_t next_timeout_ns();
    int32_t native_fd();  // the descriptor, or a negative status
    const char *backend_name() const { return poller_.name(); }
    void fill_stats(ioloop_stats_t *out) const;
    Status post(UserCall<ioloop_callback_fn> call);  // [any]
    uint32_t turn() const { return turn_; }
    int wake_descriptor() const { return wake_fd_.get(); }

    // For handlers, streams and servers.
    Status watch(int fd, uint32_t events, Watcher &watcher, bool now);
    void set_interest(int fd, uint32_t events);
    // Why the kernel refused to watch a descriptor that was added before the wait, as IOLOOP_ERROR then says; else 0.
    int refusal(int fd) const { return poller_.refusal(fd); }
    void unwatch(int fd);  // before the descriptor is closed
    void descriptor_closed();  // after it: somebody may wait for a free one
    // Hands a result over; in pull mode it waits for poll(), else it runs in this turn.
    void complete(Completion &completion, bool pull);
    void complete_next_turn(Completion &completion, bool pull);
    // Moves a result that waits to be delivered behind all others.
    void complete_last(Completion &completion, bool pull) {
        completion.unlink();
        (pull ? events_ : calls_).push_back(completion);
    }
    void before_wait(LoopObject &object);  // object.work() when the dispatch has been settled, before the loop waits
    void next_turn(LoopObject &object);    // object.work() in the next turn
    void on_descriptor_freed(LoopObject &object) { starved_.push_back(object); }
    // Something was queued: a foreign loop must learn of it if no turn is running.
    void request_turn() {
        if (!in_turn_ && embedded_) os_wake();
    }
    // A wake-up led to something; see ioloop_stats_t.idle_wakeups.
    void note_progress() { ++progress_; }
    // In a forked child: what is freed must not touch what the parent shares with it.
    bool abandoned() const { return abandoned_; }
    // Keeps memory shown to the user alive until the next poll(). Room was reserved by poll().
    void lend(ChunkRef chunk) { lent_.push_back(std::move(chunk)); }
    void adopt(LoopObject &object) { objects_.push_back(object); }
    // The object is no longer reachable: destroyed now, or at the end of the turn.
    void retire(LoopObject &object);
    void remember_error(Status status, int system_errno) { last_status = status, last_errno = system_errno; }

    ioloop_stats_t stats{};
    ioloop_options_t options;
    ChunkPool chunks;
    TimerSet timers;
    Timeouts timeouts;
    Handlers handlers;
    SignalWatches signals;
    Inbox inbox;
    Status last_status = IOLOOP_OK;
    int last_errno = 0;

private:
    explicit Loop(const ioloop_options_t &options);
    ~Loop();
    Status open(int *out_errno);

    // The turn, in order. See turn.cc.
    int32_t run_turn(int64_t deadline_ns);
    void take_posted();
    void run_callbacks();
    void fire_timeouts();
    void resume_work();
    void settle();
    void wait(int64_t deadline_ns);
    void dispatch_ready();
    void dispatch(const Ready &ready);
    void free_retired();

    class Running;
    void deliver();
    bool has_work() const;
    int64_t wait_ns(int64_t deadline_ns);
    void discard_all();
    bool finished() const { return closed_ && !has_work(); }
    void on_ready(uint32_t events) override;  // the wake descriptor
    void os_wake();
    void arm_native_timer();

    class ClosedEvent final : public Completion {
    public:
        void run() override {}
        bool report(ioloop_event_t *event) override {
            event->type = IOLOOP_EVENT_LOOP_CLOSED;
            return true;
        }
        void discard() override {}
    };

    Poller poller_;
    os::UniqueFd wake_fd_;
    os::UniqueFd timer_fd_;  // mirrors the next deadline once native_fd() was asked for
    std::vector<Watcher *, Allocator<Watcher *>> watchers_;  // by descriptor
    std::vector<Ready, Allocator<Ready>> ready_;
    std::vector<ChunkRef, Allocator<ChunkRef>> lent_;

    CompletionList callbacks_;  // add_callback, of the turns to come
    CompletionList snapshot_;   // those of this turn
    CompletionList calls_;      // results to run in this turn
    CompletionList later_;      // results for the next turn
    CompletionList later_events_;
    CompletionList events_;  // results waiting for poll()
    List<LoopObject, WorkTag> flush_;
    List<LoopObject, WorkTag> resume_;
    List<LoopObject, WorkTag> starved_;
    List<LoopObject, OwnedTag> objects_;
    List<LoopObject, OwnedTag> retired_;
    ClosedEvent closed_event_;

    std::atomic<bool> stop_{false};
    std::atomic<bool> running_{false};
    std::atomic<uintptr_t> owner_{0};
    uint32_t fork_generation_;
    int64_t now_ns_;
    int64_t armed_native_ns_ = -1;
    uint64_t dispatched_ = 0;  // callbacks, timeouts and dispatches, ever
    uint64_t progress_ = 0;
    size_t ready_count_ = 0;
    uint32_t turn_ = 1;
    bool in_turn_ = false;
    bool embedded_ = false;
    bool closed_ = false;
    bool single_turn_ = false;  // run_once(): a turn that has done something does not sleep as well
    bool polling_ = false;  // what is in events_ is what poll() waits for
    bool free_requested_ = false;
    bool abandoned_ = false;
    bool poller_failed_ = false;
};

}  // namespace ioloop
