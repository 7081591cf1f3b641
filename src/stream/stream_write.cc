// The writing half of a stream: queueing, sending, and telling when a write is done.
//
// Writes made inside callbacks are corked: they only mark the stream, which sends everything in one call when its
// dispatch ends, or before the loop waits. Once a send did not take everything, the poller says when to go on.
#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "os/clock.h"
#include "os/error.h"
#include "stream/stream.h"

namespace ioloop {

namespace {
// One flush sends at most this much, so that a fast receiver of a large buffer does not hold up the loop.
constexpr size_t most_per_flush = size_t{1} << 20;
// Pieces of one write that together are larger than this get memory of their own.
constexpr size_t gather_on_stack = 4096;

struct OwnBlock {
    size_t size;
    static void give(void *block) { release(block, static_cast<OwnBlock *>(block)->size); }
};
}  // namespace

Status Stream::check_write(uint64_t bytes) const {
    if (state_ >= State::finishing || loop_.closed()) return IOLOOP_ECLOSED;
    if (state_ == State::idle || end_wanted_) return IOLOOP_ESTATE;
    const uint64_t limit = config_->max_write_buffer;
    if (bytes != 0 && (bytes > limit || out_.size() > limit - bytes)) return IOLOOP_EFULL;
    return IOLOOP_OK;
}

// A write that nobody wants to hear of, and that has no deadline, needs no operation: *out_op stays null.
Status Stream::make_op(WriteOp **out_op, const UserCall<iostream_write_fn> &call) {
    const int64_t timeout_ns = config_->write_timeout_ns;
    if (call.silent() && timeout_ns == IOLOOP_NEVER) return IOLOOP_OK;
    if (timeout_ns != IOLOOP_NEVER && !ensure_timers()) return IOLOOP_ENOMEM;
    *out_op = make<WriteOp>(*this, call);
    if (!*out_op) return IOLOOP_ENOMEM;
    if (timeout_ns != IOLOOP_NEVER) (*out_op)->deadline_ns = os::deadline_after(timeout_ns);
    return IOLOOP_OK;
}

void Stream::accept_write(WriteOp *op, uint64_t bytes) {
    queued_total_ += bytes;
    if (op) {
        op->bytes = bytes;
        op->end_offset = queued_total_;
        (ops_last_ ? ops_last_->after : ops_first_) = op;
        ops_last_ = op;
        if (!ops_open_) {
            ops_open_ = op;
            if (op->deadline_ns != StreamTimers::none) set_deadline(timers_->write_ns, op->deadline_ns);
        }
    }
    mark_dirty();
}

void Stream::forget(WriteOp &op) {
    WriteOp *before = nullptr;
    for (WriteOp *each = ops_first_; each != &op; each = each->after) before = each;
    (before ? before->after : ops_first_) = op.after;
    if (ops_last_ == &op) ops_last_ = before;
    if (ops_open_ == &op) ops_open_ = op.after;
    ioloop::destroy(&op);
}

// Pieces are joined first, so that either all of a write is queued or nothing.
bool Stream::append_pieces(const iostream_piece_t *pieces, size_t count, size_t total) {
    if (count == 1) return out_.append(pieces[0].data, total);
    uint8_t small[gather_on_stack];
    uint8_t *joined = small;
    if (total > sizeof small) {
        void *block = allocate(sizeof(OwnBlock) + total);
        if (!block) return false;
        static_cast<OwnBlock *>(block)->size = sizeof(OwnBlock) + total;
        joined = static_cast<uint8_t *>(block) + sizeof(OwnBlock);
        if (!out_.adopt(joined, total, OwnBlock::give, block)) {
            OwnBlock::give(block);
            return false;
        }
    }
    uint8_t *place = joined;
    for (size_t i = 0; i < count; ++i) {
        if (pieces[i].size == 0) continue;
        std::memcpy(place, pieces[i].data, pieces[i].size);
        place += pieces[i].size;
    }
    return joined != small || out_.append(small, total);
}

Status Stream::write(const iostream_piece_t *pieces, size_t count, UserCall<iostream_write_fn> call) {
    uint64_t total = 0;
    for (size_t i = 0; i < count; ++i) {
        if (__builtin_add_overflow(total, uint64_t{pieces[i].size}, &total)) total = UINT64_MAX;
    }
    WriteOp *op = nullptr;
    Status status = check_write(total);
    if (status == IOLOOP_OK) status = make_op(&op, call);
    size_t sent = 0;
    if (status == IOLOOP_OK && total != 0) {
        if (count == 1) sent = send_directly(pieces[0].data, pieces[0].size);
        const iostream_piece_t rest{count == 1 ? static_cast<const uint8_t *>(pieces[0].data) + sent : nullptr,
                                    pieces[0].size - sent};
        const bool queued = total == sent || (count == 1 ? append_pieces(&rest, 1, rest.size)
                                                         : append_pieces(pieces, count, static_cast<size_t>(total)));
        if (!queued) {
            // Part of a message is on the wire: it cannot be taken back, nor the rest be left out.
            if (sent != 0) close(IOLOOP_ENOMEM);
            status = IOLOOP_ENOMEM;
        }
    }
    if (status != IOLOOP_OK) {
        ioloop::destroy(op);
        call.drop();
        return status;
    }
    accept_write(op, total);
    return IOLOOP_OK;
}

// A large piece goes out straight from the caller's memory if nothing is ahead of it; what the system does not take
// is copied. Errors show at the next flush.
size_t Stream::send_directly(const void *data, size_t size) {
    if (size < loop_.options.chunk_size || state_ != State::open || !out_.empty() || blocked_) return 0;
    os::Slice slice{const_cast<void *>(data), std::min(size, most_per_flush)};
    ++loop_.stats.sends;
    auto sent = transport_->send(fd_.get(), &slice, 1);
    if (!sent.ok()) return 0;
    loop_.stats.bytes_sent += sent.value;
    return sent.value;
}

Status Stream::write_owned(const void *data, size_t size, ioloop_free_fn release_fn, void *release_ctx,
                           UserCall<iostream_write_fn> call) {
    WriteOp *op = nullptr;
    Status status = check_write(size);
    if (status == IOLOOP_OK) status = make_op(&op, call);
    if (status == IOLOOP_OK && size != 0 && !out_.adopt(data, size, release_fn, release_ctx)) status = IOLOOP_ENOMEM;
    if (status != IOLOOP_OK) {
        ioloop::destroy(op);
        release_fn(release_ctx);
        call.drop();
        return status;
    }
    accept_write(op, size);
    if (size == 0) release_fn(release_ctx);
    return IOLOOP_OK;
}

Status Stream::close_write(UserCall<iostream_write_fn> call) {
    Status status = check_write(0);
    if (status == IOLOOP_OK && !is_socket_ && !pipe_writer_) status = IOLOOP_ENOTSUP;
    WriteOp *op = nullptr;
    if (status == IOLOOP_OK) {
        op = make<WriteOp>(*this, call);
        if (!op) status = IOLOOP_ENOMEM;
    }
    if (status != IOLOOP_OK) {
        call.drop();
        return status;
    }
    op->ends_data = true;
    end_wanted_ = true;
    accept_write(op, 0);
    return IOLOOP_OK;
}

int32_t Stream::flush_now() {
    if (state_ == State::closed) return IOLOOP_ECLOSED;
    if (state_ == State::idle || state_ == State::connecting) return IOLOOP_ESTATE;
    if (dirty_) {
        drop_work();
        if (deferred_) loop_.next_turn(*this);
        flush();
        if (state_ == State::closed) return IOLOOP_ECLOSED;
    }
    return static_cast<int32_t>(std::min<size_t>(out_.size(), INT32_MAX));
}

void Stream::mark_dirty() {
    if (dirty_ || blocked_ || state_ == State::idle || state_ == State::connecting) return;
    dirty_ = true;
    loop_.before_wait(*this);
}

void Stream::flush() {
    dirty_ = false;
    if (deferred_) {
        loop_.next_turn(*this);
    } else {
        drop_work();
    }
    if (state_ != State::open && state_ != State::finishing && state_ != State::closing) return;
    loop_.note_progress();
    blocked_ = false;
    for (size_t sent_now = 0; !out_.empty() && !blocked_;) {
        Span spans[os::max_slices];
        os::Slice slices[os::max_slices];
        const size_t count = out_.gather(spans, os::max_slices);
        size_t offered = 0;
        for (size_t i = 0; i < count; ++i) {
            slices[i] = {spans[i].data, spans[i].size};
            offered += spans[i].size;
        }
        ++loop_.stats.sends;
        auto sent = transport_->send(fd_.get(), slices, count);
        if (!sent.ok()) {
            if (os::short_of_buffers(sent.error)) return retry_later();
            if (!os::would_block(sent.error)) return on_send_error(sent.error);
            blocked_ = true;
            break;
        }
        retries_ = 0;
        out_.consume(sent.value);
        loop_.stats.bytes_sent += sent.value;
        sent_now += sent.value;
        blocked_ = !out_.empty() && (sent.value < offered || sent_now >= most_per_flush);
    }
    if (blocked_) out_.compact();
    after_flush();
}

// Everything sent: what was to follow follows.
void Stream::after_flush() {
    if (out_.empty() && end_wanted_ && !write_ended_) {
        transport_->end_write(fd_.get());
        write_ended_ = true;
    }
    complete_writes();
    if (out_.empty()) {
        if (state_ == State::finishing || (read_ended_ && write_ended_)) {
            return close(state_ == State::closing ? IOLOOP_ECLOSED : IOLOOP_EEOF);
        }
        if (write_ended_ && !is_socket_) return close(IOLOOP_ECLOSED);
    }
    update_interest();
}

void Stream::complete_writes() {
    const uint64_t sent = queued_total_ - out_.size();
    while (ops_open_ && ops_open_->end_offset <= sent && (!ops_open_->ends_data || write_ended_)) {
        WriteOp *op = ops_open_;
        ops_open_ = op->after;
        if (op->call.silent()) {
            op->discard();
        } else {
            loop_.complete(*op, op->call.pull());
        }
    }
    if (!timers_) return;
    timers_->write_ns = StreamTimers::none;
    if (ops_open_) set_deadline(timers_->write_ns, ops_open_->deadline_ns);
}

void Stream::fail_writes(Status status) {
    while (ops_open_) {
        WriteOp *op = ops_open_;
        ops_open_ = op->after;
        op->status = status;
        if (op->call.silent()) {
            op->discard();
        } else {
            loop_.complete(*op, op->call.pull());
        }
    }
}

void Stream::on_send_error(int error) {
    if (!pipe_writer_) receive_rest();
    close(os::connection_lost(error) ? IOLOOP_ERESET : os::to_status(error), error);
}

}  // namespace ioloop
