// What pollers report, and what a back end must be able to do.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "ioloop/base.h"
#include "os/readiness.h"

namespace ioloop {

// One descriptor that is ready. Level-triggered: reported again until the reason is gone.
struct Ready {
    uint64_t token;
    uint32_t events;  // IOLOOP_READ, IOLOOP_WRITE, IOLOOP_ERROR
};

// A descriptor in the low half, the generation of its registration in the high half. Never 0.
inline constexpr uint64_t make_token(int fd, uint32_t generation) {
    return uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
}
inline constexpr int token_fd(uint64_t token) { return static_cast<int>(static_cast<uint32_t>(token)); }

// In Ready::events, from a back end to the poller only: the descriptor was closed under the back end, which has
// dropped it.
inline constexpr uint32_t ready_dropped = 0x80000000;

// The system's bits for wanted events, and the events for what the system reports.
inline constexpr uint32_t system_bits(uint32_t events) {
    return (events & IOLOOP_READ ? os::ready_in : 0) | (events & IOLOOP_WRITE ? os::ready_out : 0);
}
inline constexpr uint32_t ready_events(uint32_t bits) {
    return (bits & os::ready_in ? uint32_t{IOLOOP_READ} : 0) | (bits & os::ready_out ? uint32_t{IOLOOP_WRITE} : 0) |
           (bits & (os::ready_err | os::ready_hup | os::ready_nval) ? uint32_t{IOLOOP_ERROR} : 0);
}

// A back end keeps the set of descriptors that the kernel watches. What is in the set always reports errors and
// hang-ups. wait gives the number of events filled, at most capacity.
template <class T>
concept PollerBackend = requires(T backend, int fd, uint32_t events, uint64_t token, Ready *out, size_t capacity,
                                 int64_t timeout_ns) {
    { T::name } -> std::convertible_to<const char *>;
    { backend.open() } -> std::same_as<Result<Nothing>>;
    { backend.add(fd, events, token) } -> std::same_as<Result<Nothing>>;
    { backend.modify(fd, events, token) } -> std::same_as<Result<Nothing>>;
    { backend.remove(fd) } -> std::same_as<Result<Nothing>>;
    { backend.wait(out, capacity, timeout_ns) } -> std::same_as<Result<size_t>>;
    { backend.native_fd() } -> std::same_as<int>;
};

}  // namespace ioloop
