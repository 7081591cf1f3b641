#include "loop/handlers.h"

#include "loop/loop.h"
#include "os/descriptor.h"

namespace ioloop {

void Handler::want(uint32_t events) {
    wanted_ = events;
    if (!suppressed_) loop_.set_interest(fd_, wanted_);
}

void Handler::remove() {
    loop_.unwatch(fd_);
    removed_ = true;
    unlink();
    if (running_) return;
    call.drop();
    destroy(this);
}

void Handler::on_ready(uint32_t events) {
    if (call.pull()) {
        if (undelivered_ == 0) {
            loop_.note_progress();
            loop_.complete(*this, true);
        } else {
            // Level-triggered, and nobody has looked at the first report yet: reporting on would only burn time.
            suppressed_ = true;
            loop_.set_interest(fd_, IOLOOP_NONE);
        }
        undelivered_ |= events;
        return;
    }
    loop_.note_progress();
    running_ = true;
    call.fn(call.ctx, fd_, events);
    running_ = false;
    if (!removed_) return;
    call.drop();
    destroy(this);
}

bool Handler::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_HANDLER;
    event->tag = call.tag();
    event->op = static_cast<uint64_t>(fd_);
    event->value = undelivered_;
    undelivered_ = 0;
    if (suppressed_) {
        suppressed_ = false;
        loop_.set_interest(fd_, wanted_);
    }
    return true;
}

void Handler::discard() { undelivered_ = 0; }

Handler **Handlers::find(int fd) {
    if (fd < 0 || static_cast<size_t>(fd) >= by_fd_.size() || !by_fd_[static_cast<size_t>(fd)]) return nullptr;
    return &by_fd_[static_cast<size_t>(fd)];
}

bool Handlers::make_room(int fd) {
    try {
        if (static_cast<size_t>(fd) >= by_fd_.size()) by_fd_.resize(static_cast<size_t>(fd) + 1);
        return true;
    } catch (const std::bad_alloc &) {
        return false;
    }
}

Status Handlers::add(int fd, uint32_t events, UserCall<ioloop_handler_fn> call) {
    Status status = IOLOOP_OK;
    Handler *handler = nullptr;
    if (find(fd)) {
        status = IOLOOP_EEXIST;
    } else {
        handler = make<Handler>(loop_, fd, events, call);
        status = handler ? loop_.watch(fd, events, *handler, true) : IOLOOP_ENOMEM;
        // Only now: a number that is no open descriptor, however large, has been refused.
        if (status == IOLOOP_OK && !make_room(fd)) {
            loop_.unwatch(fd);
            status = IOLOOP_ENOMEM;
        }
    }
    if (status != IOLOOP_OK) {
        destroy(handler);
        call.drop();
        return status;
    }
    by_fd_[static_cast<size_t>(fd)] = handler;
    return IOLOOP_OK;
}

Status Handlers::update(int fd, uint32_t events) {
    Handler **handler = find(fd);
    if (!handler) return IOLOOP_ENOENT;
    (*handler)->want(events);
    return IOLOOP_OK;
}

Status Handlers::remove(int fd) {
    Handler **place = find(fd);
    if (!place) return IOLOOP_ENOENT;
    Handler *handler = *place;
    *place = nullptr;
    handler->remove();
    return IOLOOP_OK;
}

void Handlers::remove_all(bool close_descriptors) {
    for (size_t fd = 0; fd < by_fd_.size(); ++fd) {
        if (!by_fd_[fd]) continue;
        remove(static_cast<int>(fd));
        if (close_descriptors) os::close(static_cast<int>(fd));
    }
}

}  // namespace ioloop
