// Time and chance.
#pragma once

#include <cstdint>

namespace ioloop::os {

int64_t monotonic_ns();

// The reading of the clock after which a time from now is over: INT64_MAX for never (a negative time).
inline int64_t deadline_after(int64_t timeout_ns) {
    if (timeout_ns < 0) return INT64_MAX;
    if (timeout_ns == 0) return 0;
    const int64_t now = monotonic_ns();
    return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

uint64_t random_u64();

}  // namespace ioloop::os
