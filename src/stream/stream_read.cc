// The reading half of a stream: starting and ending a read, receiving.
#include <algorithm>

#include "base/memory.h"
#include "os/clock.h"
#include "os/error.h"
#include "stream/stream.h"

namespace ioloop {

namespace {
// Memory of a caller this large is received into directly; less goes through the buffer, so that a few small reads
// share one receive.
constexpr size_t direct_receive = 16384;
constexpr size_t most_per_receive = size_t{1} << 30;
// What close_graceful reads away at most.
constexpr uint32_t most_drained = uint32_t{1} << 20;
}  // namespace

Status Stream::check_read() const {
    if (loop_.closed() || state_ == State::closing) return IOLOOP_ECLOSED;
    if (read_.pending()) return IOLOOP_EBUSY;
    if (state_ == State::idle || state_ == State::connecting) return IOLOOP_ESTATE;
    return IOLOOP_OK;
}

Status Stream::start_read(UserCall<ReadOp::AnyFn> call) {
    const int64_t timeout_ns = config_->read_timeout_ns;
    if (timeout_ns != IOLOOP_NEVER && state_ == State::open) {
        if (!ensure_timers()) {
            read_.request.clear();
            call.drop();
            return IOLOOP_ENOMEM;
        }
        set_deadline(timers_->read_ns, os::deadline_after(timeout_ns));
    }
    ++read_.serial;
    read_.call = call;
    read_.status = IOLOOP_OK;
    read_.done = false;
    read_.size = 0;
    read_.late = state_ == State::closed;
    probe_hit_ = false;
    if (size_t more = read_.request.appetite(in_.size()); more > loop_.options.chunk_size) {
        // In vain it costs a copy later, no more.
        (void)in_.reserve(in_.size() + more);
    }
    advance_read();
    if (!read_.done && state_ != State::closed) update_interest();
    return IOLOOP_OK;
}

// Too many results, or too many bytes, for one turn: others must have their chance first.
bool Stream::over_share() {
    if (share_turn_ != loop_.turn()) {
        share_turn_ = loop_.turn();
        share_results_ = 0;
        share_bytes_ = 0;
    }
    return share_results_ >= loop_.options.turn_callbacks;
}

void Stream::advance_read() {
    if (!read_.pending() || read_.done || deferred_) return;
    if (over_share()) {
        deferred_ = true;
        loop_.next_turn(*this);
        return;
    }
    auto outcome = read_.request.check(in_, config_->max_read_buffer, &loop_.stats.bytes_examined);
    switch (outcome.verdict) {
        case ReadRequest::Verdict::satisfied:
            return finish_read(IOLOOP_OK, outcome.size);
        case ReadRequest::Verdict::failed:
            return fail_read(outcome.status);
        case ReadRequest::Verdict::more:
            if (read_ended_ || state_ != State::open) fail_read(end_status());
            return;
    }
}

// How a read ends that wants more than will ever come.
Status Stream::end_status() const {
    if (state_ == State::closing) return IOLOOP_ECLOSED;
    return state_ == State::closed ? last_status : IOLOOP_EEOF;
}

void Stream::finish_read(Status status, size_t size) {
    read_.status = status;
    read_.size = size;
    read_.done = true;
    ++share_results_;
    if (timers_) timers_->read_ns = StreamTimers::none;
    loop_.complete(read_, read_.call.pull());
    // A read in chunks that had a piece to deliver when the stream closed ends only now.
    const bool close_waits = state_ == State::closed && on_close_ && on_close_->linked();
    if (close_waits && !read_.late) loop_.complete_last(*on_close_, on_close_->call.pull());
}

void Stream::fail_read(Status status) {
    using Kind = ReadRequest::Kind;
    const Kind kind = read_.request.kind();
    // How the stream ended was told when it did: what is left of its bytes is simply all there is.
    const bool ended = status == IOLOOP_EEOF || read_.late;
    const bool goes_on = status == IOLOOP_EFULL || (status == IOLOOP_ETIMEDOUT && state_ == State::open);
    if (kind == Kind::until_close && !goes_on) return finish_read(ended ? IOLOOP_OK : status, in_.size());
    if (kind == Kind::chunks && ended && read_.request.unlimited()) return finish_read(IOLOOP_OK, 0);
    // Without memory to take them back, the bytes stay in the caller's memory, and size says so.
    if (!read_.request.give_back(in_)) return finish_read(IOLOOP_ENOMEM, read_.request.in_destination());
    finish_read(status, 0);
}

Status Stream::cancel_read() {
    if (!read_.pending()) return IOLOOP_ENOENT;
    CanceledRead *last_word = nullptr;
    if (read_.call.pull()) {
        last_word = make<CanceledRead>(handle_of(this), read_.call.tag());
        if (!last_word) return IOLOOP_ENOMEM;
    }
    if (!read_.request.give_back(in_)) {
        ioloop::destroy(last_word);
        return IOLOOP_ENOMEM;
    }
    read_.unlink();
    if (timers_) timers_->read_ns = StreamTimers::none;
    read_.discard();
    if (last_word) loop_.complete(*last_word, true);
    update_interest();
    return IOLOOP_OK;
}

Status Stream::peek(const uint8_t **out_data, size_t *out_size, size_t min_bytes) {
    if (read_.done) return IOLOOP_EBUSY;
    const size_t least = std::min(min_bytes, in_.size());
    const uint8_t *merged = least != 0 ? in_.merge(least) : nullptr;
    if (least != 0 && !merged) return IOLOOP_ENOMEM;
    Span front = in_.front();
    *out_data = front.data;
    *out_size = front.size;
    return IOLOOP_OK;
}

Status Stream::consume(size_t size) {
    if (read_.pending()) return IOLOOP_EBUSY;
    if (size > in_.size()) return IOLOOP_EINVAL;
    in_.consume(size);
    update_interest();
    return IOLOOP_OK;
}

Result<size_t> Stream::receive_some(size_t *asked) {
    Span direct = read_.request.destination();
    if (in_.empty() && direct.size >= direct_receive) {
        os::Slice slice{direct.data, std::min(direct.size, most_per_receive)};
        *asked = slice.size;
        auto got = transport_->receive(fd_.get(), &slice, 1);
        if (got.ok()) read_.request.filled(got.value);
        return got;
    }
    const uint64_t limit = config_->max_read_buffer;
    const uint64_t room = limit > in_.size() ? limit - in_.size() : 1;
    size_t want = std::max<size_t>(loop_.options.chunk_size, read_.request.appetite(in_.size()));
    want = static_cast<size_t>(std::min<uint64_t>({want, room, most_per_receive}));
    Span spans[2];
    const size_t count = in_.prepare(want, spans);
    if (count == 0) return Result<size_t>::failure(os::out_of_memory);
    os::Slice slices[2] = {{spans[0].data, spans[0].size}, {spans[1].data, count > 1 ? spans[1].size : 0}};
    *asked = slices[0].size + slices[1].size;
    auto got = transport_->receive(fd_.get(), slices, count);
    in_.commit(got.ok() ? got.value : 0);
    return got;
}

void Stream::receive() {
    size_t asked = 0;
    ++loop_.stats.receives;
    auto got = receive_some(&asked);
    full_receive_ = got.ok() && got.value == asked;
    if (!got.ok()) return on_receive_error(got.error);
    if (got.value == 0) return on_end_of_data();
    (void)over_share();
    share_bytes_ += static_cast<uint32_t>(std::min<size_t>(got.value, UINT32_MAX - share_bytes_));
    loop_.stats.bytes_received += got.value;
    advance_read();
}

void Stream::on_receive_error(int error) {
    if (os::would_block(error)) return;
    if (error == os::out_of_memory) {
        if (read_.pending()) return fail_read(IOLOOP_ENOMEM);
        probe_hit_ = true;  // no room to look whether the peer is still there: left to the next read
        return;
    }
    close(os::connection_lost(error) ? IOLOOP_ERESET : os::to_status(error), error);
}

void Stream::on_end_of_data() {
    read_ended_ = true;
    const bool half_open = config_->flags & IOSTREAM_HALF_OPEN;
    if (half_open && !write_ended_) {
        advance_read();
        update_interest();
        return;
    }
    if (out_.empty()) return close(IOLOOP_EEOF);
    // What was queued before the peer ended is still sent: it may have ended only its own side.
    state_ = State::finishing;
    advance_read();
    update_interest();
}

// Before the stream ends over a failed send: what the peer had sent by then is not lost.
void Stream::receive_rest() {
    while (!read_ended_ && in_.size() < config_->max_read_buffer) {
        size_t asked = 0;
        ++loop_.stats.receives;
        auto got = receive_some(&asked);
        if (!got.ok() || got.value == 0) return;
        loop_.stats.bytes_received += got.value;
        if (read_.request.is_into() && read_.request.destination().size == 0) return;
    }
}

void Stream::drain_away() {
    uint8_t waste[16384];
    os::Slice slice{waste, sizeof waste};
    for (int round = 0; round < 16; ++round) {
        ++loop_.stats.receives;
        auto got = transport_->receive(fd_.get(), &slice, 1);
        if (!got.ok()) return on_receive_error(got.error);
        if (got.value == 0) {
            read_ended_ = true;
            return write_ended_ ? close(IOLOOP_ECLOSED) : update_interest();
        }
        share_bytes_ += static_cast<uint32_t>(got.value);
        if (share_bytes_ > most_drained) return close(IOLOOP_EFULL);
        if (got.value < sizeof waste) return;
    }
}

}  // namespace ioloop
