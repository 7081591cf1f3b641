#include "stream/server.h"

#include <algorithm>
#include <string>

#include "base/memory.h"
#include "os/clock.h"
#include "os/error.h"
#include "os/resolve.h"
#include "os/socket.h"

namespace ioloop {

namespace {
constexpr uint32_t server_magic = 0x494f4c53;
constexpr int64_t first_pause_ns = 10'000'000;
constexpr int64_t longest_pause_ns = 1'000'000'000;
constexpr size_t longest_host = 253;
// With port 0 the first address gets a free port that the others must have too: somebody may be quicker.
constexpr int port_attempts = 16;
}  // namespace

constinit ObjectPool Server::pool{sizeof(HandleHeader) + sizeof(Server), server_magic};

Server::Server(Loop &loop, const ioserver_options_t &options, const ConfigRef &config,
               UserCall<ioserver_accept_fn> call, ConnectionCount *count)
    : loop_(loop), options_(options), config_(config), call_(call), count_(count) {
    count_->on_room = this;
    loop.adopt(*this);
}

Server::~Server() {
    count_->on_room = nullptr;
    count_->unref();
}

Status Server::create(Server **out_server, Loop &loop, const ioserver_options_t &options, const ConfigRef &config,
                      UserCall<ioserver_accept_fn> call) {
    ConnectionCount *count = make<ConnectionCount>();
    void *memory = count ? pool.take() : nullptr;
    if (!memory) {
        ioloop::destroy(count);
        call.drop();
        return IOLOOP_ENOMEM;
    }
    Server *server = new (object_memory(memory)) Server(loop, options, config, call, count);
    set_alive(server, true);
    *out_server = server;
    return IOLOOP_OK;
}

void Server::free() {
    set_alive(this, false);
    freed_ = true;
    stop();
    loop_.retire(*this);
}

void Server::destroy() {
    set_alive(this, false);
    stop();
    this->~Server();
    pool.give(handle_of(this));
}

void Server::shut(Status) { stop(); }

void Server::stop() {
    if (stopped_) return;
    stopped_ = true;
    loop_.timers.cancel(*this);
    drop_work();
    for (Listener *listener : listeners_) {
        loop_.unwatch(listener->fd());
        if (!loop_.abandoned()) listener->remove_file();
    }
    while (AcceptEvent *event = undelivered_.pop_front()) {
        event->Completion::unlink();
        event->discard();
    }
    // Inside a listener's dispatch its memory, and the user's ctx, are needed until the function has returned.
    if (!in_call_) finish_stop();
}

void Server::finish_stop() {
    std::vector<Listener *, Allocator<Listener *>> old;
    old.swap(listeners_);
    for (Listener *listener : old) {
        ioloop::destroy(listener);
        loop_.descriptor_closed();
    }
    call_.drop();
}

Status Server::pause(bool on) {
    if (stopped_) return IOLOOP_ECLOSED;
    paused_ = on;
    update_interest();
    return IOLOOP_OK;
}

bool Server::accepting() const {
    return !stopped_ && !paused_ && pause_ns_ == 0 &&
           (options_.max_connections == 0 || count_->open < options_.max_connections) &&
           (!call_.pull() || undelivered_count_ < options_.max_undelivered);
}

void Server::update_interest() {
    if (stopped_) return;
    count_->full = options_.max_connections != 0 && count_->open >= options_.max_connections;
    const uint32_t events = accepting() ? IOLOOP_READ : IOLOOP_NONE;
    for (Listener *listener : listeners_) loop_.set_interest(listener->fd(), events);
}

// Everything that a connection needs is had before it is taken from the system: what is accepted can be delivered.
bool Server::accept_one(Listener &listener) {
    AcceptEvent *event = call_.pull() ? make<AcceptEvent>(*this) : nullptr;
    Stream *stream = !call_.pull() || event ? Stream::create_accepted(loop_, config_, count_) : nullptr;
    if (!stream) {
        ioloop::destroy(event);
        back_off(os::out_of_memory);
        return false;
    }
    ++loop_.stats.accepts;
    auto accepted = os::retry([&] { return os::accept(listener.fd()); });
    if (!accepted.ok()) {
        stream->free();
        ioloop::destroy(event);
        if (os::would_block(accepted.error)) return false;
        if (os::accept_may_go_on(accepted.error)) return true;
        back_off(accepted.error);
        return false;
    }
    pause_ns_ = 0;
    next_pause_ns_ = 0;
    trouble_told_ = false;
    stream->attach(std::move(accepted.value));
    if (event) {
        event->stream = stream;
        queue(*event);
    } else {
        auto *server_handle = static_cast<ioserver_t *>(handle_of(this));
        call_.fn(call_.ctx, server_handle, IOLOOP_OK, static_cast<iostream_t *>(handle_of(stream)));
    }
    return true;
}

void Server::queue(AcceptEvent &event) {
    undelivered_.push_back(event);
    ++undelivered_count_;
    loop_.complete(event, true);
}

// Without a descriptor for it the connection stays in the system's queue, and the listener stays ready: asking again
// at once would burn the processor. Asks again after a while, or when a descriptor of ours was closed.
void Server::back_off(int error) {
    const Status status = os::exhausted(error) ? os::to_status(error) : IOLOOP_ESYS;
    remember(status, error);
    next_pause_ns_ = next_pause_ns_ == 0 ? first_pause_ns : std::min(next_pause_ns_ * 2, longest_pause_ns);
    pause_ns_ = next_pause_ns_;
    // Without memory for the timer the next descriptor that closes ends the pause.
    (void)loop_.timers.arm(*this, os::deadline_after(pause_ns_));
    drop_work();
    loop_.on_descriptor_freed(*this);
    update_interest();
    if (trouble_told_) return;
    trouble_told_ = true;
    report_trouble(status);
}

void Server::report_trouble(Status status) {
    if (!call_.pull()) {
        call_.fn(call_.ctx, static_cast<ioserver_t *>(handle_of(this)), status, nullptr);
        return;
    }
    AcceptEvent *event = make<AcceptEvent>(*this);
    if (!event) return;
    event->status = status;
    queue(*event);
}

void Server::work() {
    pause_ns_ = 0;
    update_interest();
}

void Server::on_timer(int64_t) {
    drop_work();
    work();
}

Status Server::add_listener(Listener *listener) {
    Status status = IOLOOP_ENOMEM;
    if (listener) {
        try {
            listeners_.push_back(listener);
            status = loop_.watch(listener->fd(), accepting() ? IOLOOP_READ : IOLOOP_NONE, *listener, true);
            if (status != IOLOOP_OK) listeners_.pop_back();
        } catch (const std::bad_alloc &) {
        }
    }
    if (status != IOLOOP_OK) ioloop::destroy(listener);
    return status;
}

Status Server::listen(uint16_t *out_port, std::string_view host, uint16_t port) {
    if (stopped_) return IOLOOP_ECLOSED;
    if (host.size() > longest_host || host.find('\0') != host.npos) return IOLOOP_EADDR;
    const size_t before = listeners_.size();
    Status status = IOLOOP_EADDRINUSE;
    for (int attempt = 0; attempt < (port == 0 ? port_attempts : 1) && status == IOLOOP_EADDRINUSE; ++attempt) {
        status = bind_all(out_port, host, port);
        if (status == IOLOOP_OK) break;
        while (listeners_.size() > before) {
            loop_.unwatch(listeners_.back()->fd());
            ioloop::destroy(listeners_.back());
            listeners_.pop_back();
        }
    }
    return status;
}

Status Server::bind_all(uint16_t *out_port, std::string_view host, uint16_t port) {
    std::vector<os::Address> addresses(1);
    if (!os::parse_numeric(host, port, &addresses[0])) {
        auto found = os::resolve_passive(std::string(host), port);
        if (!found.ok()) return IOLOOP_ERESOLVE;
        addresses = std::move(found.value);
    }
    const size_t before = listeners_.size();
    Status unusable = IOLOOP_ERESOLVE;
    for (os::Address &address : addresses) {
        if (listeners_.size() > before) address.set_port(port);
        auto opened = open_listener(address, static_cast<int>(options_.backlog));
        if (!opened.ok()) {
            Status status = os::to_status(opened.error);
            remember(status, opened.error);
            // A machine without IPv6 still has the names that say ::1.
            const bool skip = addresses.size() > 1 && (status == IOLOOP_EADDR || status == IOLOOP_EADDRNOTAVAIL);
            if (!skip) return status;
            unusable = status;
            continue;
        }
        auto own = os::local_address(opened.value.get());
        if (own.ok()) port = own.value.port();
        Status status = add_listener(make<Listener>(*this, std::move(opened.value)));
        if (status != IOLOOP_OK) return status;
    }
    if (listeners_.size() == before) return unusable;
    if (out_port) *out_port = port;
    return IOLOOP_OK;
}

Status Server::listen_unix(std::string_view path, uint32_t mode) {
    if (stopped_) return IOLOOP_ECLOSED;
    os::Address address;
    if (!os::parse_local(path, &address)) return IOLOOP_EADDR;
    os::UniqueFd fd;
    os::FileIdentity identity;
    int error = 0;
    Status status = open_unix_listener(&fd, &identity, &error, address, mode, static_cast<int>(options_.backlog));
    if (status != IOLOOP_OK) {
        remember(status, error);
        return status;
    }
    Listener *listener = make<Listener>(*this, std::move(fd));
    std::string file(os::local_path(address));
    if (listener && !file.empty()) listener->own_file(file, identity);
    status = add_listener(listener);
    if (status != IOLOOP_OK && !file.empty()) os::remove_file(file);
    return status;
}

Status Server::listen_fd(int fd) {
    if (stopped_) return IOLOOP_ECLOSED;
    auto listening = os::is_listening(fd);
    if (!listening.ok() || !listening.value) return IOLOOP_EINVAL;
    auto ready = os::make_nonblocking_cloexec(fd);
    if (!ready.ok()) return IOLOOP_EINVAL;
    Listener *listener = make<Listener>(*this, os::UniqueFd(-1));
    if (!listener) return IOLOOP_ENOMEM;
    listener->take_descriptor(fd);
    Status status = IOLOOP_ENOMEM;
    try {
        listeners_.reserve(listeners_.size() + 1);
        status = loop_.watch(fd, accepting() ? IOLOOP_READ : IOLOOP_NONE, *listener, true);
    } catch (const std::bad_alloc &) {
    }
    if (status != IOLOOP_OK) {
        listener->release_descriptor();  // it stays the caller's
        ioloop::destroy(listener);
        return status;
    }
    listeners_.push_back(listener);
    return IOLOOP_OK;
}

}  // namespace ioloop
