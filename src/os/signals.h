// Signals of the process, counted for each loop that watches them.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace ioloop::os {

inline constexpr int signal_limit = 65;  // numbers 1 to 64
inline constexpr int signal_hub_limit = 64;

// A place where the signals of one loop are counted. The handler of the process adds to the counts and signals
// wake_fd; nothing else happens in signal context but a previous handler, which is called.
class SignalHub {
public:
    SignalHub() = default;
    SignalHub(const SignalHub &) = delete;
    SignalHub &operator=(const SignalHub &) = delete;
    ~SignalHub();

    // EEXIST when watched already, ENFILE when all hubs are taken, EINVAL for a signal that cannot be caught.
    Result<Nothing> watch(int signum, int wake_fd);
    Result<Nothing> unwatch(int signum);  // ENOENT when not watched
    uint64_t take(int signum);            // count since the last take
    bool any_pending() const;

private:
    int slot_ = -1;
    uint64_t watched_ = 0;  // a bit for each signal
};

}  // namespace ioloop::os
