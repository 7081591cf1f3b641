// What goes wrong in the simulated world, and when: errors of system calls and disturbances of everything else.
//
// Two ways to plan: a swarm draws, for each seed, a few kinds and how often each of them strikes; fail_call and
// fail_allocation hit exactly the k-th call, once or from there on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "random.h"

namespace sim {

// Calls through the seam. Those after `faultless` never fail.
enum class Op : uint8_t {
    kind,
    nonblock,
    readable_bytes,
    read,
    write,
    writable_end,
    socket,
    socket_pair,
    bind,
    listen,
    accept,
    connect,
    receive,
    send,
    shutdown,
    take_error,
    local_address,
    peer_address,
    is_listening,
    set_option,
    epoll_open,
    epoll_add,
    epoll_modify,
    epoll_wait,
    poll,
    eventfd,
    timerfd,
    file_identity,
    remove_file,
    set_mode,
    resolve,
    watch_signal,
    faultless,
    close,
    epoll_remove,
    eventfd_signal,
    eventfd_drain,
    timerfd_set,
    unwatch_signal,
    count,
};
const char *op_name(Op op);

// Disturbances that are no error of a call.
enum class Quirk : uint8_t {
    short_receive,      // less than there is
    short_send,         // less than there is room for
    spurious_ready,     // ready, and then nothing there
    mixed_order,        // a batch of events in any order
    small_batch,        // some of the events now, others later
    late_wake,          // a wait ends late
    stall,              // a connection stands still for a while
    reset,              // a connection is broken
    partition,          // nothing arrives anywhere for a while
    clock_jump,         // the clock goes on by a lot at once
    slow_call,          // a call takes long
    no_memory,          // an allocation fails
    few_descriptors,    // the limit is low
    newest_descriptor,  // numbers are given out again at once
    tiny_buffers,       // sockets hold a few bytes
    segments,           // bytes arrive in pieces
    late_refusal,       // connecting is refused after a while
    blackhole,          // connecting is never answered
    self_connect,       // a refused client meets itself
    count,
};

struct ErrorFault {
    Op op;
    int error;
};
// Every error that the model lets a call have.
const std::vector<ErrorFault> &error_faults();
std::vector<int> errors_of(Op op);

// Kinds are numbered: first the error faults, then the quirks.
size_t fault_kinds();
std::string fault_name(size_t kind);
inline size_t kind_of(Quirk quirk) { return error_faults().size() + static_cast<size_t>(quirk); }

class Faults {
public:
    static constexpr uint32_t often = 200'000, sometimes = 50'000, seldom = 10'000, rarely = 1'000;  // per million

    explicit Faults(uint64_t seed);

    // Draws kinds and how often they strike. disabled: kinds left out, for making a failing run simple.
    void swarm(const std::vector<bool> &disabled = {});
    void set(size_t kind, uint32_t per_million);
    uint32_t rate(Quirk quirk) const { return rates_[kind_of(quirk)]; }
    // Nothing goes wrong any more.
    void heal();

    // The k-th call that can fail (from 0) fails with this error; `from_on`: so do all later calls of the same kind.
    // every: all calls of all kinds, each with the first error of its own table.
    enum class Mode : uint8_t { once, from_on, every };
    void fail_call(uint64_t k, int error, Mode mode);
    void fail_allocation(uint64_t k, bool from_on);
    // The calls made so far that could have failed.
    const std::vector<Op> &record() const { return record_; }
    uint64_t allocations() const { return allocations_; }
    void keep_record() { recording_ = true; }

    // The errno that this call fails with, or 0.
    int draw(Op op);
    bool strikes(Quirk quirk);
    bool deny_memory();

    uint64_t injected = 0;  // in this world
    Random random;          // of faults alone: a kind switched off leaves the rest of the run as it was

    // Since the program began, by kind.
    static std::vector<uint64_t> &totals();

private:
    struct Rule {
        int error;
        size_t kind;
    };
    int planned(Op op);
    int hit(int error, size_t kind);
    bool interrupt_allowed(int error);

    std::vector<uint32_t> rates_;  // by kind
    std::vector<Rule> active_[static_cast<size_t>(Op::count)];
    std::vector<Op> record_;
    bool recording_ = false;
    uint64_t calls_ = 0;
    uint64_t allocations_ = 0;
    uint64_t call_at_ = UINT64_MAX;
    uint64_t allocation_at_ = UINT64_MAX;
    int call_error_ = 0;
    Mode mode_ = Mode::once;
    Op call_op_ = Op::count;
    bool memory_from_on_ = false;
    int interrupts_ = 0;
};

}  // namespace sim
