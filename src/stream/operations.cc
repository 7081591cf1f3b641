// How results reach the user. An operation lets go of its slot before the user's function runs, so that the function
// can start the next one.
#include "stream/operations.h"

#include "base/memory.h"
#include "stream/stream.h"

namespace ioloop {

namespace {
iostream_t *handle(Stream &stream) { return static_cast<iostream_t *>(handle_of(&stream)); }
}  // namespace

const uint8_t *ReadOp::take_data(ChunkRef *hold) {
    if (size == 0) return nullptr;
    const uint8_t *data = stream_.in_.merge(size);
    if (!data) {
        status = IOLOOP_ENOMEM;
        size = 0;
        return nullptr;
    }
    *hold = stream_.in_.hold();
    stream_.in_.consume(size);
    return data;
}

void ReadOp::run() {
    if (piece()) return run_piece();
    Stream &stream = stream_;
    const bool into = request.is_into();
    ChunkRef hold;
    const uint8_t *data = into ? nullptr : take_data(&hold);
    const Status result = status;
    const size_t bytes = size;
    UserCall<AnyFn> taken = call.take();
    request.clear();
    done = false;
    if (into) {
        reinterpret_cast<iostream_read_into_fn>(taken.fn)(taken.ctx, handle(stream), result, bytes);
    } else {
        reinterpret_cast<iostream_read_fn>(taken.fn)(taken.ctx, handle(stream), result, data, bytes);
    }
    if (!pending() && !stream.freed_) stream.update_interest();
    if (taken.free_ctx) taken.free_ctx(taken.ctx);
}

// A piece of a streaming read: the operation goes on, unless the function cancels it, frees the stream, or both and
// starts another.
void ReadOp::run_piece() {
    ChunkRef hold;
    const uint8_t *data = take_data(&hold);
    if (!data) return run();
    const size_t bytes = size;
    const uint32_t own_serial = serial;
    piece_taken();
    // The ctx must outlive fn, whatever fn does; fn stays in its place, for a result that fn itself brings about is
    // to reach it too.
    UserCall<AnyFn> own_call = call;
    call.ctx = nullptr;
    call.free_ctx = nullptr;
    reinterpret_cast<iostream_read_fn>(own_call.fn)(own_call.ctx, handle(stream_), IOLOOP_MORE, data, bytes);
    if (stream_.freed_ || !pending() || serial != own_serial) {
        own_call.drop();
        return;
    }
    call = own_call;
    stream_.advance_read();
    stream_.update_interest();
}

void ReadOp::piece_taken() {
    request.deduct(size);
    done = false;
    size = 0;
}

bool ReadOp::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_READ;
    event->tag = call.tag();
    event->object = handle(stream_);
    const bool more = piece();
    ChunkRef hold;
    if (!request.is_into()) event->data = take_data(&hold);
    event->status = status;
    event->size = size;
    if (event->data) stream_.loop_.lend(std::move(hold));
    if (more && status == IOLOOP_OK) {
        event->status = IOLOOP_MORE;
        piece_taken();
        stream_.advance_read();
    } else {
        discard();
    }
    stream_.update_interest();
    return true;
}

void ReadOp::discard() {
    done = false;
    request.clear();
    call.drop();
}

bool CanceledRead::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_READ;
    event->status = IOLOOP_ECANCELED;
    event->tag = tag_;
    event->object = handle_;
    discard();
    return true;
}

void CanceledRead::discard() { ioloop::destroy(this); }

void WriteOp::run() {
    Stream &stream = stream_;
    UserCall<iostream_write_fn> taken = call.take();
    const Status result = status;
    stream.forget(*this);
    taken.finish(handle(stream), result);
}

bool WriteOp::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_WRITE;
    event->status = status;
    event->tag = call.tag();
    event->object = handle(stream_);
    event->value = bytes;
    discard();
    return true;
}

void WriteOp::discard() {
    UserCall<iostream_write_fn> taken = call.take();
    stream_.forget(*this);
    taken.drop();
}

void ConnectOp::run() {
    Stream &stream = stream_;
    UserCall<iostream_connect_fn> taken = call.take();
    const Status result = status;
    stream.connect_ = nullptr;
    ioloop::destroy(this);
    taken.finish(handle(stream), result);
}

bool ConnectOp::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_CONNECT;
    event->status = status;
    event->tag = call.tag();
    event->object = handle(stream_);
    discard();
    return true;
}

void ConnectOp::discard() {
    UserCall<iostream_connect_fn> taken = call.take();
    stream_.connect_ = nullptr;
    ioloop::destroy(this);
    taken.drop();
}

void CloseOp::run() {
    Stream &stream = stream_;
    UserCall<iostream_close_fn> taken = call.take();
    const Status why = reason;
    stream.on_close_ = nullptr;
    ioloop::destroy(this);
    taken.finish(handle(stream), why);
}

bool CloseOp::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_CLOSE;
    event->status = reason;
    event->tag = call.tag();
    event->object = handle(stream_);
    discard();
    return true;
}

void CloseOp::discard() {
    UserCall<iostream_close_fn> taken = call.take();
    stream_.on_close_ = nullptr;
    ioloop::destroy(this);
    taken.drop();
}

}  // namespace ioloop
