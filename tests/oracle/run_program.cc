// Runs a program against the library, by its C ABI, with the flat stream looking at every call and result.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "flat_stream.h"
#include "ioloop/ioloop.h"
#include "program.h"

namespace oracle {

namespace {

const char *const delimiters[] = {"x", "ax", "aaaaaaaax", "xx"};
constexpr int most_turns = 100000;

std::string letters(uint32_t seed, size_t size) {
    std::string out(size, 'a');
    for (size_t i = 0; i < size; ++i) {
        seed = seed * 1664525u + 1013904223u;
        if (seed >> 28 == 0) out[i] = 'x';
    }
    return out;
}

class Run {
public:
    Run(const Program &program, bool pull, std::string *trace)
        : program_(program), pull_(pull), trace_(*trace),
          flat_(program.read_limit, program.write_limit) {}

    std::string all() {
        if (!open()) return "no loop or stream";
        for (const Op &op : program_.ops) {
            if (!flat_.wrong.empty()) break;
            if (op.inside) inside_.push_back(op);
            else act(op);
        }
        if (flat_.wrong.empty()) settle();
        iostream_free(stream_);
        ioloop_free(loop_);
        if (peer_ >= 0) ::close(peer_);
        if (flat_.wrong.empty() && released_ != given_) return "a ctx was not released once";
        if (flat_.wrong.empty() && ioloop_memory_bytes() != memory_before_) return "memory is left";
        return flat_.wrong;
    }

private:
    bool open() {
        memory_before_ = ioloop_memory_bytes();
        ioloop_options_t options;
        ioloop_options_init(&options, sizeof options);
        options.chunk_size = 4096;
        if (ioloop_new(&loop_, &options) != IOLOOP_OK) return false;
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return false;
        iostream_options_t of_stream;
        iostream_options_init(&of_stream, sizeof of_stream);
        of_stream.flags = program_.half_open ? IOSTREAM_HALF_OPEN : 0;
        of_stream.max_read_buffer = program_.read_limit;
        of_stream.max_write_buffer = program_.write_limit;
        peer_ = pair[1];
        return iostream_new(&stream_, loop_, pair[0], &of_stream) == IOLOOP_OK;
    }

    // Every ctx is the run itself; how often it is released is counted.
    void *ctx() {
        ++given_;
        return this;
    }
    static void release(void *ctx) { ++static_cast<Run *>(ctx)->released_; }
    static void on_read(void *ctx, iostream_t *, int32_t status, const uint8_t *data, size_t size) {
        static_cast<Run *>(ctx)->read_done(status, std::string(reinterpret_cast<const char *>(data), size));
    }
    static void on_read_into(void *ctx, iostream_t *, int32_t status, size_t size) {
        Run &run = *static_cast<Run *>(ctx);
        run.read_done(status, run.memory_.substr(0, size));
    }
    static void on_write(void *ctx, iostream_t *, int32_t status) { static_cast<Run *>(ctx)->write_done(status); }
    static void on_close(void *ctx, iostream_t *, int32_t reason) { static_cast<Run *>(ctx)->close_done(reason); }

    void note(const char *what, int32_t status, const std::string &data = {}) {
        trace_ += what + std::to_string(status) + ":" + data + "\n";
    }
    void read_done(int32_t status, const std::string &data) {
        flat_.read_delivered(status, data);
        // An event of the pull queue alone.
        if (status != IOLOOP_ECANCELED) note("read ", status, data);
        callback();
    }
    void write_done(int32_t status) {
        flat_.write_delivered(status);
        note("write ", status);
        callback();
    }
    void close_done(int32_t reason) {
        flat_.closed_delivered(reason);
        note("close ", reason);
        callback();
    }
    void callback() {
        if (inside_.empty() || depth_ != 0) return;
        const Op op = inside_.front();
        inside_.pop_front();
        ++depth_;
        if (op.what != Do::settle && op.what != Do::turn) act(op);
        --depth_;
    }

    int32_t turn() {
        if (!pull_) return ioloop_run_once(loop_, 0);
        // One at a time: what is called when it is handled finds the others as callbacks would.
        ioloop_event_t event;
        const int32_t count = ioloop_poll(loop_, &event, 1, 0);
        if (count != 1) return count;
        const auto size = static_cast<size_t>(event.size);
        if (event.type == IOLOOP_EVENT_READ) {
            const bool there = event.data || size == 0;
            read_done(event.status, there ? std::string(reinterpret_cast<const char *>(event.data), size)
                                          : memory_.substr(0, size));
        }
        if (event.type == IOLOOP_EVENT_WRITE) write_done(event.status);
        if (event.type == IOLOOP_EVENT_CLOSE) close_done(event.status);
        return count;
    }
    void drain_peer() {
        char bytes[65536];
        ssize_t n;
        while ((n = recv(peer_, bytes, sizeof bytes, 0)) > 0) {
            flat_.peer_received(std::string(bytes, static_cast<size_t>(n)));
        }
    }
    void settle() {
        int quiet = 0;
        for (int i = 0; i < most_turns && quiet < 3 && flat_.wrong.empty(); ++i) {
            quiet = turn() == 0 ? quiet + 1 : 0;
            drain_peer();
        }
        if (flat_.wrong.empty()) flat_.settled(iostream_closed(stream_) == 1);
    }

    void act(const Op &op);
    void act_on_read(const Op &op);
    void act_otherwise(const Op &op);

    const Program &program_;
    bool pull_;
    std::string &trace_;
    FlatStream flat_;
    ioloop_t *loop_ = nullptr;
    iostream_t *stream_ = nullptr;
    int peer_ = -1;
    bool peer_ended_ = false;
    int depth_ = 0;
    size_t given_ = 0, released_ = 0;
    uint64_t memory_before_ = 0;
    std::string memory_ = std::string(8192, '?');  // of reads into the caller's memory
    std::deque<Op> inside_;
};

void Run::act_on_read(const Op &op) {
    iostream_read_fn fn = pull_ ? nullptr : on_read;
    iostream_read_into_fn into = pull_ ? nullptr : on_read_into;
    const uint64_t buffered = iostream_read_buffered(stream_);
    auto read = [&](const Read &what, int32_t status) { flat_.read_called(what, status, buffered); };
    const size_t size = op.a % 3000, most = op.b % 4 == 0 ? 1 + op.a % 300 : 0;
    switch (op.what) {
        case Do::read_until: {
            const std::string text = delimiters[op.b / 4 % 4];
            return read({Read::until, false, text, most},
                        iostream_read_until(stream_, text.data(), text.size(), most, fn, ctx(), release));
        }
        case Do::read_regex:
            if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) return;
            return read({Read::regex, false, "x", most},
                        iostream_read_until_regex(stream_, "a*x", 3, most, fn, ctx(), release));
        case Do::read_bytes:
            return read({Read::bytes, false, "", size}, iostream_read_bytes(stream_, size, fn, ctx(), release));
        case Do::read_partial:
            return read({Read::partial, false, "", size + 1},
                        iostream_read_partial(stream_, size + 1, fn, ctx(), release));
        case Do::read_into:
            return read({Read::bytes, true, "", size},
                        iostream_read_into(stream_, memory_.data(), size, into, ctx(), release));
        case Do::read_into_partial:
            return read({Read::partial, true, "", size + 1},
                        iostream_read_into_partial(stream_, memory_.data(), size + 1, into, ctx(), release));
        case Do::read_until_close:
            return read({Read::until_close, false, "", 0}, iostream_read_until_close(stream_, fn, ctx(), release));
        default: {
            const uint64_t all = op.b % 2 ? UINT64_MAX : size;
            return read({Read::chunks, false, "", all}, iostream_read_chunks(stream_, all, fn, ctx(), release));
        }
    }
}

void Run::act(const Op &op) {
    if (iostream_closed(stream_) == 1) flat_.seen_closed();
    if (op.what >= Do::read_until && op.what <= Do::read_chunks) return act_on_read(op);
    iostream_write_fn told = pull_ ? nullptr : on_write;
    switch (op.what) {
        case Do::peer_send: {
            const std::string bytes = letters(op.b, 1 + op.a % (op.b % 4 ? 60 : 3000));
            if (peer_ended_ || send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
            return flat_.peer_sent(bytes);
        }
        case Do::peer_end:
            peer_ended_ = true;
            shutdown(peer_, SHUT_WR);
            return flat_.peer_end();
        case Do::cancel_read: return flat_.cancel_called(iostream_cancel_read(stream_), pull_);
        case Do::write: {
            const std::string bytes = letters(op.b, op.a % 700);
            const bool silent = op.b % 8 == 0;
            const int32_t status =
                silent ? iostream_write(stream_, bytes.data(), bytes.size(), nullptr, nullptr, nullptr)
                       : iostream_write(stream_, bytes.data(), bytes.size(), told, ctx(), release);
            return flat_.write_called(bytes, !silent, status);
        }
        case Do::writev: {
            const std::string bytes = letters(op.b, 3 + op.a % 500);
            const iostream_piece_t pieces[] = {{bytes.data(), 3}, {nullptr, 0}, {bytes.data() + 3, bytes.size() - 3}};
            return flat_.write_called(bytes, true, iostream_writev(stream_, pieces, 3, told, ctx(), release));
        }
        case Do::close_write: return flat_.close_write_called(iostream_close_write(stream_, told, ctx(), release));
        default: return act_otherwise(op);
    }
}

void Run::act_otherwise(const Op &op) {
    switch (op.what) {
        case Do::peek: {
            const uint8_t *data = nullptr;
            size_t size = 0;
            if (iostream_peek(stream_, &data, &size, op.a % 100) != IOLOOP_OK) return;
            const bool fits = size <= flat_.unread.size();
            const bool same = size == 0 || (fits && std::memcmp(data, flat_.unread.data(), size) == 0);
            if (!same && flat_.wrong.empty()) flat_.wrong = "bytes that peek shows";
            return;
        }
        case Do::consume: {
            const uint64_t buffered = iostream_read_buffered(stream_);
            const auto size = static_cast<size_t>(op.b % 4 ? op.a % (buffered + 1) : op.a % 3000);
            return flat_.consume_called(size, iostream_consume(stream_, size), buffered);
        }
        case Do::flush: return (void)iostream_flush(stream_);
        case Do::watch_close: {
            const int32_t status =
                iostream_set_close_callback(stream_, pull_ ? nullptr : on_close, ctx(), release);
            if (status == IOLOOP_OK) flat_.watch();
            return;
        }
        case Do::set_limits:
            // Not while it matters what has been received so far.
            if (flat_.reading() || iostream_read_buffered(stream_) != 0) return;
            flat_.read_limit = 1 + op.a % 3000;
            flat_.write_limit = op.b % 3000;
            return (void)iostream_set_limits(stream_, flat_.read_limit, flat_.write_limit);
        case Do::close: {
            iostream_close(stream_);
            return flat_.close_called(iostream_read_buffered(stream_));
        }
        case Do::settle: return settle();
        default: turn();
    }
}

}  // namespace

std::string run_program(const Program &program, bool pull, std::string *trace) {
    auto run = std::make_unique<Run>(program, pull, trace);
    return run->all();
}

}  // namespace oracle
