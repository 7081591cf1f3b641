/* Every kind of read, on what has arrived, arrives later, or arrives in pieces. */
#include "capi_test.h"

static void until(void) {
    struct wire wire = new_wire();
    struct record one = {0}, two = {0}, three = {0};
    peer_sends(&wire, "one\r\ntwo\r\nth");
    CHECK_OK(READ_UNTIL(wire.stream, "\r\n", 0, &one));
    CHECK_INT(one.calls, 0);
    CHECK_INT(iostream_reading(wire.stream), 1);
    RUN_UNTIL(wire.loop, one.calls > 0);
    CHECK_READ(one, "one\r\n");
    CHECK(one.object == wire.stream);
    CHECK_INT(iostream_reading(wire.stream), 0);
    CHECK_OK(READ_UNTIL(wire.stream, "\r\n", 0, &two));
    CHECK_INT(two.calls, 0); /* never inside the call, although the buffer satisfies it */
    RUN_UNTIL(wire.loop, two.calls > 0);
    CHECK_READ(two, "two\r\n");
    CHECK_INT(iostream_read_buffered(wire.stream), 2);
    CHECK_OK(READ_UNTIL(wire.stream, "\r\n", 0, &three));
    run_idle(wire.loop);
    peer_sends(&wire, "ree\r");
    run_idle(wire.loop);
    CHECK_INT(three.calls, 0);
    peer_sends(&wire, "\n");
    RUN_UNTIL(wire.loop, three.calls > 0);
    CHECK_READ(three, "three\r\n");
    CHECK_INT(iostream_read_buffered(wire.stream), 0);
    free_wire(&wire);
}

static void until_finds_overlapping_delimiters(void) {
    struct wire wire = new_wire();
    const char *text = "aab aaab";
    struct record record = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "aaab", 0, &record));
    for (const char *c = text; *c != '\0'; c++) {
        CHECK_INT(write(wire.peer, c, 1), 1);
        run_idle(wire.loop);
    }
    CHECK_READ(record, text);
    free_wire(&wire);
}

static void until_with_zero_bytes(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    static const char data[] = "a\0b\0\0c";
    CHECK_INT(write(wire.peer, data, 6), 6);
    CHECK_OK(iostream_read_until(wire.stream, "\0\0", 2, 0, on_read, &record, on_free));
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_INT(record.size, 5);
    CHECK_INT(memcmp(record.data, data, 5), 0);
    free_wire(&wire);
}

static void until_empty_delimiter(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_STATUS(iostream_read_until(wire.stream, "", 0, 0, on_read, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    memset(&record, 0, sizeof record);
    CHECK_STATUS(iostream_read_until(wire.stream, NULL, 1, 0, on_read, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    CHECK_INT(iostream_reading(wire.stream), 0);
    free_wire(&wire);
}

static void until_regex(void) {
    struct wire wire = new_wire();
    struct record one = {0}, two = {0}, bad = {0};
    if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) {
        CHECK_STATUS(iostream_read_until_regex(wire.stream, "x", 1, 0, on_read, &one, on_free), IOLOOP_ENOTSUP);
        CHECK_INT(one.frees, 1);
        free_wire(&wire);
        return;
    }
    peer_sends(&wire, "GET / HTTP/1.0\r\n\r");
    CHECK_OK(iostream_read_until_regex(wire.stream, "\r?\n\r?\n", 6, 0, on_read, &one, on_free));
    run_idle(wire.loop);
    CHECK_INT(one.calls, 0);
    peer_sends(&wire, "\nrest42.");
    RUN_UNTIL(wire.loop, one.calls > 0);
    CHECK_READ(one, "GET / HTTP/1.0\r\n\r\n");
    CHECK_OK(iostream_read_until_regex(wire.stream, "[0-9]+\\.", 8, 0, on_read, &two, on_free));
    RUN_UNTIL(wire.loop, two.calls > 0);
    CHECK_READ(two, "rest42.");
    CHECK_STATUS(iostream_read_until_regex(wire.stream, "(", 1, 0, on_read, &bad, on_free), IOLOOP_EINVAL);
    CHECK_INT(bad.frees, 1);
    char *pattern = malloc(4097);
    memset(pattern, 'a', 4097);
    memset(&bad, 0, sizeof bad);
    CHECK_STATUS(iostream_read_until_regex(wire.stream, pattern, 4097, 0, on_read, &bad, on_free), IOLOOP_EINVAL);
    CHECK_OK(iostream_read_until_regex(wire.stream, pattern, 4096, 0, on_read, &bad, NULL));
    free(pattern);
    free_wire(&wire);
}

static void bytes(void) {
    struct wire wire = new_wire();
    struct record five = {0}, none = {0}, six = {0};
    CHECK_OK(iostream_read_bytes(wire.stream, 5, on_read, &five, on_free));
    peer_sends(&wire, "hell");
    run_idle(wire.loop);
    CHECK_INT(five.calls, 0);
    peer_sends(&wire, "o world");
    RUN_UNTIL(wire.loop, five.calls > 0);
    CHECK_READ(five, "hello");
    CHECK_OK(iostream_read_bytes(wire.stream, 0, on_read, &none, on_free));
    CHECK_INT(none.calls, 0);
    RUN_UNTIL(wire.loop, none.calls > 0);
    CHECK_READ(none, "");
    CHECK_OK(iostream_read_bytes(wire.stream, 6, on_read, &six, on_free));
    RUN_UNTIL(wire.loop, six.calls > 0);
    CHECK_READ(six, " world");
    free_wire(&wire);
}

/* A pattern that shows any byte out of place. */
static uint8_t byte_at(size_t offset) { return (uint8_t)((offset * 2654435761u) >> 13); }

struct large {
    int calls, wrong;
    size_t size;
};

static void on_large(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct large *large = ctx;
    (void)stream;
    if (status != IOLOOP_MORE) large->calls++;
    CHECK(status == IOLOOP_MORE || status == IOLOOP_OK);
    for (size_t i = 0; i < size; i++) large->wrong += data[i] != byte_at(large->size + i);
    large->size += size;
}

/* Sends size bytes of the pattern while the loop runs, until done is not 0. */
static void send_pattern(struct wire *wire, size_t size, const int *done) {
    static uint8_t data[70001];
    size_t sent = 0;
    for (int turns = 0; *done == 0; turns++) {
        CHECK(turns < 100000);
        size_t count = size - sent < sizeof data ? size - sent : sizeof data;
        for (size_t i = 0; i < count; i++) data[i] = byte_at(sent + i);
        ssize_t taken = count > 0 ? send(wire->peer, data, count, MSG_NOSIGNAL) : 0;
        sent += taken > 0 ? (size_t)taken : 0;
        CHECK(ioloop_run_once(wire->loop, 0) >= 0);
    }
}

static void many_bytes(void) {
    enum { SIZE = 5000001 };
    struct wire wire = new_wire();
    struct large large = {0};
    CHECK_OK(iostream_read_bytes(wire.stream, SIZE, on_large, &large, NULL));
    send_pattern(&wire, SIZE, &large.calls);
    CHECK_INT(large.size, SIZE);
    CHECK_INT(large.wrong, 0);
    free_wire(&wire);
}

static void partial(void) {
    struct wire wire = new_wire();
    struct record some = {0}, few = {0}, rest = {0}, refused = {0};
    CHECK_OK(iostream_read_partial(wire.stream, SIZE_MAX, on_read, &some, on_free));
    run_idle(wire.loop);
    CHECK_INT(some.calls, 0);
    peer_sends(&wire, "abc");
    RUN_UNTIL(wire.loop, some.calls > 0);
    CHECK_READ(some, "abc");
    peer_sends(&wire, "defgh");
    CHECK_OK(iostream_read_partial(wire.stream, 2, on_read, &few, on_free));
    RUN_UNTIL(wire.loop, few.calls > 0);
    CHECK_READ(few, "de");
    CHECK_OK(iostream_read_partial(wire.stream, 100, on_read, &rest, on_free));
    RUN_UNTIL(wire.loop, rest.calls > 0);
    CHECK_READ(rest, "fgh");
    CHECK_STATUS(iostream_read_partial(wire.stream, 0, on_read, &refused, on_free), IOLOOP_EINVAL);
    CHECK_INT(refused.frees, 1);
    free_wire(&wire);
}

static void into(void) {
    struct wire wire = new_wire();
    struct record line = {0}, all = {0}, some = {0}, none = {0}, refused = {0};
    char buffer[16] = "................";
    peer_sends(&wire, "line\nhel");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_OK(iostream_read_into(wire.stream, buffer, 5, on_read_into, &all, on_free));
    run_idle(wire.loop);
    CHECK_INT(all.calls, 0);
    peer_sends(&wire, "lo and more");
    RUN_UNTIL(wire.loop, all.calls > 0);
    CHECK_ENDED(all, IOLOOP_OK);
    CHECK_INT(all.size, 5);
    CHECK_BYTES(buffer, 6, "hello.");
    CHECK_OK(iostream_read_into_partial(wire.stream, buffer, sizeof buffer, on_read_into, &some, on_free));
    RUN_UNTIL(wire.loop, some.calls > 0);
    CHECK_ENDED(some, IOLOOP_OK);
    CHECK_INT(some.size, 9);
    CHECK_BYTES(buffer, 9, " and more");
    CHECK_OK(iostream_read_into(wire.stream, NULL, 0, on_read_into, &none, on_free));
    RUN_UNTIL(wire.loop, none.calls > 0);
    CHECK_ENDED(none, IOLOOP_OK);
    CHECK_INT(none.size, 0);
    CHECK_STATUS(iostream_read_into_partial(wire.stream, buffer, 0, on_read_into, &refused, on_free), IOLOOP_EINVAL);
    CHECK_INT(refused.frees, 1);
    free_wire(&wire);
}

/* The limit of the read buffer is not that of the caller's. */
static void much_into(void) {
    enum { SIZE = 3000000 };
    iostream_options_t options = stream_options();
    options.max_read_buffer = 10000;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record record = {0};
    uint8_t *buffer = malloc(SIZE);
    CHECK_OK(iostream_read_into(wire.stream, buffer, SIZE, on_read_into, &record, on_free));
    send_pattern(&wire, SIZE, &record.calls);
    CHECK_ENDED(record, IOLOOP_OK);
    CHECK_INT(record.size, SIZE);
    int wrong = 0;
    for (size_t i = 0; i < SIZE; i++) wrong += buffer[i] != byte_at(i);
    CHECK_INT(wrong, 0);
    free(buffer);
    free_wire(&wire);
}

static void until_close(void) {
    struct wire wire = new_wire();
    struct record record = {0}, again = {0};
    CHECK_OK(iostream_read_until_close(wire.stream, on_read, &record, on_free));
    peer_sends(&wire, "all ");
    run_idle(wire.loop);
    peer_sends(&wire, "of it");
    run_idle(wire.loop);
    CHECK_INT(record.calls, 0);
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_READ(record, "all of it");
    CHECK_OK(iostream_read_until_close(wire.stream, on_read, &again, on_free));
    RUN_UNTIL(wire.loop, again.calls > 0);
    CHECK_READ(again, "");
    free_wire(&wire);
}

static void chunks_until_the_end(void) {
    enum { SIZE = 2000003 };
    struct wire wire = new_wire();
    struct large large = {0};
    CHECK_OK(iostream_read_chunks(wire.stream, SIZE, on_large, &large, NULL));
    send_pattern(&wire, SIZE, &large.calls);
    CHECK_INT(large.calls, 1);
    CHECK_INT(large.size, SIZE);
    CHECK_INT(large.wrong, 0);
    struct large rest = {0};
    CHECK_OK(iostream_read_chunks(wire.stream, UINT64_MAX, on_large, &rest, NULL));
    uint8_t first[] = {byte_at(0), byte_at(1)};
    CHECK_INT(write(wire.peer, first, 2), 2);
    RUN_UNTIL(wire.loop, rest.size == 2);
    CHECK_INT(rest.calls, 0);
    CHECK_INT(iostream_reading(wire.stream), 1);
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, rest.calls > 0);
    CHECK_INT(rest.size, 2);
    free_wire(&wire);
}

static void chunks_cut_short(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_OK(iostream_read_chunks(wire.stream, 100, on_read, &record, on_free));
    peer_sends(&wire, "only this");
    RUN_UNTIL(wire.loop, record.calls == 1);
    CHECK_STATUS(record.status, IOLOOP_MORE);
    CHECK_BYTES(record.data, record.size, "only this");
    CHECK_INT(record.frees, 0);
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, record.calls == 2);
    CHECK_STATUS(record.status, IOLOOP_EEOF);
    CHECK_INT(record.size, 0);
    CHECK_INT(record.frees, 1);
    free_wire(&wire);
}

static void one_read_at_a_time(void) {
    struct wire wire = new_wire();
    struct record first = {0};
    char buffer[4];
    CHECK_OK(iostream_read_bytes(wire.stream, 3, on_read, &first, on_free));
#define CHECK_BUSY(call)                  \
    do {                                  \
        struct record second = {0};       \
        CHECK_STATUS(call, IOLOOP_EBUSY); \
        CHECK_INT(second.frees, 1);       \
    } while (0)
    CHECK_BUSY(READ_UNTIL(wire.stream, "\n", 0, &second));
    CHECK_BUSY(iostream_read_bytes(wire.stream, 1, on_read, &second, on_free));
    CHECK_BUSY(iostream_read_partial(wire.stream, 1, on_read, &second, on_free));
    CHECK_BUSY(iostream_read_into(wire.stream, buffer, 1, on_read_into, &second, on_free));
    CHECK_BUSY(iostream_read_into_partial(wire.stream, buffer, 1, on_read_into, &second, on_free));
    CHECK_BUSY(iostream_read_until_close(wire.stream, on_read, &second, on_free));
    CHECK_BUSY(iostream_read_chunks(wire.stream, 1, on_read, &second, on_free));
    CHECK_STATUS(iostream_consume(wire.stream, 0), IOLOOP_EBUSY);
    peer_sends(&wire, "abc");
    RUN_UNTIL(wire.loop, first.calls > 0);
    CHECK_READ(first, "abc");
    free_wire(&wire);
}

TEST_MAIN(TEST(until), TEST(until_finds_overlapping_delimiters), TEST(until_with_zero_bytes),
          TEST(until_empty_delimiter), TEST(until_regex), TEST(bytes), TEST(many_bytes), TEST(partial), TEST(into),
          TEST(much_into), TEST(until_close), TEST(chunks_until_the_end), TEST(chunks_cut_short),
          TEST(one_read_at_a_time))
