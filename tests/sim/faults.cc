#include "faults.h"

#include <netdb.h>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace sim {

namespace {

const char *const op_names[] = {
    "kind",          "nonblock",      "readable_bytes",
    "read",          "write",         "writable_end",
    "socket",        "socket_pair",   "bind",
    "listen",        "accept",        "connect",
    "receive",       "send",          "shutdown",
    "take_error",    "local_address", "peer_address",
    "is_listening",  "set_option",    "epoll_open",
    "epoll_add",     "epoll_modify",  "epoll_wait",
    "poll",          "eventfd",       "timerfd",
    "file_identity", "remove_file",   "set_mode",
    "resolve",       "watch_signal",  "",
    "close",         "epoll_remove",  "eventfd_signal",
    "eventfd_drain", "timerfd_set",   "unwatch_signal",
};
static_assert(std::size(op_names) == static_cast<size_t>(Op::count));

const char *const quirk_names[] = {
    "short_receive", "short_send",   "spurious_ready",  "mixed_order",       "small_batch",
    "late_wake",     "stall",        "reset",           "partition",         "clock_jump",
    "slow_call",     "no_memory",    "few_descriptors", "newest_descriptor", "tiny_buffers",
    "segments",      "late_refusal", "blackhole",       "self_connect",
};
static_assert(std::size(quirk_names) == static_cast<size_t>(Quirk::count));

struct Row {
    Op op;
    std::vector<int> errors;
};

// What each call may answer, beside success. Errors that only a defect of the caller could cause (EBADF) are missing.
const std::vector<Row> &table() {
    static const std::vector<Row> rows = {
        {Op::kind, {ENOMEM, EIO, EOVERFLOW, EACCES}},
        {Op::nonblock, {EPERM, EINVAL, EAGAIN, EACCES}},
        {Op::readable_bytes, {EINVAL, ENOTTY, EIO, ENOMEM}},
        {Op::read, {EINTR, EAGAIN, EIO, ENOMEM}},
        {Op::write, {EINTR, EAGAIN, EPIPE, ENOMEM, EIO}},
        {Op::writable_end, {EINVAL, EPERM, EACCES, ENOMEM}},
        {Op::socket, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}},
        {Op::socket_pair, {EMFILE, ENFILE, ENOMEM, EOPNOTSUPP}},
        {Op::bind, {EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOMEM}},
        {Op::listen, {EADDRINUSE, EACCES, ENOMEM, EOPNOTSUPP}},
        {Op::accept,
         {EINTR, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH,
          EOPNOTSUPP}},
        {Op::connect, {EINTR, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EACCES, EAGAIN, ETIMEDOUT, ENOBUFS}},
        {Op::receive, {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM, ENETDOWN}},
        {Op::send, {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH}},
        {Op::shutdown, {ENOTCONN, ENOBUFS, ENOMEM, ECONNRESET}},
        {Op::take_error, {ENOBUFS, ENOMEM, EINVAL, EIO}},
        {Op::local_address, {ENOBUFS, ENOMEM, EINVAL, ENOTCONN}},
        {Op::peer_address, {ENOBUFS, ENOMEM, EINVAL, ENOTCONN}},
        {Op::is_listening, {ENOMEM, EINVAL, ENOPROTOOPT, EPERM}},
        {Op::set_option, {EINVAL, ENOMEM, ENOPROTOOPT, EPERM}},
        {Op::epoll_open, {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM}},
        {Op::epoll_add, {ENOMEM, ENOSPC, EPERM, ELOOP}},
        {Op::epoll_modify, {ENOMEM, ENOSPC, EPERM, EINVAL}},
        {Op::epoll_wait, {EINTR, EINVAL, ENOMEM, EFAULT}},
        {Op::poll, {EINTR, EINVAL, ENOMEM, EAGAIN}},
        {Op::eventfd, {EMFILE, ENFILE, ENOMEM, ENODEV}},
        {Op::timerfd, {EMFILE, ENFILE, ENOMEM, ENODEV}},
        {Op::file_identity, {EACCES, ENOMEM, ELOOP, EIO}},
        {Op::remove_file, {EACCES, EROFS, EBUSY, EPERM}},
        {Op::set_mode, {EPERM, EROFS, EACCES, EIO}},
        {Op::resolve, {EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME}},
        {Op::watch_signal, {ENFILE, EINVAL, ENOMEM, EPERM}},
    };
    return rows;
}

}  // namespace

const char *op_name(Op op) { return op_names[static_cast<size_t>(op)]; }

const std::vector<ErrorFault> &error_faults() {
    static const std::vector<ErrorFault> faults = [] {
        std::vector<ErrorFault> all;
        for (const Row &row : table()) {
            for (int error : row.errors) all.push_back({row.op, error});
        }
        return all;
    }();
    return faults;
}

std::vector<int> errors_of(Op op) {
    for (const Row &row : table()) {
        if (row.op == op) return row.errors;
    }
    return {};
}

size_t fault_kinds() { return error_faults().size() + static_cast<size_t>(Quirk::count); }

std::string fault_name(size_t kind) {
    if (kind >= error_faults().size()) return quirk_names[kind - error_faults().size()];
    const ErrorFault &fault = error_faults()[kind];
    const char *name = fault.op == Op::resolve ? nullptr : strerrorname_np(fault.error);
    return std::string(op_name(fault.op)) + ":" + (name ? name : std::to_string(fault.error));
}

std::vector<uint64_t> &Faults::totals() {
    thread_local std::vector<uint64_t> totals(fault_kinds());
    return totals;
}

Faults::Faults(uint64_t seed) : random(seed ^ 0xfa017), rates_(fault_kinds()) {}

void Faults::set(size_t kind, uint32_t per_million) {
    rates_[kind] = per_million;
    if (kind >= error_faults().size()) return;
    const ErrorFault &fault = error_faults()[kind];
    auto &rules = active_[static_cast<size_t>(fault.op)];
    std::erase_if(rules, [kind](const Rule &rule) { return rule.kind == kind; });
    if (per_million != 0) rules.push_back({fault.error, kind});
}

// Many runs with few kinds find more than all kinds in every run: how many there are is drawn first.
void Faults::swarm(const std::vector<bool> &disabled) {
    static constexpr uint32_t rates[] = {often, sometimes, seldom, rarely};
    const uint64_t share = 1 + random.below(4);  // of 16 kinds
    for (size_t kind = 0; kind < fault_kinds(); ++kind) {
        const bool drawn = random.below(16) < share;
        uint32_t rate = rates[random.below(4)];
        if (!drawn || (kind < disabled.size() && disabled[kind])) continue;
        // What ends a whole loop, or a connection, leaves little to be seen when it comes often.
        if (kind < error_faults().size()) {
            const Op op = error_faults()[kind].op;
            if ((op == Op::epoll_wait || op == Op::poll) && rate > seldom) rate = seldom;
        }
        set(kind, rate);
    }
}

void Faults::heal() {
    for (size_t kind = 0; kind < fault_kinds(); ++kind) set(kind, 0);
    call_at_ = allocation_at_ = UINT64_MAX;
}

void Faults::fail_call(uint64_t k, int error, Mode mode) {
    call_at_ = k;
    call_error_ = error;
    mode_ = mode;
}

void Faults::fail_allocation(uint64_t k, bool from_on) {
    allocation_at_ = k;
    memory_from_on_ = from_on;
}

// A signal that interrupted every single call from now on would not be survivable by anybody: three in a row at most.
bool Faults::interrupt_allowed(int error) {
    if (error != EINTR) {
        interrupts_ = 0;
        return true;
    }
    if (++interrupts_ <= 3) return true;
    interrupts_ = 0;
    return false;
}

int Faults::planned(Op op) {
    const uint64_t index = calls_++;
    if (recording_) record_.push_back(op);
    if (index < call_at_) return 0;
    if (index == call_at_) {
        call_op_ = op;
        return call_error_;
    }
    if (mode_ == Mode::once) return 0;
    if (mode_ == Mode::from_on) return op == call_op_ ? call_error_ : 0;
    for (const Row &row : table()) {
        if (row.op == op) return row.errors.front();
    }
    return 0;
}

int Faults::hit(int error, size_t kind) {
    ++injected;
    ++totals()[kind];
    return error;
}

int Faults::draw(Op op) {
    if (op >= Op::faultless) return 0;
    if (int error = planned(op); error != 0) {
        if (!interrupt_allowed(error)) return 0;
        ++injected;
        return error;
    }
    for (const Rule &rule : active_[static_cast<size_t>(op)]) {
        if (random.chance(rates_[rule.kind]) && interrupt_allowed(rule.error)) return hit(rule.error, rule.kind);
    }
    return 0;
}

bool Faults::strikes(Quirk quirk) {
    const size_t kind = kind_of(quirk);
    if (rates_[kind] == 0 || !random.chance(rates_[kind])) return false;
    hit(0, kind);
    return true;
}

bool Faults::deny_memory() {
    const uint64_t index = allocations_++;
    if (index == allocation_at_ || (memory_from_on_ && index > allocation_at_)) {
        ++injected;
        return true;
    }
    return strikes(Quirk::no_memory);
}

}  // namespace sim
