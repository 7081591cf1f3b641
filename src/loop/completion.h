// Results on their way to the user: to a function, or to the pull queue when the function is null.
#pragma once

#include <utility>

#include "base/list.h"
#include "ioloop/event.h"

namespace ioloop {

// What a user gives with an operation. free_ctx runs exactly once, by drop() or by the end of a Finish guard.
template <class Fn>
struct UserCall {
    Fn fn = nullptr;
    void *ctx = nullptr;
    ioloop_free_fn free_ctx = nullptr;

    bool pull() const { return fn == nullptr; }
    // Neither a function nor a tag: the user does not want to hear of the end.
    bool silent() const { return fn == nullptr && ctx == nullptr; }
    uint64_t tag() const { return reinterpret_cast<uintptr_t>(ctx); }

    UserCall take() { return std::exchange(*this, UserCall{}); }
    void drop() {
        UserCall call = take();
        if (call.free_ctx) call.free_ctx(call.ctx);
    }
    // Calls fn for the last time, then free_ctx.
    template <class... Args>
    void finish(Args... args) {
        UserCall call = take();
        if (call.fn) call.fn(call.ctx, args...);
        if (call.free_ctx) call.free_ctx(call.ctx);
    }
};

struct CompletionTag;

// One result, queued at most once. Embedded in the operation, so queueing cannot fail.
class Completion : public ListNode<CompletionTag> {
public:
    // Calls the user's function. The object may be gone when it returns.
    virtual void run() = 0;
    // Fills one record of the pull queue (zeroed before). False: nothing to report after all, take the next. The
    // object may be gone when it returns.
    virtual bool report(ioloop_event_t *event) = 0;
    // The loop is freed, or the owner: releases what the user gave, without calling fn.
    virtual void discard() = 0;

protected:
    ~Completion() = default;
};

using CompletionList = List<Completion, CompletionTag>;

}  // namespace ioloop
