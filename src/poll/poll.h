// The poll back end, for systems and sandboxes without epoll: the set is an array here, handed over at every wait.
#pragma once

#include <vector>

#include "base/memory.h"
#include "poll/ready.h"

namespace ioloop {

class PollBackend {
public:
    static constexpr const char *name = "poll";

    Result<Nothing> open() { return {}; }
    Result<Nothing> add(int fd, uint32_t events, uint64_t token);
    Result<Nothing> modify(int fd, uint32_t events, uint64_t token);
    Result<Nothing> remove(int fd);
    Result<size_t> wait(Ready *out, size_t capacity, int64_t timeout_ns);
    int native_fd() const { return -1; }

private:
    static constexpr uint32_t absent_ = UINT32_MAX;

    uint32_t place(int fd) const;
    size_t collect(Ready *out, size_t capacity, size_t found);

    // The set, without gaps, and beside it the tokens; index_ finds a descriptor's place.
    std::vector<os::PollEntry, Allocator<os::PollEntry>> entries_;
    std::vector<uint64_t, Allocator<uint64_t>> tokens_;
    std::vector<uint32_t, Allocator<uint32_t>> index_;
    size_t scan_from_ = 0;  // when more is ready than the caller has room for, the rest goes first next time
};

}  // namespace ioloop
