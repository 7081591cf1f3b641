#include "loop/signal_watches.h"

#include "base/memory.h"
#include "loop/loop.h"
#include "os/error.h"

namespace ioloop {

void SignalWatch::run() {
    uint64_t count = undelivered;
    undelivered = 0;
    running = true;
    call.fn(call.ctx, signum, count);
    running = false;
    if (!removed) return;
    call.drop();
    destroy(this);
}

bool SignalWatch::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_SIGNAL;
    event->tag = call.tag();
    event->op = static_cast<uint64_t>(signum);
    event->value = undelivered;
    undelivered = 0;
    return true;
}

Status SignalWatches::add(int signum, UserCall<ioloop_signal_fn> call) {
    Status status = IOLOOP_OK;
    if (signum <= 0 || signum >= os::signal_limit) {
        status = IOLOOP_EINVAL;
    } else if (watches_[signum]) {
        status = IOLOOP_EEXIST;
    } else if (!(watches_[signum] = make<SignalWatch>(signum, call))) {
        status = IOLOOP_ENOMEM;
    } else {
        int error = hub_.watch(signum, loop_.wake_descriptor()).error;
        if (error != 0) {
            // The hub knows two refusals: no hub left, or a signal that cannot be caught.
            status = os::to_status(error) == IOLOOP_ENFILE ? IOLOOP_EFULL : IOLOOP_EINVAL;
            destroy(watches_[signum]);
            watches_[signum] = nullptr;
        }
    }
    if (status != IOLOOP_OK) {
        call.drop();
        return status;
    }
    ++count_;
    return IOLOOP_OK;
}

Status SignalWatches::remove(int signum) {
    if (signum <= 0 || signum >= os::signal_limit || !watches_[signum]) return IOLOOP_ENOENT;
    SignalWatch *watch = watches_[signum];
    watches_[signum] = nullptr;
    --count_;
    hub_.unwatch(signum);
    watch->unlink();
    watch->removed = true;
    if (watch->running) return IOLOOP_OK;
    watch->call.drop();
    destroy(watch);
    return IOLOOP_OK;
}

void SignalWatches::remove_all() {
    for (int signum = 1; signum < os::signal_limit && count_ != 0; ++signum) remove(signum);
}

void SignalWatches::collect() {
    if (!any_pending()) return;
    for (int signum = 1; signum < os::signal_limit; ++signum) {
        SignalWatch *watch = watches_[signum];
        uint64_t count = watch ? hub_.take(signum) : 0;
        if (count == 0) continue;
        watch->undelivered += count;
        if (!watch->linked()) loop_.complete(*watch, watch->call.pull());
    }
}

}  // namespace ioloop
