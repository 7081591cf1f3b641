// The operations of a stream that end in a result: read, write, connect, close. Each is a completion.
#pragma once

#include "base/list.h"
#include "ioloop/stream.h"
#include "loop/completion.h"
#include "os/address.h"
#include "stream/read_request.h"

namespace ioloop {

class Stream;

class ReadOp final : public Completion {
public:
    explicit ReadOp(Stream &stream) : stream_(stream) {}

    // An iostream_read_fn, or an iostream_read_into_fn for the kinds that read into the caller's memory.
    using AnyFn = void (*)();
    UserCall<AnyFn> call;
    ReadRequest request;
    Status status = IOLOOP_OK;
    bool done = false;      // the result is known, not yet delivered
    bool late = false;      // begun after the stream had closed
    size_t size = 0;        // bytes to deliver when done
    uint32_t serial = 0;    // tells this read from one begun in its own callback

    bool pending() const { return request.pending(); }

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    // Takes the bytes out of the buffer: a view that `hold` keeps alive. Sets status if that needs memory in vain.
    const uint8_t *take_data(ChunkRef *hold);
    void run_piece();
    bool piece() const { return request.kind() == ReadRequest::Kind::chunks && status == IOLOOP_OK && size != 0; }
    void piece_taken();

    Stream &stream_;
};

// The last word of a read that was cancelled in pull mode: the read itself is free for the next one.
class CanceledRead final : public Completion {
public:
    CanceledRead(void *handle, uint64_t tag) : handle_(handle), tag_(tag) {}

    void run() override {}
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    void *handle_;
    uint64_t tag_;
};

// One write, or the end of this side's data, that the user wants to hear of, or that has a deadline.
class WriteOp final : public Completion {
public:
    WriteOp(Stream &stream, UserCall<iostream_write_fn> given) : call(given), stream_(stream) {}

    UserCall<iostream_write_fn> call;
    WriteOp *after = nullptr;       // the next one in order
    uint64_t end_offset = 0;        // complete when so many bytes have been sent
    uint64_t bytes = 0;
    int64_t deadline_ns = INT64_MAX;
    Status status = IOLOOP_OK;
    bool ends_data = false;         // of iostream_close_write

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    Stream &stream_;
};

class ConnectOp final : public Completion {
public:
    ConnectOp(Stream &stream, UserCall<iostream_connect_fn> given, const os::Address &address)
        : call(given), target(address), stream_(stream) {}

    UserCall<iostream_connect_fn> call;
    os::Address target;
    Status status = IOLOOP_OK;

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    Stream &stream_;
};

class CloseOp final : public Completion {
public:
    CloseOp(Stream &stream, UserCall<iostream_close_fn> given) : call(given), stream_(stream) {}

    UserCall<iostream_close_fn> call;
    Status reason = IOLOOP_ECLOSED;

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    Stream &stream_;
};

}  // namespace ioloop
