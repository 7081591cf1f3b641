// The deadlines of one stream, over one timer of the loop. An operation that begins or ends only stores its deadline;
// the timer is moved when it fires too early, so a deadline per message costs no timer operation per message.
#pragma once

#include <cstdint>

#include "loop/objects.h"

namespace ioloop {

class Stream;

class StreamTimers final : public TimerTarget {
public:
    static constexpr int64_t none = INT64_MAX;

    explicit StreamTimers(Stream &stream) : stream_(stream) {}

    int64_t read_ns = none;
    int64_t write_ns = none;    // of the oldest write
    int64_t connect_ns = none;
    int64_t close_ns = none;
    int64_t retry_ns = none;    // the system was short of buffers, or a Unix listener's queue was full

    int64_t earliest() const;
    void on_timer(int64_t now_ns) override;

private:
    Stream &stream_;
};

}  // namespace ioloop
