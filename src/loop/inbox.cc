#include "loop/inbox.h"

#include "base/memory.h"
#include "os/process.h"
#include "os/readiness.h"

namespace ioloop {

void PostedCall::recycle() {
    if (signal_slot) {
        signal_slot->store(0, std::memory_order_release);
    } else {
        destroy(this);
    }
}

void PostedCall::run() {
    UserCall<ioloop_callback_fn> taken = call.take();
    recycle();
    taken.finish();
}

bool PostedCall::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_CALLBACK;
    event->tag = call.tag();
    discard();
    return true;
}

void PostedCall::discard() {
    UserCall<ioloop_callback_fn> taken = call.take();
    recycle();
    taken.drop();
}

Status Inbox::open(int wake_fd, uint32_t max_posted) {
    void *calls = allocate(signal_nodes * sizeof(PostedCall));
    void *used = allocate(signal_nodes * sizeof(std::atomic<uint8_t>));
    if (!calls || !used) {
        if (calls) release(calls, signal_nodes * sizeof(PostedCall));
        if (used) release(used, signal_nodes * sizeof(std::atomic<uint8_t>));
        return IOLOOP_ENOMEM;
    }
    signal_calls_ = static_cast<PostedCall *>(calls);
    signal_used_ = static_cast<std::atomic<uint8_t> *>(used);
    for (size_t i = 0; i < signal_nodes; ++i) {
        new (&signal_used_[i]) std::atomic<uint8_t>(0);
        new (&signal_calls_[i]) PostedCall();
        signal_calls_[i].signal_slot = &signal_used_[i];
    }
    wake_fd_ = wake_fd;
    max_posted_ = max_posted;
    gate_.store(0);
    return IOLOOP_OK;
}

Inbox::~Inbox() {
    close();
    CompletionList left;
    take(left, left);
    while (Completion *item = left.pop_front()) item->discard();
    if (signal_calls_) release(signal_calls_, signal_nodes * sizeof(PostedCall));
    if (signal_used_) release(signal_used_, signal_nodes * sizeof(std::atomic<uint8_t>));
}

bool Inbox::enter() {
    if (gate_.fetch_add(1, std::memory_order_acquire) & closed_bit) {
        leave();
        return false;
    }
    return true;
}

void Inbox::leave() { gate_.fetch_sub(1, std::memory_order_release); }

void Inbox::close() {
    gate_.fetch_or(closed_bit);
    while (gate_.load(std::memory_order_acquire) != closed_bit) os::yield_thread();
}

void Inbox::push(PostedCall *node) {
    PostedCall *top = stack_.load(std::memory_order_relaxed);
    do {
        node->below = top;
    } while (!stack_.compare_exchange_weak(top, node));
    notify();
}

void Inbox::notify() {
    // The exchange lets only the first of many producers pay for the system call.
    if (asleep_.load() && asleep_.exchange(false)) os::eventfd_signal(wake_fd_);
}

Status Inbox::post(UserCall<ioloop_callback_fn> call) {
    if (!enter()) {
        call.drop();
        return IOLOOP_ECLOSED;
    }
    Status status = IOLOOP_OK;
    if (count_.fetch_add(1, std::memory_order_relaxed) >= max_posted_) {
        status = IOLOOP_EFULL;
    } else if (PostedCall *node = make<PostedCall>()) {
        node->call = call;
        push(node);
    } else {
        status = IOLOOP_ENOMEM;
    }
    if (status != IOLOOP_OK) count_.fetch_sub(1, std::memory_order_relaxed);
    leave();
    if (status != IOLOOP_OK) call.drop();
    return status;
}

Status Inbox::post_from_signal(ioloop_callback_fn fn, void *ctx) {
    if (!enter()) return IOLOOP_ECLOSED;
    Status status = IOLOOP_EFULL;
    uint32_t start = next_signal_.fetch_add(1, std::memory_order_relaxed);
    for (size_t i = 0; i < signal_nodes; ++i) {
        size_t slot = (start + i) % signal_nodes;
        uint8_t unused = 0;
        if (!signal_used_[slot].compare_exchange_strong(unused, 1, std::memory_order_acquire)) continue;
        signal_calls_[slot].call = {fn, ctx, nullptr};
        count_.fetch_add(1, std::memory_order_relaxed);
        push(&signal_calls_[slot]);
        status = IOLOOP_OK;
        break;
    }
    leave();
    return status;
}

Status Inbox::wake() {
    if (!enter()) return IOLOOP_ECLOSED;
    woken_.store(true);
    notify();
    leave();
    return IOLOOP_OK;
}

size_t Inbox::take(CompletionList &calls, CompletionList &events) {
    PostedCall *top = stack_.exchange(nullptr, std::memory_order_acquire);
    PostedCall *oldest = nullptr;
    size_t taken = 0;
    for (; top; ++taken) {
        PostedCall *below = top->below;
        top->below = oldest;
        oldest = top;
        top = below;
    }
    for (; oldest; oldest = oldest->below) (oldest->call.pull() ? events : calls).push_back(*oldest);
    count_.fetch_sub(static_cast<uint32_t>(taken), std::memory_order_relaxed);
    return taken;
}

bool Inbox::prepare_sleep() {
    asleep_.store(true);
    if (stack_.load() == nullptr && !woken_.load()) return true;
    awake();
    return false;
}

}  // namespace ioloop
