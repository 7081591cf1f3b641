/* Writes: order, what is reported and when, owned memory, gathering, half-close. */
#include "capi_test.h"

static void write_and_report(void) {
    struct wire wire = new_wire();
    struct record first = {.name = "first"}, second = {.name = "second"};
    CHECK_OK(iostream_write(wire.stream, "one ", 4, on_status, &first, on_free));
    CHECK_OK(iostream_write(wire.stream, "two", 3, on_status, &second, on_free));
    CHECK_INT(first.calls + second.calls, 0);
    CHECK_INT(iostream_writing(wire.stream), 1);
    CHECK_INT(iostream_write_buffered(wire.stream), 7);
    RUN_UNTIL(wire.loop, second.calls > 0);
    CHECK_JOURNAL("first second");
    CHECK_ENDED(first, IOLOOP_OK);
    CHECK_ENDED(second, IOLOOP_OK);
    CHECK(first.object == wire.stream);
    CHECK_INT(iostream_writing(wire.stream), 0);
    CHECK_INT(iostream_write_buffered(wire.stream), 0);
    CHECK_TEXT(peer_received(&wire), "one two");
    free_wire(&wire);
}

static void unreported_write(void) {
    struct wire wire = new_wire();
    ioloop_event_t event;
    CHECK_OK(iostream_write(wire.stream, "hello", 5, NULL, NULL, NULL));
    CHECK_INT(ioloop_poll(wire.loop, &event, 1, 0), 0);
    run_idle(wire.loop);
    CHECK_TEXT(peer_received(&wire), "hello");
    CHECK_INT(ioloop_poll(wire.loop, &event, 1, 0), 0);
    free_wire(&wire);
}

/* The bytes are copied: the caller's may change at once. */
static void data_is_copied(void) {
    struct wire wire = new_wire();
    char small[] = "before";
    static char big[100000];
    memset(big, 'b', sizeof big);
    CHECK_OK(iostream_write(wire.stream, small, 6, NULL, NULL, NULL));
    CHECK_OK(iostream_write(wire.stream, big, sizeof big, NULL, NULL, NULL));
    memset(small, 'x', 6);
    memset(big, 'x', sizeof big);
    run_idle(wire.loop);
    const char *received = peer_received(&wire);
    CHECK_BYTES(received, 6, "before");
    CHECK(strspn(received + 6, "b") == strlen(received + 6));
    free_wire(&wire);
}

static void zero_bytes(void) {
    struct wire wire = new_wire();
    struct record alone = {.name = "alone"}, before = {.name = "before"}, after = {.name = "after"};
    CHECK_OK(iostream_write(wire.stream, NULL, 0, on_status, &alone, on_free));
    CHECK_INT(alone.calls, 0);
    RUN_UNTIL(wire.loop, alone.calls > 0);
    CHECK_ENDED(alone, IOLOOP_OK);
    CHECK_OK(iostream_write(wire.stream, "x", 1, on_status, &before, on_free));
    CHECK_OK(iostream_write(wire.stream, NULL, 0, on_status, &after, on_free));
    RUN_UNTIL(wire.loop, after.calls > 0);
    CHECK_JOURNAL("alone before after");
    free_wire(&wire);
}

static void null_data(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_STATUS(iostream_write(wire.stream, NULL, 1, on_status, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    CHECK_INT(iostream_write_buffered(wire.stream), 0);
    free_wire(&wire);
}

/* Receives what the stream sends until size bytes have come; every byte must be in its place. */
static void receive_pattern(struct wire *wire, size_t size) {
    static uint8_t data[65536];
    size_t received = 0;
    int wrong = 0;
    for (int turns = 0; received < size; turns++) {
        CHECK(turns < 1000000);
        ssize_t count = recv(wire->peer, data, sizeof data, 0);
        for (ssize_t i = 0; i < count; i++) wrong += data[i] != (uint8_t)((received + (size_t)i) % 251);
        received += count > 0 ? (size_t)count : 0;
        CHECK(ioloop_run_once(wire->loop, 0) >= 0);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(received, size);
}

static void H_D2_partial_writes(void) {
    enum { SIZE = 6000000 };
    struct wire wire = new_wire();
    struct record record = {0};
    uint8_t *data = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) data[i] = (uint8_t)(i % 251);
    size_t at = 0;
    for (size_t piece = 1; at < SIZE; at += piece, piece = piece * 3 + 1) {
        piece = piece < SIZE - at ? piece : SIZE - at;
        CHECK_OK(iostream_write(wire.stream, data + at, piece, NULL, NULL, NULL));
    }
    CHECK_OK(iostream_write(wire.stream, NULL, 0, on_status, &record, on_free));
    free(data);
    run_idle(wire.loop);
    CHECK_INT(record.calls, 0);
    receive_pattern(&wire, SIZE);
    run_idle(wire.loop);
    CHECK_ENDED(record, IOLOOP_OK);
    free_wire(&wire);
}

static void owned(void) {
    struct wire wire = new_wire();
    struct record release = {0}, record = {0};
    static char data[300000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i % 251);
    CHECK_OK(iostream_write_owned(wire.stream, data, sizeof data, on_free, &release, on_status, &record, on_free));
    CHECK_INT(release.frees, 0);
    run_idle(wire.loop);
    CHECK_INT(release.frees, 0); /* the peer has not read it all yet, so it is still needed */
    receive_pattern(&wire, sizeof data);
    run_idle(wire.loop);
    CHECK_INT(release.frees, 1);
    CHECK_ENDED(record, IOLOOP_OK);
    free_wire(&wire);
}

static void owned_small(void) {
    struct wire wire = new_wire();
    struct record release = {0}, empty = {0};
    CHECK_OK(iostream_write_owned(wire.stream, "tiny", 4, on_free, &release, NULL, NULL, NULL));
    CHECK_OK(iostream_write_owned(wire.stream, NULL, 0, on_free, &empty, NULL, NULL, NULL));
    run_idle(wire.loop);
    CHECK_INT(release.frees, 1);
    CHECK_INT(empty.frees, 1);
    CHECK_TEXT(peer_received(&wire), "tiny");
    free_wire(&wire);
}

/* However such a write ends, its memory is released once. */
static void owned_released_at_every_end(void) {
    static char data[8 << 20];
    for (int way = 0; way < 6; way++) {
        struct wire wire = new_wire();
        struct record release = {0}, record = {0};
        int32_t expected = IOLOOP_OK;
        if (way == 0) {
            CHECK_OK(iostream_close(wire.stream));
            expected = IOLOOP_ECLOSED;
        } else if (way == 1) {
            CHECK_OK(iostream_set_limits(wire.stream, 1000, 1000));
            expected = IOLOOP_EFULL;
        }
        CHECK_STATUS(
            iostream_write_owned(wire.stream, data, sizeof data, on_free, &release, on_status, &record, on_free),
            expected);
        CHECK_INT(release.frees, expected == IOLOOP_OK ? 0 : 1);
        CHECK_INT(record.frees, expected == IOLOOP_OK ? 0 : 1);
        run_idle(wire.loop);
        if (way == 2) {
            CHECK_OK(iostream_close(wire.stream));
            RUN_UNTIL(wire.loop, record.calls > 0);
            CHECK_ENDED(record, IOLOOP_ECLOSED);
        } else if (way == 3) {
            peer_closes(&wire);
            RUN_UNTIL(wire.loop, record.calls > 0);
            CHECK_ENDED(record, IOLOOP_ERESET);
        } else if (way == 4) {
            iostream_free(wire.stream);
            run_idle(wire.loop);
        }
        if (way != 5) CHECK_INT(release.frees, 1);
        free_wire(&wire);
        CHECK_INT(release.frees, 1);
        CHECK_INT(record.frees, 1);
    }
}

static void owned_needs_release(void) {
    struct wire wire = new_wire();
    struct record record = {0};
    CHECK_STATUS(iostream_write_owned(wire.stream, "x", 1, NULL, NULL, on_status, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    free_wire(&wire);
}

static void gathered(void) {
    struct wire wire = new_wire();
    struct record record = {0}, refused = {0};
    const iostream_piece_t pieces[] = {{"one", 3}, {NULL, 0}, {", ", 2}, {"two", 3}};
    CHECK_OK(iostream_writev(wire.stream, pieces, 4, on_status, &record, on_free));
    CHECK_INT(iostream_write_buffered(wire.stream), 8);
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_OK);
    CHECK_TEXT(peer_received(&wire), "one, two");
    CHECK_OK(iostream_writev(wire.stream, NULL, 0, NULL, NULL, NULL));
    CHECK_STATUS(iostream_writev(wire.stream, pieces, 65537, on_status, &refused, on_free), IOLOOP_EINVAL);
    CHECK_INT(refused.frees, 1);
    memset(&refused, 0, sizeof refused);
    CHECK_STATUS(iostream_writev(wire.stream, NULL, 2, on_status, &refused, on_free), IOLOOP_EINVAL);
    CHECK_INT(refused.frees, 1);
    free_wire(&wire);
}

/* Many small writes are one send. */
static void writes_are_sent_together(void) {
    struct wire wire = new_wire();
    uint64_t before = stats_of(wire.loop).sends;
    for (int i = 0; i < 100; i++) CHECK_OK(iostream_write(wire.stream, "x", 1, NULL, NULL, NULL));
    CHECK_TEXT(peer_received(&wire), "");
    run_idle(wire.loop);
    CHECK_INT(stats_of(wire.loop).sends - before, 1);
    CHECK_INT(stats_of(wire.loop).bytes_sent, 100);
    CHECK_INT(strlen(peer_received(&wire)), 100);
    free_wire(&wire);
}

static void flush(void) {
    struct wire wire = new_wire();
    static char much[4 << 20];
    CHECK_OK(iostream_write(wire.stream, "now", 3, NULL, NULL, NULL));
    CHECK_INT(iostream_flush(wire.stream), 0);
    CHECK_TEXT(peer_received(&wire), "now");
    CHECK_INT(iostream_flush(wire.stream), 0);
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, NULL, NULL, NULL));
    int32_t unsent = iostream_flush(wire.stream);
    CHECK(unsent > 0 && unsent < (int32_t)sizeof much);
    CHECK_INT(iostream_write_buffered(wire.stream), unsent);
    CHECK_OK(iostream_close(wire.stream));
    CHECK_STATUS(iostream_flush(wire.stream), IOLOOP_ECLOSED);
    free_wire(&wire);
}

static void half_close(void) {
    struct wire wire = new_wire();
    struct record last = {.name = "last"}, ended = {.name = "ended"}, refused = {0}, line = {0};
    CHECK_OK(iostream_write(wire.stream, "last words", 10, on_status, &last, on_free));
    CHECK_OK(iostream_close_write(wire.stream, on_status, &ended, on_free));
    CHECK_STATUS(iostream_write(wire.stream, "x", 1, on_status, &refused, on_free), IOLOOP_ESTATE);
    CHECK_INT(refused.frees, 1);
    memset(&refused, 0, sizeof refused);
    CHECK_STATUS(iostream_close_write(wire.stream, on_status, &refused, on_free), IOLOOP_ESTATE);
    CHECK_INT(refused.frees, 1);
    RUN_UNTIL(wire.loop, ended.calls > 0);
    CHECK_JOURNAL("last ended");
    CHECK_ENDED(ended, IOLOOP_OK);
    CHECK_TEXT(peer_received(&wire), "last words");
    CHECK(peer_at_end(&wire));
    /* Reading goes on. */
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    peer_sends(&wire, "answer\n");
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_READ(line, "answer\n");
    free_wire(&wire);
}

static void pipes(void) {
    ioloop_t *loop = new_loop();
    iostream_t *reading, *writing;
    struct record line = {0}, refused = {0};
    int fds[2];
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    CHECK_OK(iostream_new(&reading, loop, fds[0], NULL));
    CHECK_OK(iostream_new(&writing, loop, fds[1], NULL));
    CHECK_STATUS(iostream_close_write(reading, on_status, &refused, on_free), IOLOOP_ENOTSUP);
    CHECK_INT(refused.frees, 1);
    CHECK_OK(READ_UNTIL(reading, "\n", 0, &line));
    CHECK_OK(iostream_write(writing, "through a pipe\n", 15, NULL, NULL, NULL));
    RUN_UNTIL(loop, line.calls > 0);
    CHECK_READ(line, "through a pipe\n");
    ioloop_free(loop);
}

/* Nobody reads: a signal that ends processes must not be sent to this one. */
static void H_D12_no_sigpipe(void) {
    ioloop_t *loop = new_loop();
    struct record socket_write = {0}, pipe_write = {0};
    iostream_t *one, *other, *writing;
    int fds[2];
    CHECK_OK(iostream_new_pair(&one, &other, loop, NULL));
    iostream_free(other);
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    CHECK_OK(iostream_new(&writing, loop, fds[1], NULL));
    close(fds[0]);
    CHECK_OK(iostream_write(one, "x", 1, on_status, &socket_write, on_free));
    CHECK_OK(iostream_write(writing, "x", 1, on_status, &pipe_write, on_free));
    RUN_UNTIL(loop, socket_write.calls > 0 && pipe_write.calls > 0);
    CHECK_ENDED(socket_write, IOLOOP_ERESET);
    CHECK_ENDED(pipe_write, IOLOOP_ERESET);
    CHECK_INT(iostream_closed(one), 1);
    ioloop_free(loop);
}

TEST_MAIN(TEST(write_and_report), TEST(unreported_write), TEST(data_is_copied), TEST(zero_bytes), TEST(null_data),
          TEST(H_D2_partial_writes), TEST(owned), TEST(owned_small), TEST(owned_released_at_every_end),
          TEST(owned_needs_release), TEST(gathered), TEST(writes_are_sent_together), TEST(flush), TEST(half_close),
          TEST(pipes), TEST(H_D12_no_sigpipe))
