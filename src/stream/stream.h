// The stream: where read requests, buffers, transport and interest meet. Its parts: reading in stream_read.cc,
// writing in stream_write.cc, connecting in stream_connect.cc, closing in stream_close.cc, deadlines in
// stream_timers.cc, results in operations.cc.
#pragma once

#include <cstdint>

#include "base/byte_queue.h"
#include "base/object_pool.h"
#include "base/result.h"
#include "loop/loop.h"
#include "loop/objects.h"
#include "os/address.h"
#include "os/descriptor.h"
#include "stream/operations.h"
#include "stream/stream_config.h"
#include "stream/stream_timers.h"
#include "stream/transport.h"

namespace ioloop {

// Counts the open streams of a server; outlives both.
struct ConnectionCount {
    uint32_t open = 0;
    uint32_t refs = 1;
    LoopObject *on_room = nullptr;  // asked to work when a stream closes; null when the server is gone
    bool full = false;            // the server waits for that
    void unref() {
        if (--refs == 0) destroy(this);
    }
};

class Stream final : public LoopObject, private Watcher {
public:
    static ObjectPool pool;

    // Takes fd only on success. fd -1: to be connected. config is shared.
    static Status create(Stream **out_stream, Loop &loop, os::UniqueFd &fd, const ConfigRef &config);
    // A connected socket, nothing to find out about it.
    static Stream *create_accepted(Loop &loop, const ConfigRef &config, ConnectionCount *count);
    void attach(os::UniqueFd fd);  // of create_accepted
    void free();

    Loop &loop() const { return loop_; }
    bool closed() const { return state_ == State::closed; }
    bool reading() const { return read_.pending(); }
    bool writing() const { return !out_.empty() || ops_open_ != nullptr; }
    int fd() const { return fd_.get(); }
    size_t read_buffered() const { return in_.size() + read_.request.in_destination(); }
    size_t write_buffered() const { return out_.size(); }
    uint64_t max_read_buffer() const { return config_->max_read_buffer; }

    // Reading. The request is set up in read_.request by prepare; start takes the user's call.
    Status check_read() const;
    ReadRequest &request() { return read_.request; }
    Status start_read(UserCall<ReadOp::AnyFn> call);
    Status cancel_read();
    Status peek(const uint8_t **out_data, size_t *out_size, size_t min_bytes);
    Status consume(size_t size);

    // Writing. Each drops the call's ctx on failure.
    Status write(const iostream_piece_t *pieces, size_t count, UserCall<iostream_write_fn> call);
    Status write_owned(const void *data, size_t size, ioloop_free_fn release_fn, void *release_ctx,
                       UserCall<iostream_write_fn> call);
    Status close_write(UserCall<iostream_write_fn> call);
    int32_t flush_now();

    Status connect(const os::Address &address, UserCall<iostream_connect_fn> call);

    void close(Status reason, int system_errno = 0);
    Status close_graceful(int64_t timeout_ns);
    Status set_close_callback(UserCall<iostream_close_fn> call);

    Status set_timeout(uint32_t which, int64_t timeout_ns);
    Status set_limits(uint64_t max_read, uint64_t max_write);
    Status set_nodelay(bool on);

    Status last_status = IOLOOP_OK;
    int last_errno = 0;

    // LoopObject
    void work() override;
    void shut(Status reason) override;
    void destroy() override;

private:
    friend class ReadOp;
    friend class WriteOp;
    friend class ConnectOp;
    friend class CloseOp;
    friend class StreamTimers;

    enum class State : uint8_t {
        idle,        // no connection yet
        connecting,
        open,
        finishing,   // the peer has ended and is not heard any more; what was queued is still sent
        closing,     // close_graceful: sending, then reading the rest away
        closed,
    };

    Stream(Loop &loop, const ConfigRef &config);
    ~Stream();

    // Watcher
    void on_ready(uint32_t events) override;
    uint32_t after_dispatch() override;

    void update_interest();
    uint32_t wanted() const;
    bool wants_data() const;
    bool probing() const;
    void on_readable();
    void probe();

    void receive();
    Result<size_t> receive_some(size_t *asked);
    void receive_rest();
    void advance_read();
    void finish_read(Status status, size_t size);
    void fail_read(Status status);
    bool over_share();
    Status end_status() const;
    void on_end_of_data();
    void on_receive_error(int error);
    void drain_away();

    Status check_write(uint64_t bytes) const;
    Status make_op(WriteOp **out_op, const UserCall<iostream_write_fn> &call);
    void accept_write(WriteOp *op, uint64_t bytes);
    bool append_pieces(const iostream_piece_t *pieces, size_t count, size_t total);
    size_t send_directly(const void *data, size_t size);
    void forget(WriteOp &op);
    void mark_dirty();
    void flush();
    void after_flush();
    void on_send_error(int error);
    void complete_writes();
    void fail_writes(Status status);

    void try_connect();
    void on_connect_ready();
    void connected();
    void finish_connect(Status status);
    bool connected_to_itself() const;

    bool ensure_timers();
    void set_deadline(int64_t &place, int64_t deadline_ns);
    void on_deadlines(int64_t now_ns);
    void retry_later();
    void release_count();
    void release_descriptor();
    void drop_operations();
    void remember(Status status, int system_errno) { last_status = status, last_errno = system_errno; }

    State state_ = State::idle;
    bool is_socket_ : 1 = true;
    bool pipe_writer_ : 1 = false;
    bool watched_ : 1 = false;       // the loop's poller knows the descriptor
    bool read_ended_ : 1 = false;    // the peer's data is over
    bool end_wanted_ : 1 = false;    // close_write was called
    bool write_ended_ : 1 = false;   // and has been carried out
    bool blocked_ : 1 = false;       // the last send did not take everything
    bool dirty_ : 1 = false;         // queued data waits for the end of the dispatch
    bool deferred_ : 1 = false;      // a read waits for the stream's share of the next turn
    bool full_receive_ : 1 = false;  // the last receive filled all its room: more may wait
    bool probe_hit_ : 1 = false;     // idle, and data waits in the system: stop looking for the end
    bool freed_ : 1 = false;
    uint8_t retries_ = 0;
    uint8_t interest_ = 0;
    uint32_t share_turn_ = 0;   // the turn that the two counts below belong to
    uint32_t share_results_ = 0;
    uint32_t share_bytes_ = 0;  // while closing: bytes read away in all
    os::UniqueFd fd_;

    Loop &loop_;
    Transport *transport_;
    ConfigRef config_;
    ByteQueue in_;
    ByteQueue out_;
    ReadOp read_;
    WriteOp *ops_first_ = nullptr;  // in order; the oldest may be complete and not yet delivered
    WriteOp *ops_last_ = nullptr;
    WriteOp *ops_open_ = nullptr;  // the first that is not complete
    uint64_t queued_total_ = 0;  // bytes ever written
    ConnectOp *connect_ = nullptr;
    CloseOp *on_close_ = nullptr;
    StreamTimers *timers_ = nullptr;
    ConnectionCount *count_ = nullptr;
};

}  // namespace ioloop
