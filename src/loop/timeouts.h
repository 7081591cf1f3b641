// The timeouts of users: tokens of slot and generation over the loop's timer set.
#pragma once

#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "ioloop/loop.h"
#include "loop/completion.h"
#include "loop/objects.h"

namespace ioloop {

class Loop;
class Timeouts;

class Timeout final : public TimerTarget, public Completion {
public:
    Timeouts *owner = nullptr;
    UserCall<ioloop_callback_fn> call;
    uint32_t slot = 0;
    uint32_t generation = 1;  // 29 bits; a slot whose generations are used up is never given out again
    bool taken = false;
    bool canceled = false;

    uint64_t token() const { return uint64_t{generation} << 24 | slot; }
    void on_timer(int64_t now_ns) override;
    void run() override;
    bool report(ioloop_event_t *event) override;
    void discard() override;
};

class Timeouts {
public:
    explicit Timeouts(Loop &loop) : loop_(loop) {}
    Timeouts(const Timeouts &) = delete;
    Timeouts &operator=(const Timeouts &) = delete;
    ~Timeouts();

    // Drops the call's ctx on failure.
    Status call_at(uint64_t *out_token, int64_t deadline_ns, UserCall<ioloop_callback_fn> call);
    Status update(uint64_t token, int64_t deadline_ns);
    Status remove(uint64_t token);
    // Cancels all: functions are dropped, tags get their last event.
    void cancel_all();
    uint64_t armed() const { return armed_; }

private:
    friend class Timeout;
    static constexpr uint32_t block_size = 256;
    static constexpr uint32_t max_slots = 1u << 24;
    static constexpr uint32_t max_generation = (1u << 29) - 1;

    Timeout *take();
    Timeout *find(uint64_t token);
    void give(Timeout &timeout);
    void cancel(Timeout &timeout);

    Loop &loop_;
    std::vector<Timeout *, Allocator<Timeout *>> blocks_;
    CompletionList free_;
    uint32_t slots_ = 0;
    uint64_t armed_ = 0;
};

}  // namespace ioloop
