// Which events are wanted for each descriptor, and which of that the kernel has been told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "poll/ready.h"

namespace ioloop {

struct Interest {
    uint32_t generation = 1;  // of the registration; changes at every removal
    uint8_t wanted = 0;       // IOLOOP_READ, IOLOOP_WRITE, IOLOOP_ERROR as the user gave them
    uint8_t applied = 0;      // what the kernel watches, as effective() gives it; 0: not in its set
    uint8_t error = 0;        // errno of a refused deferred change
    bool registered : 1 = false;
    bool dirty : 1 = false;   // in the list of changes
    bool failed : 1 = false;  // the refusal has not been reported yet

    // With anything wanted, errors are reported too.
    uint8_t effective() const { return wanted ? wanted | IOLOOP_ERROR : 0; }
};

class InterestTable {
public:
    // False without memory. Later changes of the descriptor need none.
    bool add(int fd, uint32_t events);
    // The registration ends; its token is stale from now on.
    void remove(int fd);
    void set(int fd, uint32_t events);

    // Null when not registered.
    Interest *find(int fd);
    const Interest *find(int fd) const { return const_cast<InterestTable *>(this)->find(fd); }
    // Whether add would have to grow the table.
    bool beyond(int fd) const { return static_cast<size_t>(fd) >= entries_.size(); }
    uint64_t token(int fd) const { return make_token(fd, entries_[static_cast<size_t>(fd)].generation); }
    bool current(uint64_t token) const;
    size_t size() const { return size_; }

    // Calls f(fd, interest) for every registration whose wanted events are not those applied, and forgets the changes.
    template <class F>
    void drain_changes(F f) {
        for (int fd : changed_) {
            Interest &interest = entries_[static_cast<size_t>(fd)];
            interest.dirty = false;
            if (interest.registered && interest.effective() != interest.applied) f(fd, interest);
        }
        changed_.clear();
    }

    void fail(Interest &interest, int error);
    size_t failures() const { return failures_; }
    // Takes up to capacity refusals to report.
    size_t take_failures(Ready *out, size_t capacity);

private:
    void mark(int fd, Interest &interest);

    std::vector<Interest, Allocator<Interest>> entries_;  // by descriptor
    std::vector<int, Allocator<int>> changed_;            // each at most once; room for all of entries_
    size_t size_ = 0;
    size_t failures_ = 0;
};

}  // namespace ioloop
