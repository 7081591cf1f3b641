// The readiness of descriptors: keeps what is wanted, tells the kernel what changed, waits, and reports.
//
// Events mean the same on every back end. NONE takes a descriptor out of the kernel's set, because a hang-up cannot be
// masked there; ERROR alone keeps it in the set for errors and hang-ups only.
#pragma once

#include <variant>

#include "poll/epoll.h"
#include "poll/interest.h"
#include "poll/poll.h"
#include "poll/ready.h"

namespace ioloop {

static_assert(PollerBackend<EpollBackend> && PollerBackend<PollBackend>);

class Poller {
public:
    // The numbers of IOLOOP_BACKEND_....
    static constexpr uint32_t automatic = 0, epoll = 1, poll = 2;

    // IOLOOP_ENOTSUP, IOLOOP_ENFILE, IOLOOP_ENOMEM, IOLOOP_ESYS; last_errno tells the system's reason.
    Status open(uint32_t backend);
    const char *name() const;
    int native_fd() const;  // the epoll descriptor, or -1

    // Registers a descriptor. now: tells the kernel at once, and changes nothing if it refuses; else it is told before
    // the next wait. IOLOOP_EEXIST, IOLOOP_ENOTSUP for what cannot be waited for, IOLOOP_ENOMEM, IOLOOP_ESYS.
    Status add(int fd, uint32_t events, bool now, uint64_t *out_token);
    // Kept back until the next wait, and forgotten if nothing has changed by then. Ignored when not registered.
    void set(int fd, uint32_t events);
    uint32_t interest(int fd) const;
    // Takes effect at once; call it before the descriptor is closed. Events reported but not looked at yet are stale.
    void remove(int fd);
    bool current(uint64_t token) const { return interests_.current(token); }

    // Applies changes, then waits until something is ready or the time is over; 0 also when a signal interrupts.
    // A change that the kernel refused is reported as IOLOOP_ERROR, once, and refusal() tells why.
    // Fails only when the back end is broken.
    Result<size_t> wait(Ready *out, size_t capacity, int64_t timeout_ns);
    // What wait does first; for those who wait for native_fd() instead. Refusals stay for the next wait.
    void apply();
    bool refusals_pending() const { return interests_.failures() != 0; }
    // The errno with which the kernel refused to watch a registered descriptor, else 0.
    int refusal(int fd) const;

    size_t size() const { return interests_.size(); }

    uint64_t changes = 0;  // told to the kernel
    int last_errno = 0;    // of the last failing open or add

private:
    int tell(int fd, Interest &interest);
    int check_pollable(int fd) const;
    Status refuse(int error);
    size_t keep_current(Ready *events, size_t count);

    std::variant<EpollBackend, PollBackend> backend_;
    InterestTable interests_;
    uint32_t fork_generation_ = 0;
};

}  // namespace ioloop
