// A stream's making and freeing, its readiness, and what it wants of the poller.
#include "stream/stream.h"

#include "os/clock.h"
#include "os/error.h"
#include "os/socket.h"

namespace ioloop {

namespace {
constexpr uint32_t stream_magic = 0x494f5331;
}

constinit ObjectPool Stream::pool{sizeof(HandleHeader) + sizeof(Stream), stream_magic};

Stream::Stream(Loop &loop, const ConfigRef &config)
    : loop_(loop), transport_(&socket_transport()), config_(config), in_(loop.chunks), out_(loop.chunks), read_(*this) {
    loop.adopt(*this);
}

Status Stream::create(Stream **out_stream, Loop &loop, os::UniqueFd &fd, const ConfigRef &config) {
    os::FdKind kind = os::FdKind::socket;
    bool writer = false;
    bool connected = false;
    if (fd.valid()) {
        auto found = os::kind(fd.get());
        if (!found.ok()) return loop.remember_error(IOLOOP_ESYS, found.error), IOLOOP_ESYS;
        kind = found.value;
        if (kind == os::FdKind::unusable) return IOLOOP_ENOTSUP;
        if (kind == os::FdKind::pipe) writer = os::writable_end(fd.get()).value;
        if (kind == os::FdKind::socket) connected = os::peer_address(fd.get()).ok();
        auto ready = os::make_nonblocking_cloexec(fd.get());
        if (!ready.ok()) return loop.remember_error(IOLOOP_ESYS, ready.error), IOLOOP_ESYS;
    }
    void *memory = pool.take();
    if (!memory) return IOLOOP_ENOMEM;
    Stream *stream = new (object_memory(memory)) Stream(loop, config);
    stream->fd_ = std::move(fd);
    if (kind == os::FdKind::pipe) {
        stream->transport_ = &pipe_transport();
        stream->is_socket_ = false;
        stream->pipe_writer_ = writer;
        stream->state_ = State::open;
    } else if (connected) {
        stream->state_ = State::open;
    }
    set_alive(stream, true);
    *out_stream = stream;
    return IOLOOP_OK;
}

Stream *Stream::create_accepted(Loop &loop, const ConfigRef &config, ConnectionCount *count) {
    void *memory = pool.take();
    if (!memory) return nullptr;
    Stream *stream = new (object_memory(memory)) Stream(loop, config);
    set_alive(stream, true);
    stream->count_ = count;
    ++count->refs;
    ++count->open;
    return stream;
}

void Stream::attach(os::UniqueFd fd) {
    fd_ = std::move(fd);
    state_ = State::open;
}

void Stream::free() {
    set_alive(this, false);
    close(IOLOOP_ECLOSED);
    freed_ = true;
    drop_operations();
    drop_work();
    loop_.retire(*this);
}

void Stream::destroy() {
    set_alive(this, false);
    close(IOLOOP_ECLOSED);
    freed_ = true;
    drop_operations();
    drop_work();
    this->~Stream();
    pool.give(handle_of(this));
}

Stream::~Stream() {
    if (timers_) loop_.timers.cancel(*timers_);
    ioloop::destroy(timers_);
}

void Stream::shut(Status reason) { close(reason); }

void Stream::on_ready(uint32_t events) {
    if (events == IOLOOP_ERROR) {
        const int error = loop_.refusal(fd_.get());
        if (error != 0) return close(os::to_status(error), error);
    }
    if (state_ == State::connecting) return on_connect_ready();
    const uint32_t interest = interest_;
    if (interest & IOLOOP_READ && events & (IOLOOP_READ | IOLOOP_ERROR)) on_readable();
    if (state_ == State::closed) return;
    if (interest & IOLOOP_WRITE && events & (IOLOOP_WRITE | IOLOOP_ERROR)) flush();
}

uint32_t Stream::after_dispatch() {
    if (dirty_) flush();
    if (state_ == State::closed) return 0;
    if (full_receive_ && wants_data() && share_bytes_ < loop_.options.turn_read_bytes) return IOLOOP_READ;
    if (!in_.empty()) in_.compact();
    update_interest();
    return 0;
}

void Stream::work() {
    if (dirty_) flush();
    if (deferred_) {
        if (share_turn_ == loop_.turn()) {
            loop_.next_turn(*this);
        } else {
            deferred_ = false;
            advance_read();
        }
    }
    if (state_ != State::closed) update_interest();
}

// A read is pending that only further data can satisfy.
bool Stream::wants_data() const {
    return state_ == State::open && !read_ended_ && read_.pending() && !read_.done && !deferred_;
}

// Idle, and the user wants to know when the stream closes: the end of the data must be noticed. Data that arrives
// meanwhile is left to the system.
bool Stream::probing() const {
    return state_ == State::open && !read_ended_ && !read_.pending() && on_close_ && in_.empty() && !probe_hit_;
}

uint32_t Stream::wanted() const {
    uint32_t mask = IOLOOP_NONE;
    if (state_ == State::connecting) {
        const bool waits_for_retry = timers_ && timers_->retry_ns != StreamTimers::none;
        return waits_for_retry ? mask : uint32_t{IOLOOP_WRITE};
    }
    if (wants_data() || probing()) mask |= IOLOOP_READ;
    if (state_ == State::closing && !read_ended_) mask |= IOLOOP_READ;
    if (blocked_ && !out_.empty()) mask |= IOLOOP_WRITE;
    return mask;
}

void Stream::update_interest() {
    if (!fd_.valid()) return;
    const uint32_t mask = wanted();
    if (mask == interest_) return;
    interest_ = static_cast<uint8_t>(mask);
    if (watched_) {
        loop_.set_interest(fd_.get(), mask);
        return;
    }
    Status status = loop_.watch(fd_.get(), mask, *this, false);
    if (status != IOLOOP_OK) {
        close(status);
        return;
    }
    watched_ = true;
}

void Stream::on_readable() {
    loop_.note_progress();
    if (state_ == State::closing) return drain_away();
    if (wants_data()) return receive();
    if (probing()) probe();
}

void Stream::probe() {
    auto waiting = os::readable_bytes(fd_.get());
    if (waiting.ok() && waiting.value != 0) {
        probe_hit_ = true;
        return;
    }
    if (pipe_writer_) return close(IOLOOP_ERESET);
    receive();
}

Status Stream::set_timeout(uint32_t which, int64_t timeout_ns) {
    if (timeout_ns < IOLOOP_NEVER || which < IOSTREAM_TIMEOUT_READ || which > IOSTREAM_TIMEOUT_CONNECT) {
        return IOLOOP_EINVAL;
    }
    iostream_options_t *options = config_.own();
    if (!options) return IOLOOP_ENOMEM;
    if (which == IOSTREAM_TIMEOUT_READ) options->read_timeout_ns = timeout_ns;
    if (which == IOSTREAM_TIMEOUT_WRITE) options->write_timeout_ns = timeout_ns;
    if (which == IOSTREAM_TIMEOUT_CONNECT) options->connect_timeout_ns = timeout_ns;
    return IOLOOP_OK;
}

Status Stream::set_limits(uint64_t max_read, uint64_t max_write) {
    if (max_read == 0) return IOLOOP_EINVAL;
    iostream_options_t *options = config_.own();
    if (!options) return IOLOOP_ENOMEM;
    options->max_read_buffer = max_read;
    options->max_write_buffer = max_write;
    return IOLOOP_OK;
}

// Not for Unix sockets and pipes, nor for a connection that is gone already: none of that is the caller's mistake.
Status Stream::set_nodelay(bool on) {
    if (is_socket_ && fd_.valid()) os::set_nodelay(fd_.get(), on);
    return IOLOOP_OK;
}

}  // namespace ioloop
