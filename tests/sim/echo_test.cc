// First things first: bytes go through the whole library and the simulated world, and come back.
#include <gtest/gtest.h>

#include <string>

#include "base/memory.h"
#include "ioloop/ioloop.h"
#include "peers.h"
#include "world.h"

namespace {

void echo(void *, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    if (status == IOLOOP_MORE) iostream_write(stream, data, size, nullptr, nullptr, nullptr);
    if (status < 0) iostream_free(stream);
    if (status == IOLOOP_OK) iostream_close_graceful(stream, IOLOOP_NEVER);
}

void accept(void *, ioserver_t *, int32_t status, iostream_t *stream) {
    if (status == IOLOOP_OK) iostream_read_chunks(stream, UINT64_MAX, echo, nullptr, nullptr);
}

struct Outcome {
    std::string received;
    uint64_t trace;
    bool end;
};

Outcome run_echo(uint64_t seed, uint32_t backend, const std::string &text) {
    sim::World world(seed);
    ioloop_options_t options;
    ioloop_options_init(&options, sizeof options);
    options.backend = backend;
    ioloop_t *loop = nullptr;
    EXPECT_EQ(ioloop_new(&loop, &options), IOLOOP_OK);
    ioserver_t *server = nullptr;
    iostream_options_t stream_options;
    iostream_options_init(&stream_options, sizeof stream_options);
    stream_options.flags = IOSTREAM_HALF_OPEN;
    EXPECT_EQ(ioserver_new(&server, loop, nullptr, &stream_options, accept, nullptr, nullptr), IOLOOP_OK);
    uint16_t port = 0;
    EXPECT_EQ(ioserver_listen(server, &port, "127.0.0.1", 9, 0), IOLOOP_OK);
    sim::os::Address address;
    sim::os::parse_numeric("127.0.0.1", port, &address);
    auto peer = sim::Peer::connect(world, address);
    peer->send(text).end().wait_for_end();
    for (int turn = 0; turn < 10000 && !peer->idle(); ++turn) EXPECT_GE(ioloop_run_once(loop, sim::second), 0);
    Outcome outcome{peer->received, 0, peer->saw_end};
    peer = nullptr;
    ioloop_free(loop);
    EXPECT_EQ(world.descriptors.open_count(), 0u);
    EXPECT_EQ(world.bad_descriptors, 0u);
    EXPECT_EQ(world.failure(), "");
    outcome.trace = world.trace;
    return outcome;
}

class Echo : public testing::TestWithParam<uint32_t> {};

TEST_P(Echo, comes_back) {
    std::string text;
    for (int i = 0; i < 40000; ++i) text += std::to_string(i);
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        Outcome outcome = run_echo(seed, GetParam(), text);
        ASSERT_TRUE(outcome.received == text) << "seed " << seed;
        ASSERT_TRUE(outcome.end) << "seed " << seed;
    }
    EXPECT_EQ(ioloop::memory_in_use(), 0u);
}

TEST_P(Echo, same_seed_same_trace) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        const uint64_t trace = run_echo(seed, GetParam(), std::string(5000, 'x')).trace;
        EXPECT_EQ(trace, run_echo(seed, GetParam(), std::string(5000, 'x')).trace);
        EXPECT_NE(trace, run_echo(seed + 1, GetParam(), std::string(5000, 'x')).trace);
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, Echo, testing::Values(IOLOOP_BACKEND_EPOLL, IOLOOP_BACKEND_POLL),
                         [](auto &which) { return which.param == IOLOOP_BACKEND_EPOLL ? "epoll" : "poll"; });

}  // namespace
