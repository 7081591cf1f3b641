/* Limits, deadlines and cancelling: whatever ends a read early, its bytes are still there; and looking into the
 * buffer without reading. */
#include "capi_test.h"

/* The next read of everything there is gives this. */
static void check_rest(struct wire *wire, const char *expected) {
    struct record rest = {0};
    CHECK_INT(iostream_read_buffered(wire->stream), strlen(expected));
    CHECK_OK(iostream_read_bytes(wire->stream, strlen(expected), on_read, &rest, on_free));
    RUN_UNTIL(wire->loop, rest.calls > 0);
    CHECK_READ(rest, expected);
}

static void too_long_without_a_match(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 8, &record));
    peer_sends(&wire, "1234567");
    run_idle(wire.loop);
    CHECK_INT(record.calls, 0);
    peer_sends(&wire, "8");
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_ETOOLONG);
    CHECK_INT(record.size, 0);
    CHECK_INT(iostream_closed(wire.stream), 0);
    check_rest(&wire, "12345678");
    free_wire(&wire);
}

/* The limit counts the delimiter. The answer must not depend on how much came at once. */
static void too_long_with_a_match(void) {
    struct wire wire = new_wire();
    struct record fits = {0}, beyond = {0};
    peer_sends(&wire, "123456\r\n1234567\r\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\r\n", 8, &fits));
    RUN_UNTIL(wire.loop, fits.calls > 0);
    CHECK_READ(fits, "123456\r\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\r\n", 8, &beyond));
    RUN_UNTIL(wire.loop, beyond.calls > 0);
    CHECK_ENDED(beyond, IOLOOP_ETOOLONG);
    check_rest(&wire, "1234567\r\n");
    free_wire(&wire);
}

static void too_long_for_a_regex(void) {
    struct wire wire = new_wire();
    struct record beyond = {0}, fits = {0};
    if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) {
        free_wire(&wire);
        return;
    }
    peer_sends(&wire, "abcdef!");
    CHECK_OK(iostream_read_until_regex(wire.stream, "!", 1, 6, on_read, &beyond, on_free));
    RUN_UNTIL(wire.loop, beyond.calls > 0);
    CHECK_ENDED(beyond, IOLOOP_ETOOLONG);
    CHECK_OK(iostream_read_until_regex(wire.stream, "!", 1, 7, on_read, &fits, on_free));
    RUN_UNTIL(wire.loop, fits.calls > 0);
    CHECK_READ(fits, "abcdef!");
    free_wire(&wire);
}

static void read_buffer_full(void) {
    iostream_options_t options = stream_options();
    options.max_read_buffer = 10;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record record = {0}, refused = {0}, exactly = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &record));
    peer_sends(&wire, "123456789012345\n");
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_EFULL);
    CHECK_INT(iostream_closed(wire.stream), 0);
    CHECK(iostream_read_buffered(wire.stream) <= 10);
    CHECK_STATUS(iostream_read_bytes(wire.stream, 11, on_read, &refused, on_free), IOLOOP_EFULL);
    CHECK_INT(refused.frees, 1);
    CHECK_OK(iostream_read_bytes(wire.stream, 10, on_read, &exactly, on_free));
    RUN_UNTIL(wire.loop, exactly.calls > 0);
    CHECK_READ(exactly, "1234567890");
    struct record rest = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &rest));
    RUN_UNTIL(wire.loop, rest.calls > 0);
    CHECK_READ(rest, "12345\n");
    free_wire(&wire);
}

static void until_close_with_a_full_buffer(void) {
    iostream_options_t options = stream_options();
    options.max_read_buffer = 5;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record record = {0};
    CHECK_OK(iostream_read_until_close(wire.stream, on_read, &record, on_free));
    peer_sends(&wire, "123456");
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_EFULL);
    CHECK_INT(record.size, 0);
    check_rest(&wire, "12345");
    free_wire(&wire);
}

/* Chunks are taken as they come, so more can pass than fits. */
static void chunks_through_a_small_buffer(void) {
    iostream_options_t options = stream_options();
    options.max_read_buffer = 4;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record record = {0};
    CHECK_OK(iostream_read_chunks(wire.stream, 10, on_read, &record, on_free));
    peer_sends(&wire, "1234567890");
    RUN_UNTIL(wire.loop, record.frees > 0);
    CHECK_STATUS(record.status, IOLOOP_OK);
    CHECK_INT(record.size, 0);
    CHECK(record.calls > 3);
    free_wire(&wire);
}

static void write_buffer_full(void) {
    iostream_options_t options = stream_options();
    options.max_write_buffer = 10;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record refused = {0};
    const iostream_piece_t pieces[] = {{"12", 2}, {"34", 2}};
    CHECK_OK(iostream_write(wire.stream, "1234567", 7, NULL, NULL, NULL));
    CHECK_STATUS(iostream_write(wire.stream, "1234", 4, on_status, &refused, on_free), IOLOOP_EFULL);
    CHECK_INT(refused.frees, 1);
    memset(&refused, 0, sizeof refused);
    CHECK_STATUS(iostream_writev(wire.stream, pieces, 2, on_status, &refused, on_free), IOLOOP_EFULL);
    CHECK_INT(refused.frees, 1);
    CHECK_INT(iostream_write_buffered(wire.stream), 7);
    CHECK_OK(iostream_write(wire.stream, "890", 3, NULL, NULL, NULL));
    CHECK_OK(iostream_write(wire.stream, NULL, 0, NULL, NULL, NULL));
    run_idle(wire.loop);
    CHECK_OK(iostream_write(wire.stream, "again", 5, NULL, NULL, NULL));
    run_idle(wire.loop);
    CHECK_TEXT(peer_received(&wire), "1234567890again");
    CHECK_STATUS(iostream_set_limits(wire.stream, 0, 10), IOLOOP_EINVAL);
    CHECK_OK(iostream_set_limits(wire.stream, 1, UINT64_MAX));
    static char much[3 << 20];
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, NULL, NULL, NULL));
    free_wire(&wire);
}

static void lower_limit_drops_nothing(void) {
    struct wire wire = new_wire();
    struct record line = {0};
    peer_sends(&wire, "x\n1234567890");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_OK(iostream_set_limits(wire.stream, 1, 1));
    CHECK_INT(iostream_read_buffered(wire.stream), 10);
    struct record byte = {0};
    CHECK_OK(iostream_read_bytes(wire.stream, 1, on_read, &byte, on_free));
    RUN_UNTIL(wire.loop, byte.calls > 0);
    CHECK_READ(byte, "1");
    CHECK_OK(iostream_set_limits(wire.stream, 1000, 1000));
    check_rest(&wire, "234567890");
    free_wire(&wire);
}

static void read_timeout(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_OK(iostream_set_timeout(wire.stream, IOSTREAM_TIMEOUT_READ, 20 * MS));
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &record));
    peer_sends(&wire, "half a");
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK(ioloop_clock_ns() - begin >= 20 * MS);
    CHECK_ENDED(record, IOLOOP_ETIMEDOUT);
    CHECK_INT(iostream_closed(wire.stream), 0);
    CHECK_INT(iostream_reading(wire.stream), 0);
    CHECK_OK(iostream_set_timeout(wire.stream, IOSTREAM_TIMEOUT_READ, IOLOOP_NEVER));
    check_rest(&wire, "half a");
    CHECK_STATUS(iostream_set_timeout(wire.stream, 9, SECOND), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_set_timeout(wire.stream, 0, SECOND), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_set_timeout(wire.stream, IOSTREAM_TIMEOUT_READ, -2), IOLOOP_EINVAL);
    free_wire(&wire);
}

/* The caller's buffer was filled in part when the time was over: the bytes go back into the stream. */
static void read_into_times_out(void) {
    iostream_options_t options = stream_options();
    options.read_timeout_ns = 20 * MS;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record line = {0}, record = {0};
    char buffer[100];
    peer_sends(&wire, "a line\nbuffered, ");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_OK(iostream_read_into(wire.stream, buffer, sizeof buffer, on_read_into, &record, on_free));
    peer_sends(&wire, "straight");
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_ETIMEDOUT);
    CHECK_INT(record.size, 0);
    check_rest(&wire, "buffered, straight");
    free_wire(&wire);
}

static void timeout_of_one_read_does_not_hit_the_next(void) {
    iostream_options_t options = stream_options();
    options.read_timeout_ns = 30 * MS;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record first = {0}, second = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &first));
    peer_sends(&wire, "one\n");
    RUN_UNTIL(wire.loop, first.calls > 0);
    CHECK_OK(iostream_set_timeout(wire.stream, IOSTREAM_TIMEOUT_READ, IOLOOP_NEVER));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &second));
    int64_t begin = ioloop_clock_ns();
    while (ioloop_clock_ns() - begin < 60 * MS) CHECK(ioloop_run_once(wire.loop, 10 * MS) >= 0);
    CHECK_INT(second.calls, 0);
    CHECK_INT(iostream_reading(wire.stream), 1);
    free_wire(&wire);
}

static void write_timeout(void) {
    iostream_options_t options = stream_options();
    options.write_timeout_ns = 20 * MS;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record record = {0}, close = {0};
    static char much[4 << 20];
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, on_status, &record, on_free));
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK(ioloop_clock_ns() - begin >= 20 * MS);
    CHECK_ENDED(record, IOLOOP_ETIMEDOUT);
    free_wire(&wire);
}

static void cancel(void) {
    struct wire wire = new_wire();
    struct record waiting = {0}, due = {0}, line = {0};
    CHECK_STATUS(iostream_cancel_read(wire.stream), IOLOOP_ENOENT);
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &waiting));
    peer_sends(&wire, "half");
    run_idle(wire.loop);
    CHECK_OK(iostream_cancel_read(wire.stream));
    CHECK_INT(waiting.frees, 1);
    CHECK_INT(iostream_reading(wire.stream), 0);
    CHECK_STATUS(iostream_cancel_read(wire.stream), IOLOOP_ENOENT);
    /* The result is ready, but has not been delivered. */
    CHECK_OK(iostream_read_bytes(wire.stream, 4, on_read, &due, on_free));
    CHECK_OK(iostream_cancel_read(wire.stream));
    CHECK_INT(due.frees, 1);
    run_idle(wire.loop);
    CHECK_INT(waiting.calls + due.calls, 0);
    CHECK_INT(iostream_read_buffered(wire.stream), 4);
    peer_sends(&wire, " line\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_READ(line, "half line\n");
    free_wire(&wire);
}

static void cancel_read_into(void) {
    struct wire wire = new_wire();
    struct record line = {0}, record = {0};
    char buffer[100];
    peer_sends(&wire, "a line\nbuffered, ");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_OK(iostream_read_into(wire.stream, buffer, sizeof buffer, on_read_into, &record, on_free));
    peer_sends(&wire, "straight");
    run_idle(wire.loop);
    CHECK_OK(iostream_cancel_read(wire.stream));
    CHECK_INT(record.frees, 1);
    memset(buffer, 'x', sizeof buffer);
    check_rest(&wire, "buffered, straight");
    CHECK_INT(record.calls, 0);
    free_wire(&wire);
}

static void peek_and_consume(void) {
    struct wire wire = new_wire();
    struct record line = {0};
    const uint8_t *data = NULL;
    size_t size = 99;
    CHECK_OK(iostream_peek(wire.stream, &data, &size, 0));
    CHECK_INT(size, 0);
    CHECK_OK(iostream_consume(wire.stream, 0));
    CHECK_STATUS(iostream_consume(wire.stream, 1), IOLOOP_EINVAL);
    peer_sends(&wire, "line\nwhat follows");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_OK(iostream_peek(wire.stream, &data, &size, 4));
    CHECK(size >= 4);
    CHECK_BYTES(data, 4, "what");
    CHECK_OK(iostream_peek(wire.stream, &data, &size, 1000));
    CHECK_BYTES(data, size, "what follows");
    CHECK_STATUS(iostream_consume(wire.stream, 13), IOLOOP_EINVAL);
    CHECK_OK(iostream_consume(wire.stream, 5));
    CHECK_OK(iostream_peek(wire.stream, &data, &size, 7));
    CHECK_BYTES(data, size, "follows");
    check_rest(&wire, "follows");
    free_wire(&wire);
}

/* Bytes that lie in several chunks are shown in one piece. */
static void peek_across_chunks(void) {
    enum { SIZE = 20000 };
    ioloop_options_t options = test_loop_options();
    struct wire wire;
    ioloop_t *loop = NULL;
    struct record byte = {0};
    static uint8_t sent[SIZE];
    options.chunk_size = 4096;
    CHECK_OK(ioloop_new(&loop, &options));
    wire = new_wire_with(loop, NULL);
    for (size_t i = 0; i < SIZE; i++) sent[i] = (uint8_t)(i % 253);
    CHECK_INT(send(wire.peer, sent, SIZE, MSG_NOSIGNAL), SIZE);
    CHECK_OK(READ_UNTIL(wire.stream, "no such text", 0, &byte));
    RUN_UNTIL(loop, iostream_read_buffered(wire.stream) == SIZE);
    CHECK_OK(iostream_cancel_read(wire.stream));
    const uint8_t *data = NULL;
    size_t size = 0;
    CHECK_OK(iostream_peek(wire.stream, &data, &size, SIZE));
    CHECK_INT(size, SIZE);
    CHECK_INT(memcmp(data, sent, SIZE), 0);
    CHECK_OK(iostream_consume(wire.stream, 10001));
    CHECK_OK(iostream_peek(wire.stream, &data, &size, SIZE - 10001));
    CHECK_INT(size, SIZE - 10001);
    CHECK_INT(memcmp(data, sent + 10001, size), 0);
    free_wire(&wire);
}

TEST_MAIN(TEST(too_long_without_a_match), TEST(too_long_with_a_match), TEST(too_long_for_a_regex),
          TEST(read_buffer_full), TEST(until_close_with_a_full_buffer), TEST(chunks_through_a_small_buffer),
          TEST(write_buffer_full), TEST(lower_limit_drops_nothing), TEST(read_timeout), TEST(read_into_times_out),
          TEST(timeout_of_one_read_does_not_hit_the_next), TEST(write_timeout), TEST(cancel), TEST(cancel_read_into),
          TEST(peek_and_consume), TEST(peek_across_chunks))
