// Ends of connections: nothing is lost at them, and nobody who waits for something else spins over them.
#include <thread>

#include "stream_fixture.h"

namespace {

class StreamEndTest : public StreamTest {
protected:
    // The loop has nothing to do, for 50 ms: a handful of waits, none in vain.
    void expect_quiet() {
        ioloop_stats_t before = stats_of(loop_);
        for (int i = 0; i < 5; ++i) ASSERT_GE(ioloop_run_once(loop_, 10 * milliseconds), 0);
        ioloop_stats_t after = stats_of(loop_);
        EXPECT_LE(after.waits - before.waits, 6u);
        EXPECT_EQ(after.idle_wakeups, before.idle_wakeups);
        EXPECT_EQ(after.receives, before.receives);
    }
};

enum class Goodbye { fin, reset, full_close };

// Nobody reads: the end of the connection must not wake the loop again and again, and is told to the next read.
TEST_F(StreamEndTest, H_B1_H_B2_PausedReader) {
    for (bool flush_first : {false, true}) {
        for (Goodbye goodbye : {Goodbye::fin, Goodbye::reset, Goodbye::full_close}) {
            SCOPED_TRACE(static_cast<int>(goodbye));
            Socket peer;
            iostream_t *stream = wire(&peer, true);
            std::string first;
            ASSERT_EQ(read_line(stream, [&](int32_t, std::string_view line) { first = line; }), IOLOOP_OK);
            peer.put("first\nunread");
            ASSERT_TRUE(run_until(loop_, [&] { return !first.empty(); }));
            if (flush_first) {
                EXPECT_EQ(write(stream, "unread by the peer"), IOLOOP_OK);
            }
            run_idle(loop_);
            switch (goodbye) {
                case Goodbye::fin:
                    shutdown(peer.get(), SHUT_WR);
                    break;
                case Goodbye::reset:
                    peer.reset_connection();
                    break;
                case Goodbye::full_close:
                    peer.reset();
                    break;
            }
            run_idle(loop_);
            EXPECT_LE(stats_of(loop_).idle_wakeups, 0u);
            expect_quiet();
            std::string rest;
            ASSERT_EQ(read_until_close(stream, [&](int32_t, std::string_view data) { rest = data; }), IOLOOP_OK);
            ASSERT_TRUE(run_until(loop_, [&] { return iostream_closed(stream) == 1 && !rest.empty(); }));
            EXPECT_EQ(rest, "unread");
            iostream_free(stream);
        }
    }
}

TEST_F(StreamEndTest, IdleStreamNoticesTheEnd) {
    for (Goodbye goodbye : {Goodbye::reset, Goodbye::full_close}) {
        Socket peer;
        iostream_t *stream = wire(&peer, true);
        int32_t closed = 1;
        ASSERT_EQ(on_close(stream, [&](int32_t reason) { closed = reason; }), IOLOOP_OK);
        expect_quiet();
        goodbye == Goodbye::reset ? peer.reset_connection() : peer.reset();
        EXPECT_TRUE(run_until(loop_, [&] { return closed != 1; }));
        EXPECT_EQ(closed, goodbye == Goodbye::reset ? IOLOOP_ERESET : IOLOOP_EEOF);
        iostream_free(stream);
    }
}

// Data nobody asked for is not fetched without end, does not keep the loop awake, and is there for a later read.
TEST_F(StreamEndTest, H_B1_IdleStreamLeavesEarlyData) {
    Socket peer;
    iostream_t *stream = wire(&peer);
    int32_t closed = 1;
    ASSERT_EQ(on_close(stream, [&](int32_t reason) { closed = reason; }), IOLOOP_OK);
    run_idle(loop_);
    std::string early;
    for (int i = 0; i < 10; ++i) {
        const std::string piece(10000, static_cast<char>('a' + i));
        early += piece;
        peer.put(piece);
        run_idle(loop_);
    }
    EXPECT_LE(iostream_read_buffered(stream), 65536u) << "one chunk at most";
    expect_quiet();
    EXPECT_EQ(closed, 1);
    std::string got;
    ASSERT_EQ(read_bytes(stream, early.size(), [&](int32_t, std::string_view data) { got = data; }), IOLOOP_OK);
    EXPECT_TRUE(run_until(loop_, [&] { return !got.empty(); }));
    EXPECT_TRUE(got == early);
    peer.reset();
    EXPECT_TRUE(run_until(loop_, [&] { return closed != 1; }));
    EXPECT_EQ(closed, IOLOOP_EEOF);
}

// The peer has sent what nobody reads. Closing at once would reset the connection and destroy the reply on its way.
TEST_F(StreamEndTest, H_D11_GracefulCloseDeliversTheReply) {
    const std::string reply(size_t{1} << 20, 'r');
    for (int round = 0; round < 30; ++round) {
        Socket peer;
        iostream_t *stream = wire(&peer, true);
        peer.put("a request\n" + std::string(20000, 'u'));
        size_t received = 0;
        bool reset = false;
        std::thread reader([&] {
            std::string buffer(16384, '\0');
            for (ssize_t got; (got = recv(peer.get(), buffer.data(), buffer.size(), 0)) != 0;) {
                if (got < 0) {
                    reset = true;
                    break;
                }
                received += static_cast<size_t>(got);
            }
            peer.reset();
        });
        int32_t closed = 1;
        auto on_request = [&](int32_t status, std::string_view) {
            EXPECT_EQ(status, IOLOOP_OK);
            EXPECT_EQ(write(stream, reply), IOLOOP_OK);
            EXPECT_EQ(on_close(stream, [&](int32_t reason) { closed = reason; }), IOLOOP_OK);
            EXPECT_EQ(iostream_close_graceful(stream, 5 * seconds), IOLOOP_OK);
        };
        EXPECT_EQ(read_line(stream, on_request), IOLOOP_OK);
        EXPECT_TRUE(run_until(loop_, [&] { return closed != 1; }));
        reader.join();
        EXPECT_EQ(closed, IOLOOP_ECLOSED) << "in round " << round;
        EXPECT_EQ(received, reply.size()) << "in round " << round;
        EXPECT_FALSE(reset) << "in round " << round;
        iostream_free(stream);
    }
}

// The peer has said all it wants to say, and listens.
TEST_F(StreamEndTest, PeerHalfClosesWhileMuchIsUnsent) {
    constexpr size_t size = size_t{4} << 20;
    for (bool tcp : {false, true}) {
        Socket peer;
        iostream_t *stream = wire(&peer, tcp);
        int32_t written = 1, closed = 1;
        ASSERT_EQ(on_close(stream, [&](int32_t reason) { closed = reason; }), IOLOOP_OK);
        ASSERT_EQ(write(stream, std::string(size, 'd'), [&](int32_t status) { written = status; }), IOLOOP_OK);
        run_idle(loop_);
        ASSERT_EQ(written, 1);
        shutdown(peer.get(), SHUT_WR);
        run_idle(loop_);
        expect_quiet();
        size_t received = 0;
        EXPECT_TRUE(run_until(loop_, [&] {
            for (std::string data; !(data = peer.take()).empty();) received += data.size();
            return closed != 1 && (received == size || peer.at_end());
        }));
        EXPECT_EQ(received, size);
        EXPECT_EQ(written, IOLOOP_OK);
        EXPECT_EQ(closed, IOLOOP_EEOF);
        iostream_free(stream);
    }
}

}  // namespace
