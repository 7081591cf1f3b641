// Signals of the process as callbacks of one loop.
#pragma once

#include "base/result.h"
#include "ioloop/loop.h"
#include "loop/completion.h"
#include "os/signals.h"

namespace ioloop {

class Loop;
class SignalWatches;

class SignalWatch final : public Completion {
public:
    SignalWatch(int number, UserCall<ioloop_signal_fn> given) : call(given), signum(number) {}

    UserCall<ioloop_signal_fn> call;
    int signum;
    uint64_t undelivered = 0;
    bool running = false;
    bool removed = false;

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override { undelivered = 0; }
};

class SignalWatches {
public:
    explicit SignalWatches(Loop &loop) : loop_(loop) {}
    SignalWatches(const SignalWatches &) = delete;
    SignalWatches &operator=(const SignalWatches &) = delete;
    ~SignalWatches() { remove_all(); }

    // Drops the call's ctx on failure.
    Status add(int signum, UserCall<ioloop_signal_fn> call);
    Status remove(int signum);
    void remove_all();
    // Queues the callbacks of signals that have come.
    void collect();
    bool any_pending() const { return count_ != 0 && hub_.any_pending(); }

private:
    Loop &loop_;
    os::SignalHub hub_;
    SignalWatch *watches_[os::signal_limit] = {};
    uint32_t count_ = 0;
};

}  // namespace ioloop
