#include "loop/timeouts.h"

#include "loop/loop.h"

namespace ioloop {

void Timeout::on_timer(int64_t) {
    ++owner->loop_.stats.timeouts_fired;
    --owner->armed_;
    if (call.pull()) {
        owner->loop_.complete(*this, true);
    } else {
        run();
    }
}

void Timeout::run() {
    UserCall<ioloop_callback_fn> taken_call = call.take();
    owner->give(*this);
    taken_call.finish();
}

bool Timeout::report(ioloop_event_t *event) {
    event->type = IOLOOP_EVENT_TIMEOUT;
    event->status = canceled ? IOLOOP_ECANCELED : IOLOOP_OK;
    event->tag = call.tag();
    event->op = token();
    discard();
    return true;
}

void Timeout::discard() {
    UserCall<ioloop_callback_fn> taken_call = call.take();
    owner->give(*this);
    taken_call.drop();
}

Timeouts::~Timeouts() {
    for (uint32_t slot = 0; slot < slots_; ++slot) {
        Timeout &timeout = blocks_[slot / block_size][slot % block_size];
        if (!timeout.taken) continue;
        loop_.timers.cancel(timeout);
        timeout.unlink();
        timeout.discard();
    }
    for (Timeout *block : blocks_) release(block, block_size * sizeof(Timeout));
}

Timeout *Timeouts::take() {
    if (free_.empty()) {
        if (slots_ >= max_slots) return nullptr;
        auto *block = static_cast<Timeout *>(allocate(block_size * sizeof(Timeout)));
        if (!block) throw std::bad_alloc();
        try {
            blocks_.push_back(block);
        } catch (...) {
            release(block, block_size * sizeof(Timeout));
            throw;
        }
        for (uint32_t i = 0; i < block_size; ++i) {
            Timeout *timeout = new (&block[i]) Timeout();
            timeout->owner = this;
            timeout->slot = slots_++;
            free_.push_back(*timeout);
        }
    }
    auto *timeout = static_cast<Timeout *>(free_.pop_front());
    timeout->taken = true;
    return timeout;
}

Timeout *Timeouts::find(uint64_t token) {
    uint64_t slot = token & (max_slots - 1);
    if (slot >= slots_) return nullptr;
    Timeout &timeout = blocks_[slot / block_size][slot % block_size];
    return timeout.armed() && timeout.token() == token ? &timeout : nullptr;
}

void Timeouts::give(Timeout &timeout) {
    timeout.taken = false;
    timeout.canceled = false;
    if (timeout.generation == max_generation) return;
    ++timeout.generation;
    // Last out, first in: a warm slot again, and its generation tells the old token from the new.
    free_.push_front(timeout);
}

Status Timeouts::call_at(uint64_t *out_token, int64_t deadline_ns, UserCall<ioloop_callback_fn> call) {
    Timeout *timeout = nullptr;
    try {
        timeout = take();
    } catch (const std::bad_alloc &) {
        call.drop();
        return IOLOOP_ENOMEM;
    }
    if (!timeout) {
        call.drop();
        return IOLOOP_EFULL;
    }
    if (!loop_.timers.arm(*timeout, deadline_ns)) {
        give(*timeout);
        call.drop();
        return IOLOOP_ENOMEM;
    }
    ++armed_;
    timeout->call = call;
    if (out_token) *out_token = timeout->token();
    loop_.request_turn();
    return IOLOOP_OK;
}

Status Timeouts::update(uint64_t token, int64_t deadline_ns) {
    Timeout *timeout = find(token);
    if (!timeout) return IOLOOP_ENOENT;
    if (!loop_.timers.arm(*timeout, deadline_ns)) {
        cancel(*timeout);
        return IOLOOP_ENOMEM;
    }
    loop_.request_turn();
    return IOLOOP_OK;
}

Status Timeouts::remove(uint64_t token) {
    Timeout *timeout = find(token);
    if (!timeout) return IOLOOP_ENOENT;
    cancel(*timeout);
    return IOLOOP_OK;
}

void Timeouts::cancel(Timeout &timeout) {
    loop_.timers.cancel(timeout);
    --armed_;
    if (timeout.call.pull()) {
        timeout.canceled = true;
        loop_.complete(timeout, true);
    } else {
        timeout.discard();
    }
}

void Timeouts::cancel_all() {
    for (uint32_t slot = 0; slot < slots_; ++slot) {
        Timeout &timeout = blocks_[slot / block_size][slot % block_size];
        if (timeout.taken && timeout.armed()) cancel(timeout);
    }
}

}  // namespace ioloop
