#include "poll/interest.h"

#include <algorithm>

namespace ioloop {
namespace {

constexpr uint32_t known_events = IOLOOP_READ | IOLOOP_WRITE | IOLOOP_ERROR;

}  // namespace

bool InterestTable::add(int fd, uint32_t events) {
    if (beyond(fd)) {
        try {
            size_t size = std::max({static_cast<size_t>(fd) + 1, entries_.size() * 2, size_t{32}});
            changed_.reserve(size);
            entries_.resize(size);
        } catch (const std::bad_alloc &) {
            return false;
        }
    }
    entries_[static_cast<size_t>(fd)].registered = true;
    ++size_;
    set(fd, events);
    return true;
}

void InterestTable::remove(int fd) {
    Interest *interest = find(fd);
    if (!interest) return;
    if (interest->failed) --failures_;
    // The place in the list of changes stays, if there is one: the next owner of the number shares it.
    bool dirty = interest->dirty;
    uint32_t generation = interest->generation + 1;
    *interest = Interest{};
    interest->generation = generation == 0 ? 1 : generation;
    interest->dirty = dirty;
    --size_;
}

void InterestTable::set(int fd, uint32_t events) {
    Interest *interest = find(fd);
    uint8_t wanted = static_cast<uint8_t>(events & known_events);
    // Asking again for what was refused does not try again.
    if (!interest || interest->wanted == wanted) return;
    interest->wanted = wanted;
    if (!interest->dirty && interest->effective() != interest->applied) mark(fd, *interest);
}

Interest *InterestTable::find(int fd) {
    size_t slot = static_cast<size_t>(fd);
    return slot < entries_.size() && entries_[slot].registered ? &entries_[slot] : nullptr;
}

bool InterestTable::current(uint64_t token) const {
    const Interest *interest = find(token_fd(token));
    return interest && interest->generation == token >> 32;
}

void InterestTable::fail(Interest &interest, int error) {
    interest.applied = 0;
    interest.error = static_cast<uint8_t>(std::clamp(error, 1, 255));
    if (!interest.failed) ++failures_;
    interest.failed = true;
}

size_t InterestTable::take_failures(Ready *out, size_t capacity) {
    size_t filled = 0;
    for (size_t slot = 0; slot < entries_.size() && failures_ != 0 && filled < capacity; ++slot) {
        Interest &interest = entries_[slot];
        if (!interest.failed) continue;
        interest.failed = false;
        --failures_;
        out[filled++] = {token(static_cast<int>(slot)), IOLOOP_ERROR};
    }
    return filled;
}

void InterestTable::mark(int fd, Interest &interest) {
    interest.dirty = true;
    changed_.push_back(fd);
}

}  // namespace ioloop
