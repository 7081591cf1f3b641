// Callbacks given to the loop from other threads and from signal handlers, and the protocol that wakes it.
//
// Producers push onto a lock-free stack that the loop takes whole and reverses: FIFO for every producer. A producer
// writes to the wake descriptor only if the loop has declared itself asleep, so posts to a busy loop cost no system
// call. The loop declares itself asleep before it looks into the inbox for the last time; a producer pushes before
// it looks at that declaration: one of the two always sees the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "ioloop/loop.h"
#include "loop/completion.h"

namespace ioloop {

// A queued callback. Nodes are allocated, except the fixed ones for signal handlers.
class PostedCall final : public Completion {
public:
    UserCall<ioloop_callback_fn> call;
    PostedCall *below = nullptr;              // in the inbox's stack
    std::atomic<uint8_t> *signal_slot = nullptr;  // of a fixed node: 0 frees it

    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    void recycle();
};

class Inbox {
public:
    Inbox() = default;
    Inbox(const Inbox &) = delete;
    Inbox &operator=(const Inbox &) = delete;
    ~Inbox();

    Status open(int wake_fd, uint32_t max_posted);

    // [any] Drops the call's ctx on failure.
    Status post(UserCall<ioloop_callback_fn> call);
    // [signal]
    Status post_from_signal(ioloop_callback_fn fn, void *ctx);
    // [any] [signal] Makes the loop start its next turn.
    Status wake();
    // [any] [signal] Lets a flag set before become known to the loop.
    void notify();

    // The loop's side.
    size_t take(CompletionList &calls, CompletionList &events);  // moves everything posted, oldest first
    bool prepare_sleep();  // declares the loop asleep; false when something came meanwhile
    void awake() { asleep_.store(false, std::memory_order_relaxed); }
    bool take_wake() { return woken_.load(std::memory_order_relaxed) && woken_.exchange(false); }
    bool empty() const { return stack_.load(std::memory_order_relaxed) == nullptr; }
    void refuse() { gate_.fetch_or(closed_bit); }  // further posts fail
    // Waits for posts in progress on other threads; further ones fail.
    void close();
    // In a forked child, where the threads inside do not exist.
    void abandon() { gate_.store(closed_bit); }

private:
    static constexpr uint32_t closed_bit = 0x80000000u;
    static constexpr size_t signal_nodes = 256;

    bool enter();  // counts a producer in; false when closed
    void leave();
    void push(PostedCall *node);

    std::atomic<PostedCall *> stack_{nullptr};
    std::atomic<uint32_t> gate_{closed_bit};  // producers inside, and whether the inbox is closed
    std::atomic<uint32_t> count_{0};
    std::atomic<bool> asleep_{false};
    std::atomic<bool> woken_{false};
    int wake_fd_ = -1;
    uint32_t max_posted_ = 0;
    std::atomic<uint32_t> next_signal_{0};
    PostedCall *signal_calls_ = nullptr;
    std::atomic<uint8_t> *signal_used_ = nullptr;
};

}  // namespace ioloop
