// Closing a stream: every pending operation ends, in order, and the close callback comes last.
#include "base/memory.h"
#include "os/clock.h"
#include "stream/stream.h"

namespace ioloop {

void Stream::close(Status reason, int system_errno) {
    if (state_ == State::closed) return;
    const bool was_connecting = state_ == State::connecting;
    remember(reason, system_errno);
    state_ = State::closed;
    release_descriptor();
    // A result that waits for its share of a turn must not come after the close.
    if (deferred_) {
        deferred_ = false;
        share_results_ = 0;
    }
    advance_read();
    if (was_connecting) finish_connect(reason);
    fail_writes(reason);
    out_.clear();
    dirty_ = false;
    blocked_ = false;
    drop_work();
    if (timers_) loop_.timers.cancel(*timers_);
    release_count();
    if (on_close_ && !on_close_->linked()) {
        on_close_->reason = reason;
        loop_.complete(*on_close_, on_close_->call.pull());
    }
}

void Stream::release_descriptor() {
    if (!fd_.valid()) return;
    if (watched_) loop_.unwatch(fd_.get());
    watched_ = false;
    fd_.reset();
    loop_.descriptor_closed();
}

void Stream::release_count() {
    if (!count_) return;
    --count_->open;
    if (count_->full && count_->on_room) loop_.next_turn(*count_->on_room);
    count_->unref();
    count_ = nullptr;
}

Status Stream::close_graceful(int64_t timeout_ns) {
    if (timeout_ns < IOLOOP_NEVER) return IOLOOP_EINVAL;
    if (state_ == State::closed || state_ == State::closing) return IOLOOP_OK;
    if (state_ == State::idle || state_ == State::connecting) {
        close(IOLOOP_ECLOSED);
        return IOLOOP_OK;
    }
    if (timeout_ns != IOLOOP_NEVER) {
        if (!ensure_timers()) return IOLOOP_ENOMEM;
        set_deadline(timers_->close_ns, os::deadline_after(timeout_ns));
    }
    state_ = State::closing;
    share_bytes_ = 0;
    end_wanted_ = true;
    if (read_.pending() && !read_.done) {
        deferred_ = false;
        fail_read(IOLOOP_ECLOSED);
    }
    mark_dirty();
    update_interest();
    return IOLOOP_OK;
}

Status Stream::set_close_callback(UserCall<iostream_close_fn> call) {
    if (on_close_ && on_close_->linked()) {
        call.drop();
        return IOLOOP_ESTATE;
    }
    CloseOp *op = nullptr;
    if (!call.silent()) {
        op = make<CloseOp>(*this, call);
        if (!op) {
            call.drop();
            return IOLOOP_ENOMEM;
        }
    } else {
        call.drop();
    }
    if (on_close_) on_close_->discard();
    on_close_ = op;
    if (state_ != State::closed) {
        update_interest();
    } else if (op) {
        op->reason = last_status;
        loop_.complete_next_turn(*op, op->call.pull());
    }
    return IOLOOP_OK;
}

// For a stream that goes: nobody is told any more, every ctx is released.
void Stream::drop_operations() {
    if (read_.pending()) {
        read_.unlink();
        read_.discard();
    }
    if (connect_) {
        connect_->unlink();
        connect_->discard();
    }
    while (ops_first_) {
        ops_first_->unlink();
        ops_first_->discard();
    }
    if (on_close_) {
        on_close_->unlink();
        on_close_->discard();
    }
}

}  // namespace ioloop
