#include "os/clock.h"

#include <sys/random.h>
#include <time.h>

#include "os/process.h"

namespace ioloop::os {

int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

uint64_t random_u64() {
    uint64_t value = 0;
    if (getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    // A sandbox without the call: time and place, mixed (the finalizer of splitmix64). Nothing secret depends on it.
    value = static_cast<uint64_t>(monotonic_ns()) ^ (uint64_t{thread_id()} << 20);
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

}  // namespace ioloop::os
