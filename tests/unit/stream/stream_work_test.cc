// Work counted: system calls and copies of ordinary traffic, and how streams share a turn.
#include <vector>

#include "stream_fixture.h"

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

class StreamWorkTest : public StreamTest {};

TEST_F(StreamWorkTest, PipelinedLinesAreOneReceiveAndOneSend) {
    Socket peer;
    echo(wire(&peer));
    run_idle(loop_);
    ioloop_stats_t before = stats_of(loop_);
    std::string lines;
    for (int i = 0; i < 16; ++i) lines += "line " + std::to_string(i) + "\n";
    peer.put(lines);
    std::string replies;
    EXPECT_TRUE(run_until(loop_, [&] { return (replies += peer.take()).size() >= lines.size(); }));
    run_idle(loop_);
    EXPECT_EQ(replies, lines);
    ioloop_stats_t after = stats_of(loop_);
    EXPECT_EQ(after.receives - before.receives, 1u);
    EXPECT_EQ(after.sends - before.sends, 1u);
    EXPECT_EQ(after.idle_wakeups, before.idle_wakeups);
}

TEST_F(StreamWorkTest, EchoChangesNoInterest) {
    iostream_t *here = nullptr, *there = nullptr;
    ASSERT_EQ(iostream_new_pair(&here, &there, loop_, nullptr), IOLOOP_OK);
    echo(there);
    ioloop_stats_t before{};
    for (int round = 0; round < 1010; ++round) {
        if (round == 10) before = stats_of(loop_);
        std::string reply;
        ASSERT_EQ(write(here, "hello\n"), IOLOOP_OK);
        ASSERT_EQ(read_line(here, [&](int32_t, std::string_view line) { reply = line; }), IOLOOP_OK);
        ASSERT_TRUE(run_until(loop_, [&] { return !reply.empty(); }));
        ASSERT_EQ(reply, "hello\n");
    }
    ioloop_stats_t after = stats_of(loop_);
    EXPECT_EQ(after.interest_changes, before.interest_changes);
    EXPECT_EQ(after.receives - before.receives, 2000u);
    EXPECT_EQ(after.sends - before.sends, 2000u);
    EXPECT_EQ(after.bytes_copied, before.bytes_copied);
    EXPECT_EQ(after.idle_wakeups, 0u);
}

TEST_F(StreamWorkTest, FrameInsideAChunkIsNotCopied) {
    Socket peer;
    iostream_t *stream = wire(&peer);
    std::vector<std::string> frames;
    std::function<void()> next = [&] {
        auto on_head = [&](int32_t status, std::string_view head) {
            if (status != IOLOOP_OK) return;
            size_t size = static_cast<size_t>(std::stoi(std::string(head)));
            read_bytes(stream, size, [&](int32_t, std::string_view body) { frames.emplace_back(body), next(); });
        };
        read_bytes(stream, 4, on_head);
    };
    next();
    std::string sent;
    for (size_t i = 0; i < 20; ++i) sent += "0900" + std::string(900, static_cast<char>('a' + i));
    peer.put(sent);
    EXPECT_TRUE(run_until(loop_, [&] { return frames.size() == 20; }));
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(frames[i], std::string(900, static_cast<char>('a' + i)));
    EXPECT_EQ(stats_of(loop_).bytes_copied, 0u);
}

// Sends size bytes through a pair of streams to one read; returns how many bytes were copied inside buffers.
uint64_t copied_by_read(ioloop_t *loop, size_t size) {
    iostream_t *here = nullptr, *there = nullptr;
    EXPECT_EQ(iostream_new_pair(&here, &there, loop, nullptr), IOLOOP_OK);
    std::string data(size, '\0');
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 31 >> 4);
    bool same = false;
    EXPECT_EQ(read_bytes(there, size, [&](int32_t, std::string_view got) { same = got == data; }), IOLOOP_OK);
    EXPECT_EQ(iostream_write_owned(
                  here, data.data(), size, [](void *) {}, nullptr, nullptr, nullptr, nullptr),
              IOLOOP_OK);
    EXPECT_TRUE(run_until(loop, [&] { return same; }));
    iostream_free(here);
    iostream_free(there);
    return stats_of(loop).bytes_copied;
}

TEST_F(StreamWorkTest, LargeReadIsNotCopied) { EXPECT_EQ(copied_by_read(loop_, mebibyte / 2), 0u); }

// A buffer that is mostly room gives it up when its stream pauses, and what is there moves: each byte twice at most.
TEST_F(StreamWorkTest, LargerReadIsCopiedTwiceAtMost) {
    for (size_t size : {mebibyte, 8 * mebibyte}) {
        const uint64_t before = stats_of(loop_).bytes_copied;
        EXPECT_LE(copied_by_read(loop_, size) - before, 2 * size);
    }
}

// One peer always has more to say; twenty others say one word at a time, and each is answered in the turn in which the
// loop hears of it.
TEST_F(StreamWorkTest, H_B5_FloodDoesNotStarve) {
    ioloop_free(loop_);
    ioloop_options_t options = loop_options();
    options.turn_read_bytes = 4096;
    loop_ = new_loop(options);
    Socket flood;
    iostream_t *flooded = wire(&flood);
    size_t swallowed = 0;
    auto swallow = [&](int32_t, std::string_view piece) { swallowed += piece.size(); };
    ASSERT_EQ(iostream_read_chunks(flooded, UINT64_MAX, run_arrived, new Arrived(swallow), drop<Arrived>), IOLOOP_OK);
    std::vector<Socket> slow(20);
    for (Socket &peer : slow) echo(wire(&peer));
    run_idle(loop_);

    const std::string noise(65536, 'n');
    for (int turn = 0; turn < 200; ++turn) {
        while (send(flood.get(), noise.data(), noise.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        }
        for (Socket &peer : slow) peer.put("word\n");
        const size_t before = swallowed;
        ASSERT_GE(ioloop_run_once(loop_, 0), 0);
        for (Socket &peer : slow) ASSERT_EQ(peer.take(), "word\n") << "in turn " << turn;
        EXPECT_GT(swallowed, before);
        EXPECT_LE(swallowed - before, 4096u + 65536u) << "its share, and what one receive brings beyond it";
    }
}

TEST_F(StreamWorkTest, PeerThatNeverReads) {
    iostream_options_t options = stream_options();
    options.max_write_buffer = 100000;
    options.write_timeout_ns = 50 * milliseconds;
    Socket peer;
    iostream_t *stream = wire(&peer, false, &options);
    const std::string piece(10000, 'p');
    int32_t ended = 1, closed = 1;
    int pieces = 0;
    ASSERT_EQ(on_close(stream, [&](int32_t reason) { closed = reason; }), IOLOOP_OK);
    int32_t status = IOLOOP_OK;
    for (; status == IOLOOP_OK && pieces < 1000; ++pieces) {
        status = write(stream, piece, [&](int32_t result) {
            if (result != IOLOOP_OK) ended = result;
        });
        (void)iostream_flush(stream);
    }
    EXPECT_EQ(status, IOLOOP_EFULL);
    EXPECT_LE(iostream_write_buffered(stream), 100000u);
    EXPECT_GT(iostream_write_buffered(stream) + piece.size(), 100000u);
    const uint64_t waits = stats_of(loop_).waits;
    EXPECT_TRUE(run_until(loop_, [&] { return closed != 1; }));
    EXPECT_EQ(ended, IOLOOP_ETIMEDOUT);
    EXPECT_EQ(closed, IOLOOP_ETIMEDOUT);
    EXPECT_LE(stats_of(loop_).waits - waits, 5u);
}

}  // namespace
