// Connecting a stream. The result always comes later, never inside the call.
#include "base/memory.h"
#include "os/clock.h"
#include "os/error.h"
#include "os/socket.h"
#include "stream/stream.h"

namespace ioloop {

Status Stream::connect(const os::Address &address, UserCall<iostream_connect_fn> call) {
    Status status = IOLOOP_OK;
    if (state_ == State::closed || loop_.closed()) status = IOLOOP_ECLOSED;
    else if (state_ != State::idle) status = IOLOOP_ESTATE;

    os::UniqueFd opened;
    if (status == IOLOOP_OK && !fd_.valid()) {
        auto socket = os::open_stream_socket(address.family());
        if (!socket.ok()) {
            status = os::to_status(socket.error);
            remember(status, socket.error);
        }
        opened = std::move(socket.value);
    }
    ConnectOp *op = nullptr;
    if (status == IOLOOP_OK) {
        op = make<ConnectOp>(*this, call, address);
        if (!op || !ensure_timers()) status = IOLOOP_ENOMEM;
    }
    if (status != IOLOOP_OK) {
        ioloop::destroy(op);
        call.drop();
        return status;
    }
    if (opened.valid()) fd_ = std::move(opened);
    connect_ = op;
    state_ = State::connecting;
    set_deadline(timers_->connect_ns, os::deadline_after(config_->connect_timeout_ns));
    try_connect();
    return IOLOOP_OK;
}

void Stream::try_connect() {
    auto begun = os::connect(fd_.get(), connect_->target);
    if (begun.ok() || os::already_connected(begun.error)) return connected();
    if (os::connect_in_progress(begun.error) || os::interrupted(begun.error)) return update_interest();
    // A Unix listener whose queue is full says so at once, and never reports that there is room again.
    if (os::would_block(begun.error)) return retry_later();
    const bool nobody = connect_->target.family() == os::Family::local && os::no_such_file(begun.error);
    close(nobody ? IOLOOP_EREFUSED : os::to_status(begun.error), begun.error);
}

void Stream::on_connect_ready() {
    loop_.note_progress();
    auto error = os::take_error(fd_.get());
    const int failure = error.ok() ? error.value : error.error;
    if (failure != 0) return close(os::to_status(failure), failure);
    if (connected_to_itself()) return close(IOLOOP_EREFUSED);
    connected();
}

// A client of a closed local port can be given that very port as its own, and then talks to itself.
bool Stream::connected_to_itself() const {
    if (connect_->target.family() == os::Family::local) return false;
    auto own = os::local_address(fd_.get());
    return own.ok() && own.value == connect_->target;
}

void Stream::connected() {
    state_ = State::open;
    timers_->connect_ns = StreamTimers::none;
    finish_connect(IOLOOP_OK);
    if (writing() || end_wanted_) mark_dirty();
    update_interest();
}

void Stream::finish_connect(Status status) {
    connect_->status = status;
    if (connect_->call.silent()) {
        connect_->discard();
    } else {
        loop_.complete(*connect_, connect_->call.pull());
    }
}

}  // namespace ioloop
