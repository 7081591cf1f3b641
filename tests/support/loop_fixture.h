// What tests of whole loops share: a loop of the tested poller, turns until something holds, and callbacks from
// function objects.
#pragma once

#include <ioloop/ioloop.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

constexpr int64_t milliseconds = 1000000;
constexpr int64_t seconds = 1000 * milliseconds;

inline ioloop_options_t loop_options() {
    ioloop_options_t options;
    EXPECT_EQ(ioloop_options_init(&options, sizeof(options)), IOLOOP_OK);
    const char *name = std::getenv("IOLOOP_TEST_BACKEND");
    if (name && std::strcmp(name, "poll") == 0) options.backend = IOLOOP_BACKEND_POLL;
    if (name && std::strcmp(name, "epoll") == 0) options.backend = IOLOOP_BACKEND_EPOLL;
    return options;
}

inline ioloop_t *new_loop(const ioloop_options_t &options) {
    ioloop_t *loop = nullptr;
    EXPECT_EQ(ioloop_new(&loop, &options), IOLOOP_OK);
    return loop;
}

inline ioloop_stats_t stats_of(ioloop_t *loop) {
    ioloop_stats_t stats{};
    stats.size = sizeof(stats);
    EXPECT_EQ(ioloop_get_stats(loop, &stats), IOLOOP_OK);
    return stats;
}

// Runs turns until the condition holds; false after ten seconds.
template <typename Condition>
bool run_until(ioloop_t *loop, Condition condition) {
    const int64_t give_up = ioloop_clock_ns() + 10 * seconds;
    while (!condition()) {
        if (ioloop_clock_ns() > give_up || ioloop_run_once(loop, 100 * milliseconds) < 0) return false;
    }
    return true;
}

// Runs turns until nothing is left to do: for what must not happen.
inline void run_idle(ioloop_t *loop) {
    for (int quiet = 0, turns = 0; quiet < 3 && turns < 100000; ++turns) {
        int32_t done = ioloop_run_once(loop, 0);
        ASSERT_GE(done, 0);
        quiet = done == 0 ? quiet + 1 : 0;
    }
}

template <typename Fn>
void drop(void *ctx) {
    delete static_cast<Fn *>(ctx);
}

using Call = std::function<void()>;
inline void run_call(void *ctx) { (*static_cast<Call *>(ctx))(); }

inline int32_t add_callback(ioloop_t *loop, Call call) {
    return ioloop_add_callback(loop, run_call, new Call(std::move(call)), drop<Call>);
}

inline int32_t call_later(ioloop_t *loop, uint64_t *out_timeout, int64_t delay_ns, Call call) {
    return ioloop_call_later(loop, out_timeout, delay_ns, run_call, new Call(std::move(call)), drop<Call>);
}

using Handler = std::function<void(uint32_t events)>;
inline int32_t add_handler(ioloop_t *loop, int fd, uint32_t events, Handler handler) {
    return ioloop_add_handler(
        loop, fd, events, [](void *ctx, int, uint32_t ready) { (*static_cast<Handler *>(ctx))(ready); },
        new Handler(std::move(handler)), drop<Handler>);
}

using Ended = std::function<void(int32_t status)>;
inline void run_ended(void *ctx, iostream_t *, int32_t status) { (*static_cast<Ended *>(ctx))(status); }

using Arrived = std::function<void(int32_t status, std::string_view data)>;
inline void run_arrived(void *ctx, iostream_t *, int32_t status, const uint8_t *data, size_t size) {
    (*static_cast<Arrived *>(ctx))(status, {reinterpret_cast<const char *>(data), size});
}

inline int32_t read_line(iostream_t *stream, Arrived fn) {
    return iostream_read_until(stream, "\n", 1, 0, run_arrived, new Arrived(std::move(fn)), drop<Arrived>);
}

inline int32_t read_bytes(iostream_t *stream, size_t size, Arrived fn) {
    return iostream_read_bytes(stream, size, run_arrived, new Arrived(std::move(fn)), drop<Arrived>);
}

inline int32_t read_until_close(iostream_t *stream, Arrived fn) {
    return iostream_read_until_close(stream, run_arrived, new Arrived(std::move(fn)), drop<Arrived>);
}

inline int32_t write(iostream_t *stream, std::string_view data) {
    return iostream_write(stream, data.data(), data.size(), nullptr, nullptr, nullptr);
}

inline int32_t write(iostream_t *stream, std::string_view data, Ended fn) {
    return iostream_write(stream, data.data(), data.size(), run_ended, new Ended(std::move(fn)), drop<Ended>);
}

inline int32_t on_close(iostream_t *stream, Ended fn) {
    return iostream_set_close_callback(stream, run_ended, new Ended(std::move(fn)), drop<Ended>);
}

inline iostream_options_t stream_options() {
    iostream_options_t options;
    EXPECT_EQ(iostream_options_init(&options, sizeof(options)), IOLOOP_OK);
    return options;
}

// With a loop of its own for each case.
class LoopTest : public testing::Test {
protected:
    ~LoopTest() override { ioloop_free(loop_); }

    ioloop_t *loop_ = new_loop(loop_options());
};
