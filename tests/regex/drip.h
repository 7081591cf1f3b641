// Feeds bytes to a pattern's read, and tells how it ends and how much was looked at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "ioloop/base.h"
#include "stream/read_request.h"

struct Drip {
    int32_t status = IOLOOP_MORE;  // of the read; MORE while it waits
    size_t size = 0;               // of the match
    size_t arrived = 0;
    uint64_t examined = 0;
};

// Pieces of `piece` bytes until the read ends, or all have arrived.
inline Drip drip(const std::string &pattern, const std::string &data, size_t piece, size_t max_bytes = 0) {
    using Verdict = ioloop::ReadRequest::Verdict;
    ioloop::ChunkPool pool(65536, 16);
    ioloop::ByteQueue queue(pool);
    ioloop::ReadRequest request;
    Drip out;
    out.status = request.set_regex(pattern.data(), pattern.size(), max_bytes);
    if (out.status != IOLOOP_OK) return out;
    out.status = IOLOOP_MORE;
    while (out.arrived < data.size()) {
        const size_t n = std::min(piece, data.size() - out.arrived);
        queue.append(data.data() + out.arrived, n);
        out.arrived += n;
        const auto outcome = request.check(queue, UINT64_MAX, &out.examined);
        if (outcome.verdict == Verdict::more) continue;
        out.status = outcome.verdict == Verdict::failed ? outcome.status : IOLOOP_OK;
        out.size = outcome.size;
        return out;
    }
    return out;
}
