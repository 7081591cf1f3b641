#include "stream/listener.h"

#include "base/memory.h"
#include "os/error.h"
#include "os/socket.h"
#include "stream/server.h"

namespace ioloop {

void Listener::remove_file() {
    if (path_.empty()) return;
    auto now = os::file_identity(path_);
    if (now.ok() && now.value == identity_) os::remove_file(path_);
    path_.clear();
}

void Listener::on_ready(uint32_t events) {
    Server &server = server_;
    server.loop_.note_progress();
    server.in_call_ = true;
    const int refused = events == IOLOOP_ERROR ? server.loop_.refusal(fd()) : 0;
    if (refused != 0) server.back_off(refused);
    for (uint32_t taken = 0; taken < server.options_.accept_budget && server.accepting(); ++taken) {
        if (!server.accept_one(*this)) break;
    }
    server.in_call_ = false;
    if (server.stopped_) {
        server.finish_stop();
    } else {
        server.update_interest();
    }
}

bool AcceptEvent::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_ACCEPT;
    event->status = status;
    event->tag = server_.call_.tag();
    event->object = stream ? handle_of(stream) : nullptr;
    leave();
    return true;
}

void AcceptEvent::discard() {
    if (stream) stream->free();
    leave();
}

void AcceptEvent::leave() {
    Server &server = server_;
    ListNode<AcceptTag>::unlink();
    --server.undelivered_count_;
    ioloop::destroy(this);
    server.update_interest();
}

Result<os::UniqueFd> open_listener(const os::Address &address, int backlog) {
    auto socket = os::open_stream_socket(address.family());
    if (!socket.ok()) return socket;
    const int fd = socket.value.get();
    // A restarted server must not wait for the old one's connections to be forgotten; v4 has a socket of its own.
    int error = os::set_reuse_address(fd).error;
    if (error == 0 && address.family() == os::Family::ipv6) error = os::set_v6_only(fd).error;
    if (error == 0) error = os::bind(fd, address).error;
    if (error == 0) error = os::listen(fd, backlog).error;
    if (error != 0) return Result<os::UniqueFd>::failure(error);
    return socket;
}

namespace {

// Whether the socket file at this address is left over from a server that is gone.
bool nobody_answers(const os::Address &address) {
    auto probe = os::open_stream_socket(os::Family::local);
    if (!probe.ok()) return false;
    auto answer = os::retry([&] { return os::connect(probe.value.get(), address); });
    return os::to_status(answer.error) == IOLOOP_EREFUSED;
}

Status refuse(int error, int *out_errno) {
    *out_errno = error;
    return os::to_status(error);
}

}  // namespace

Status open_unix_listener(os::UniqueFd *out_fd, os::FileIdentity *out_identity, int *out_errno,
                          const os::Address &address, uint32_t mode, int backlog) {
    const std::string path(os::local_path(address));
    if (!path.empty()) {
        auto there = os::file_identity(path);
        if (there.ok()) {
            if (!there.value.is_socket || !nobody_answers(address)) return IOLOOP_EADDRINUSE;
            auto removed = os::remove_file(path);
            if (!removed.ok()) return refuse(removed.error, out_errno);
        }
    }
    auto socket = os::open_stream_socket(os::Family::local);
    if (!socket.ok()) return refuse(socket.error, out_errno);
    const int fd = socket.value.get();
    auto bound = os::bind(fd, address);
    if (!bound.ok()) return refuse(bound.error, out_errno);
    if (path.empty()) {
        auto listening = os::listen(fd, backlog);
        if (!listening.ok()) return refuse(listening.error, out_errno);
    } else {
        // The mode before listen: until then nobody can connect, with whatever permissions the file was made.
        int error = os::set_file_mode(path, mode).error;
        if (error == 0) error = os::listen(fd, backlog).error;
        auto made = os::file_identity(path);
        if (error == 0) error = made.error;
        if (error != 0) {
            os::remove_file(path);
            return refuse(error, out_errno);
        }
        *out_identity = made.value;
    }
    *out_fd = std::move(socket.value);
    return IOLOOP_OK;
}

}  // namespace ioloop
