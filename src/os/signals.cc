// The process-wide half of signals: one handler function, a table of hubs, and who watches what.
//
// The handler may run on any thread at any moment, also while a hub is being released elsewhere. It announces itself
// in the hub (visitors) before it looks a second time whether the hub still watches; unwatch clears the watch first
// and then waits until no visitor is left. After that nobody touches the hub's wake descriptor any more.
#include "os/signals.h"

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <utility>

#include "os/process.h"
#include "os/readiness.h"

namespace ioloop::os {
namespace {

struct Hub {
    std::atomic<bool> taken{false};
    std::atomic<int> wake_fd{-1};
    std::atomic<uint32_t> generation{0};  // of the process that took it: a forked child must not wake its parent
    std::atomic<uint32_t> visitors{0};
    std::atomic<uint64_t> pending{0};  // a bit for each signal with a count
    std::atomic<uint64_t> counts[signal_limit];
};

// What the process does with one signal. Atomics are read by the handler, the rest is kept under the table's lock.
struct Action {
    std::atomic<uint64_t> watchers{0};  // a bit for each hub
    std::atomic<void (*)(int)> previous_plain{nullptr};
    std::atomic<void (*)(int, siginfo_t *, void *)> previous_full{nullptr};
    struct sigaction previous = {};
    // The function that covered our handler when the last watch ended, so that it could not leave the chain.
    uintptr_t covered_by = 0;
};

static_assert(signal_hub_limit <= 64 && signal_limit <= 65, "one word of bits each");
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<void (*)(int)>::is_always_lock_free);

constinit Hub hubs[signal_hub_limit];
constinit Action actions[signal_limit];

constexpr uint64_t bit(int index) { return uint64_t{1} << index; }

// Guards the tables. Held by a thread that a fork left behind in the parent, it is free in the child.
class TableLock {
public:
    TableLock() {
        const uint64_t mine = uint64_t{fork_generation()} << 1 | 1;
        uint64_t seen = 0;
        while (!word_.compare_exchange_weak(seen, mine, std::memory_order_acquire)) {
            if (seen != 0 && seen != mine) continue;  // of another process: take it over
            if (seen == mine) yield_thread();
            seen = 0;
        }
    }
    TableLock(const TableLock &) = delete;
    TableLock &operator=(const TableLock &) = delete;
    ~TableLock() { word_.store(0, std::memory_order_release); }

private:
    static constinit inline std::atomic<uint64_t> word_{0};
};

void count(Hub &hub, int index, int signum) {
    if (hub.generation.load(std::memory_order_relaxed) != fork_generation()) return;
    hub.visitors.fetch_add(1);
    if (actions[signum].watchers.load() & bit(index)) {
        hub.counts[signum].fetch_add(1);
        hub.pending.fetch_or(bit(signum - 1));
        eventfd_signal(hub.wake_fd.load());
    }
    hub.visitors.fetch_sub(1);
}

void on_signal(int signum, siginfo_t *info, void *context) {
    const int saved = errno;
    Action &action = actions[signum];
    uint64_t watchers = action.watchers.load();
    for (int index = 0; watchers != 0; ++index, watchers >>= 1) {
        if (watchers & 1) count(hubs[index], index, signum);
    }
    if (auto full = action.previous_full.load()) {
        full(signum, info, context);
    } else if (auto plain = action.previous_plain.load()) {
        plain(signum);
    }
    errno = saved;
}

// The address of an action's function, whichever of the two types it has.
uintptr_t function_of(const struct sigaction &action) {
    if (action.sa_flags & SA_SIGINFO) return reinterpret_cast<uintptr_t>(action.sa_sigaction);
    return reinterpret_cast<uintptr_t>(action.sa_handler);
}

bool is_ours(const struct sigaction &action) {
    return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == on_signal;
}

bool is_function(const struct sigaction &action) {
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

void publish_previous(Action &action, const struct sigaction &previous) {
    action.previous = previous;
    bool full = is_function(previous) && (previous.sa_flags & SA_SIGINFO);
    bool plain = is_function(previous) && !full;
    action.previous_full.store(full ? previous.sa_sigaction : nullptr);
    action.previous_plain.store(plain ? previous.sa_handler : nullptr);
}

int install(int signum) {
    Action &action = actions[signum];
    struct sigaction current {};
    if (sigaction(signum, nullptr, &current) != 0) return errno;
    // Still in the chain: on top of it, or below the handler that was put over ours and calls it.
    uintptr_t covered_by = std::exchange(action.covered_by, 0);
    if (is_ours(current) || (covered_by != 0 && function_of(current) == covered_by)) return 0;
    // Known to the handler before the handler can run.
    publish_previous(action, current);
    struct sigaction ours {};
    ours.sa_sigaction = on_signal;
    ours.sa_mask = current.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (current.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
    // A host that has a handler has chosen whether its calls are restarted; others never asked to be interrupted.
    ours.sa_flags |= is_function(current) ? current.sa_flags & SA_RESTART : SA_RESTART;
    return sigaction(signum, &ours, nullptr) == 0 ? 0 : errno;
}

void uninstall(int signum) {
    Action &action = actions[signum];
    struct sigaction current {};
    if (sigaction(signum, nullptr, &current) != 0) return;
    action.covered_by = !is_ours(current) && is_function(current) ? function_of(current) : 0;
    if (is_ours(current)) sigaction(signum, &action.previous, nullptr);
}

// A fault comes back as soon as a handler returns, so counting it would only repeat it for ever.
bool watchable(int signum) {
    return signum > 0 && signum < signal_limit && signum != SIGSEGV && signum != SIGBUS && signum != SIGFPE &&
           signum != SIGILL;
}

int take_hub() {
    for (int index = 0; index < signal_hub_limit; ++index) {
        Hub &hub = hubs[index];
        if (hub.taken.load(std::memory_order_relaxed)) continue;
        hub.taken.store(true, std::memory_order_relaxed);
        // Visitors of the parent process never leave; those of this one wait for the generation.
        if (hub.generation.load() != fork_generation()) hub.visitors.store(0);
        hub.pending.store(0);
        hub.generation.store(fork_generation());
        return index;
    }
    return -1;
}

void wait_for_visitors(Hub &hub) {
    if (hub.generation.load() != fork_generation()) return;
    while (hub.visitors.load() != 0) yield_thread();
}

}  // namespace

SignalHub::~SignalHub() {
    for (int signum = 1; signum < signal_limit; ++signum) {
        if (watched_ & bit(signum - 1)) unwatch(signum);
    }
}

Result<Nothing> SignalHub::watch(int signum, int wake_fd) {
    if (!watchable(signum)) return Result<Nothing>::failure(EINVAL);
    if (watched_ & bit(signum - 1)) return Result<Nothing>::failure(EEXIST);
    TableLock lock;
    int slot = slot_ >= 0 ? slot_ : take_hub();
    if (slot < 0) return Result<Nothing>::failure(ENFILE);
    int error = actions[signum].watchers.load() == 0 ? install(signum) : 0;
    if (error != 0) {
        if (slot_ < 0) hubs[slot].taken.store(false, std::memory_order_relaxed);
        return Result<Nothing>::failure(error);
    }
    slot_ = slot;
    watched_ |= bit(signum - 1);
    hubs[slot].counts[signum].store(0);
    hubs[slot].wake_fd.store(wake_fd);
    actions[signum].watchers.fetch_or(bit(slot));
    return {};
}

Result<Nothing> SignalHub::unwatch(int signum) {
    if (signum <= 0 || signum >= signal_limit || !(watched_ & bit(signum - 1))) return Result<Nothing>::failure(ENOENT);
    Hub &hub = hubs[slot_];
    TableLock lock;
    watched_ &= ~bit(signum - 1);
    actions[signum].watchers.fetch_and(~bit(slot_));
    if (actions[signum].watchers.load() == 0) uninstall(signum);
    wait_for_visitors(hub);
    hub.pending.fetch_and(~bit(signum - 1));
    if (watched_ == 0) {
        hub.taken.store(false, std::memory_order_relaxed);
        slot_ = -1;
    }
    return {};
}

uint64_t SignalHub::take(int signum) {
    if (signum <= 0 || signum >= signal_limit || !(watched_ & bit(signum - 1))) return 0;
    Hub &hub = hubs[slot_];
    // In this order: what arrives in between is announced again.
    hub.pending.fetch_and(~bit(signum - 1));
    return hub.counts[signum].exchange(0);
}

bool SignalHub::any_pending() const { return slot_ >= 0 && hubs[slot_].pending.load() != 0; }

}  // namespace ioloop::os
