// Handlers of users: a descriptor, the events wanted, a function.
#pragma once

#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "ioloop/loop.h"
#include "loop/completion.h"
#include "loop/objects.h"

namespace ioloop {

class Handlers;
class Loop;

class Handler final : public Watcher, public Completion {
public:
    Handler(Loop &loop, int fd, uint32_t events, UserCall<ioloop_handler_fn> given)
        : call(given), loop_(loop), fd_(fd), wanted_(events) {}

    UserCall<ioloop_handler_fn> call;

    int fd() const { return fd_; }
    void want(uint32_t events);
    // Out of the table: goes at once, or when its function returns.
    void remove();

    void on_ready(uint32_t events) override;
    void run() override {}
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    Loop &loop_;
    int fd_;
    uint32_t wanted_;
    uint32_t undelivered_ = 0;  // ready bits waiting in the pull queue
    bool suppressed_ = false;   // ready again while undelivered: not watched until delivery
    bool running_ = false;
    bool removed_ = false;
};

class Handlers {
public:
    explicit Handlers(Loop &loop) : loop_(loop) {}
    Handlers(const Handlers &) = delete;
    Handlers &operator=(const Handlers &) = delete;
    ~Handlers() { remove_all(false); }

    // Drops the call's ctx on failure.
    Status add(int fd, uint32_t events, UserCall<ioloop_handler_fn> call);
    Status update(int fd, uint32_t events);
    Status remove(int fd);
    void remove_all(bool close_descriptors);

private:
    Handler **find(int fd);
    bool make_room(int fd);

    Loop &loop_;
    std::vector<Handler *, Allocator<Handler *>> by_fd_;
};

}  // namespace ioloop
