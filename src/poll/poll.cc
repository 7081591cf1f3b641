#include "poll/poll.h"

#include "os/descriptor.h"
#include "os/error.h"

namespace ioloop {

uint32_t PollBackend::place(int fd) const {
    size_t slot = static_cast<size_t>(fd);
    return slot < index_.size() ? index_[slot] : absent_;
}

Result<Nothing> PollBackend::add(int fd, uint32_t events, uint64_t token) {
    // poll takes anything and calls a regular file always ready. Refused here, so that all back ends agree.
    Result<os::FdKind> kind = os::kind(fd);
    if (!kind.ok()) return Result<Nothing>::failure(kind.error);
    if (kind.value == os::FdKind::unusable) return Result<Nothing>::failure(os::cannot_poll);
    if (place(fd) != absent_) return modify(fd, events, token);
    try {
        size_t slot = static_cast<size_t>(fd);
        if (slot >= index_.size()) index_.resize(slot + 1, absent_);
        entries_.push_back({fd, static_cast<short>(system_bits(events)), 0});
        tokens_.push_back(token);
        index_[slot] = static_cast<uint32_t>(entries_.size() - 1);
    } catch (const std::bad_alloc &) {
        if (entries_.size() > tokens_.size()) entries_.pop_back();
        return Result<Nothing>::failure(os::out_of_memory);
    }
    return {};
}

Result<Nothing> PollBackend::modify(int fd, uint32_t events, uint64_t token) {
    uint32_t at = place(fd);
    if (at == absent_) return add(fd, events, token);
    entries_[at].events = static_cast<short>(system_bits(events));
    tokens_[at] = token;
    return {};
}

Result<Nothing> PollBackend::remove(int fd) {
    uint32_t at = place(fd);
    if (at == absent_) return {};
    entries_[at] = entries_.back();
    tokens_[at] = tokens_.back();
    index_[static_cast<size_t>(entries_[at].fd)] = at;
    index_[static_cast<size_t>(fd)] = absent_;
    entries_.pop_back();
    tokens_.pop_back();
    return {};
}

Result<size_t> PollBackend::wait(Ready *out, size_t capacity, int64_t timeout_ns) {
    Result<int> result = os::poll(entries_.data(), entries_.size(), timeout_ns);
    if (!result.ok()) return {0, result.error};
    return {collect(out, capacity, static_cast<size_t>(result.value)), 0};
}

size_t PollBackend::collect(Ready *out, size_t capacity, size_t found) {
    size_t filled = 0;
    if (scan_from_ >= entries_.size()) scan_from_ = 0;
    for (size_t seen = 0; seen < entries_.size() && found != 0 && filled < capacity; ++seen) {
        size_t at = scan_from_;
        scan_from_ = at + 1 < entries_.size() ? at + 1 : 0;
        uint32_t bits = static_cast<uint16_t>(entries_[at].ready);
        if (bits == 0) continue;
        --found;
        out[filled++] = {tokens_[at], ready_events(bits) | (bits & os::ready_nval ? ready_dropped : 0)};
    }
    // Only now, because a removal moves entries. A closed descriptor would be reported for ever.
    for (size_t i = 0; i < filled; ++i) {
        if (out[i].events & ready_dropped) remove(token_fd(out[i].token));
    }
    return filled;
}

}  // namespace ioloop
