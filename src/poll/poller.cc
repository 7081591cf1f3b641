#include "poll/poller.h"

#include "os/descriptor.h"
#include "os/error.h"
#include "os/process.h"

namespace ioloop {

Status Poller::open(uint32_t backend) {
    if (backend > poll) return IOLOOP_ENOTSUP;
    fork_generation_ = os::fork_generation();
    if (backend != poll) {
        int error = std::get<EpollBackend>(backend_).open().error;
        if (error == 0) return IOLOOP_OK;
        // A shortage would meet the other back end too; anything else means that there is no epoll here.
        if (backend == epoll || os::exhausted(error)) return refuse(error);
    }
    backend_.emplace<PollBackend>();
    return IOLOOP_OK;
}

const char *Poller::name() const {
    return std::visit([](auto &backend) { return backend.name; }, backend_);
}

int Poller::native_fd() const {
    return std::visit([](auto &backend) { return backend.native_fd(); }, backend_);
}

Status Poller::add(int fd, uint32_t events, bool now, uint64_t *out_token) {
    if (interests_.find(fd)) return IOLOOP_EEXIST;
    // Asked of the system where the kernel's set would not tell: nothing is put into it, or the table would have to
    // grow to a number that may be no descriptor at all.
    if (fd < 0 || interests_.beyond(fd) || (now && events == IOLOOP_NONE)) {
        int error = check_pollable(fd);
        if (error != 0) return refuse(error);
    }
    if (!interests_.add(fd, events)) return refuse(os::out_of_memory);
    if (now) {
        int error = tell(fd, *interests_.find(fd));
        if (error != 0) {
            interests_.remove(fd);
            return refuse(error);
        }
    }
    *out_token = interests_.token(fd);
    return IOLOOP_OK;
}

void Poller::set(int fd, uint32_t events) { interests_.set(fd, events); }

uint32_t Poller::interest(int fd) const {
    const Interest *interest = interests_.find(fd);
    return interest ? interest->wanted : uint32_t{IOLOOP_NONE};
}

int Poller::refusal(int fd) const {
    const Interest *interest = interests_.find(fd);
    return interest ? interest->error : 0;
}

void Poller::remove(int fd) {
    Interest *interest = interests_.find(fd);
    if (!interest) return;
    // In a forked child the set is shared with the parent, which still needs the descriptor in it.
    if (interest->applied != IOLOOP_NONE && fork_generation_ == os::fork_generation()) {
        interest->wanted = IOLOOP_NONE;
        tell(fd, *interest);
    }
    interests_.remove(fd);
}

void Poller::apply() {
    interests_.drain_changes([this](int fd, Interest &interest) {
        int error = tell(fd, interest);
        if (error != 0) interests_.fail(interest, error);
    });
}

Result<size_t> Poller::wait(Ready *out, size_t capacity, int64_t timeout_ns) {
    apply();
    size_t filled = interests_.failures() ? interests_.take_failures(out, capacity) : 0;
    if (filled == capacity) return {filled, 0};
    if (filled != 0) timeout_ns = 0;
    Ready *rest = out + filled;
    Result<size_t> result =
        std::visit([&](auto &backend) { return backend.wait(rest, capacity - filled, timeout_ns); }, backend_);
    if (!result.ok() && !os::interrupted(result.error) && filled == 0) return result;
    return {filled + keep_current(rest, result.value), 0};
}

// Makes the kernel watch what is wanted. On failure nothing is watched.
int Poller::tell(int fd, Interest &interest) {
    const uint8_t events = interest.effective();
    if (events == interest.applied) return 0;
    const uint64_t token = interests_.token(fd);
    ++changes;
    int error = std::visit(
        [&](auto &backend) {
            // The number may belong to another file by now: closed and opened again without a word to us.
            int result = 0;
            if (events == IOLOOP_NONE) {
                backend.remove(fd);
            } else if (interest.applied == IOLOOP_NONE) {
                result = backend.add(fd, events, token).error;
                if (os::to_status(result) == IOLOOP_EEXIST) result = backend.modify(fd, events, token).error;
            } else {
                result = backend.modify(fd, events, token).error;
                if (os::to_status(result) == IOLOOP_ENOENT) result = backend.add(fd, events, token).error;
            }
            if (result != 0) backend.remove(fd);
            return result;
        },
        backend_);
    interest.applied = error == 0 ? events : 0;
    if (error == 0) interest.error = 0;
    return error;
}

int Poller::check_pollable(int fd) const {
    Result<os::FdKind> kind = os::kind(fd);
    if (!kind.ok()) return kind.error;
    return kind.value == os::FdKind::unusable ? os::cannot_poll : 0;
}

Status Poller::refuse(int error) {
    last_errno = error;
    if (error == os::cannot_poll) return IOLOOP_ENOTSUP;
    Status status = os::to_status(error);
    return status == IOLOOP_ENOMEM || status == IOLOOP_ENFILE || status == IOLOOP_ENOTSUP ? status : IOLOOP_ESYS;
}

// Drops events of registrations that are over: the kernel may still report them if somebody else holds the same open
// file. What the back end dropped from its set is noted.
size_t Poller::keep_current(Ready *events, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!interests_.current(events[i].token)) continue;
        events[kept] = events[i];
        if (events[kept].events & ready_dropped) {
            events[kept].events &= ~ready_dropped;
            interests_.find(token_fd(events[kept].token))->applied = IOLOOP_NONE;
        }
        ++kept;
    }
    return kept;
}

}  // namespace ioloop
