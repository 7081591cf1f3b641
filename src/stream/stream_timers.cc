#include "stream/stream_timers.h"

#include <algorithm>

#include "base/memory.h"
#include "os/clock.h"
#include "stream/stream.h"

namespace ioloop {

namespace {
constexpr int64_t millisecond = 1000000;
constexpr uint8_t most_doublings = 7;  // 1 ms up to 128 ms
}  // namespace

int64_t StreamTimers::earliest() const { return std::min({read_ns, write_ns, connect_ns, close_ns, retry_ns}); }

void StreamTimers::on_timer(int64_t now_ns) { stream_.on_deadlines(now_ns); }

bool Stream::ensure_timers() {
    if (timers_) return true;
    timers_ = make<StreamTimers>(*this);
    if (!timers_) return false;
    // Arming a timer that is armed needs no memory any more, so the deadlines that follow cannot fail.
    if (loop_.timers.arm(*timers_, StreamTimers::none)) return true;
    ioloop::destroy(timers_);
    timers_ = nullptr;
    return false;
}

void Stream::set_deadline(int64_t &place, int64_t deadline_ns) {
    place = deadline_ns;
    if (deadline_ns == StreamTimers::none) return;
    if (!timers_->armed() || deadline_ns < timers_->deadline_ns) {
        loop_.timers.arm(*timers_, deadline_ns);
        loop_.request_turn();
    }
}

void Stream::on_deadlines(int64_t now_ns) {
    StreamTimers &at = *timers_;
    auto due = [now_ns](int64_t &place) {
        if (place > now_ns) return false;
        place = StreamTimers::none;
        return true;
    };
    if (due(at.read_ns) && read_.pending() && !read_.done) fail_read(IOLOOP_ETIMEDOUT);
    if (due(at.write_ns) || due(at.connect_ns) || due(at.close_ns)) return close(IOLOOP_ETIMEDOUT);
    if (due(at.retry_ns)) {
        if (state_ == State::connecting) {
            try_connect();
        } else {
            blocked_ = false;
            flush();
        }
        if (state_ == State::closed) return;
    }
    loop_.timers.arm(at, at.earliest());
    update_interest();
}

// The system is short of something that no descriptor reports: asks again, less and less often.
void Stream::retry_later() {
    if (!ensure_timers()) return close(IOLOOP_ENOMEM);
    blocked_ = true;
    set_deadline(timers_->retry_ns, os::deadline_after(millisecond << retries_));
    if (retries_ < most_doublings) ++retries_;
    update_interest();
}

}  // namespace ioloop
