// What the cases about pollers share: every case runs on each back end.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ioloop/base.h"
#include "os/clock.h"
#include "os/error.h"
#include "os/readiness.h"
#include "os/socket.h"
#include "poll/poller.h"

namespace ioloop {

inline constexpr uint32_t read_bit = IOLOOP_READ, write_bit = IOLOOP_WRITE, error_bits = IOLOOP_ERROR, no_bits = 0;
inline constexpr int64_t millisecond = 1'000'000;
inline constexpr int64_t patience = 10'000 * millisecond;

struct Pipe {
    Pipe() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
        reader.reset(fds[0]);
        writer.reset(fds[1]);
    }
    os::UniqueFd reader, writer;
};

inline void put(int fd, size_t size = 1) {
    std::string bytes(size, 'x');
    EXPECT_EQ(::write(fd, bytes.data(), size), static_cast<ssize_t>(size));
}

inline void drain(int fd) {
    char buffer[4096];
    while (::read(fd, buffer, sizeof buffer) > 0) {
    }
}

class PollerTest : public testing::TestWithParam<uint32_t> {
protected:
    void SetUp() override { ASSERT_EQ(poller.open(GetParam()), IOLOOP_OK); }

    // Registers and gives the token.
    uint64_t watch(int fd, uint32_t events, bool now = false) {
        uint64_t token = 0;
        EXPECT_EQ(poller.add(fd, events, now, &token), IOLOOP_OK);
        EXPECT_EQ(token_fd(token), fd);
        EXPECT_NE(token, 0u);
        return token;
    }

    // One wait: events by descriptor.
    std::map<int, uint32_t> wait(int64_t timeout_ns = 0, size_t capacity = 512) {
        std::vector<Ready> ready(capacity);
        Result<size_t> result = poller.wait(ready.data(), capacity, timeout_ns);
        EXPECT_TRUE(result.ok()) << os::error_text(result.error);
        std::map<int, uint32_t> events;
        for (size_t i = 0; i < result.value; ++i) {
            EXPECT_TRUE(poller.current(ready[i].token));
            EXPECT_TRUE(events.emplace(token_fd(ready[i].token), ready[i].events).second) << "twice in one batch";
        }
        return events;
    }

    // Nothing is reported, and the wait lasts as long as it should: no spinning.
    void expect_silence() {
        int64_t begin = os::monotonic_ns();
        EXPECT_TRUE(wait(2 * millisecond).empty());
        EXPECT_GE(os::monotonic_ns() - begin, 2 * millisecond);
    }

    bool on_epoll() const { return GetParam() == Poller::epoll; }

    using Events = std::map<int, uint32_t>;
    Poller poller;
};

inline std::string backend_name(const testing::TestParamInfo<uint32_t> &info) {
    return info.param == Poller::epoll ? "epoll" : "poll";
}

}  // namespace ioloop
