/* The ends of a stream, told apart: the peer's end, a broken connection, this side's close, and what is still readable
 * after each; the close callback, half-open streams, and closing in good order. */
#include "capi_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* A TCP connection: the stream on one side, a plain socket on the other. Only TCP knows a reset. */
static struct wire new_tcp_wire(const iostream_options_t *options) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct wire wire = {.loop = new_loop()};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(listener, 1), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    wire.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(wire.peer, (struct sockaddr *)&address, size), 0);
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(accepted >= 0);
    CHECK_INT(fcntl(wire.peer, F_SETFL, O_NONBLOCK), 0);
    CHECK_OK(iostream_new(&wire.stream, wire.loop, accepted, options));
    close(listener);
    return wire;
}

static void peer_resets(struct wire *wire) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    CHECK_INT(setsockopt(wire->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    peer_closes(wire);
}

static void peer_ends_sending(struct wire *wire) { CHECK_INT(shutdown(wire->peer, SHUT_WR), 0); }

static void end_of_data(void) {
    struct wire wire = new_wire();
    struct record read = {.name = "read"}, close = {.name = "close"}, rest = {0}, more = {0}, nothing = {0};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    peer_sends(&wire, "no line");
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, close.calls > 0);
    CHECK_JOURNAL("read close");
    CHECK_ENDED(read, IOLOOP_EEOF);
    CHECK_INT(read.size, 0);
    CHECK_ENDED(close, IOLOOP_EEOF);
    CHECK_INT(iostream_closed(wire.stream), 1);
    /* What had arrived is still there. */
    CHECK_INT(iostream_read_buffered(wire.stream), 7);
    CHECK_OK(iostream_read_bytes(wire.stream, 3, on_read, &rest, on_free));
    RUN_UNTIL(wire.loop, rest.calls > 0);
    CHECK_READ(rest, "no ");
    CHECK_OK(iostream_read_partial(wire.stream, SIZE_MAX, on_read, &more, on_free));
    RUN_UNTIL(wire.loop, more.calls > 0);
    CHECK_READ(more, "line");
    CHECK_OK(iostream_read_bytes(wire.stream, 0, on_read, &nothing, on_free));
    RUN_UNTIL(wire.loop, nothing.calls > 0);
    CHECK_READ(nothing, "");
    free_wire(&wire);
}

/* The data that comes together with the end satisfies reads as ever. */
static void data_and_end_together(void) {
    struct wire wire = new_wire();
    struct record one = {0}, two = {0}, none = {0};
    peer_sends(&wire, "one\ntwo\n");
    peer_closes(&wire);
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &one));
    RUN_UNTIL(wire.loop, one.calls > 0);
    CHECK_READ(one, "one\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &two));
    RUN_UNTIL(wire.loop, two.calls > 0);
    CHECK_READ(two, "two\n");
    int32_t status = READ_UNTIL(wire.stream, "\n", 0, &none);
    CHECK_OK(status);
    RUN_UNTIL(wire.loop, none.calls > 0);
    CHECK_ENDED(none, IOLOOP_EEOF);
    free_wire(&wire);
}

static void every_read_ends(void) {
    static char buffer[10];
    for (int kind = 0; kind < 5; kind++) {
        struct wire wire = new_wire();
        struct record record = {0}, rest = {0};
        peer_sends(&wire, "abc");
        switch (kind) {
            case 0:
                CHECK_OK(iostream_read_bytes(wire.stream, 10, on_read, &record, on_free));
                break;
            case 1:
                CHECK_OK(iostream_read_into(wire.stream, buffer, 10, on_read_into, &record, on_free));
                break;
            case 2:
                CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &record));
                break;
            case 3:
                if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) {
                    free_wire(&wire);
                    continue;
                }
                CHECK_OK(iostream_read_until_regex(wire.stream, "[xyz]", 5, 0, on_read, &record, on_free));
                break;
            default:
                CHECK_OK(iostream_read_bytes(wire.stream, 4, on_read, &record, on_free));
        }
        run_idle(wire.loop);
        CHECK_INT(record.calls, 0);
        peer_closes(&wire);
        RUN_UNTIL(wire.loop, record.calls > 0);
        CHECK_ENDED(record, IOLOOP_EEOF);
        CHECK_INT(record.size, 0);
        CHECK_OK(iostream_read_until_close(wire.stream, on_read, &rest, on_free));
        RUN_UNTIL(wire.loop, rest.calls > 0);
        CHECK_READ(rest, "abc");
        free_wire(&wire);
    }
}

static void H_D10_reset(void) {
    struct wire wire = new_tcp_wire(NULL);
    struct record read = {0}, close = {0}, write = {0};
    ioloop_error_info_t info = {.size = sizeof info};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    peer_sends(&wire, "half a line");
    RUN_UNTIL(wire.loop, iostream_read_buffered(wire.stream) == 11);
    peer_resets(&wire);
    RUN_UNTIL(wire.loop, close.calls > 0);
    CHECK_ENDED(read, IOLOOP_ERESET);
    CHECK_ENDED(close, IOLOOP_ERESET);
    CHECK_INT(iostream_read_buffered(wire.stream), 11);
    CHECK_STATUS(iostream_write(wire.stream, "x", 1, on_status, &write, on_free), IOLOOP_ECLOSED);
    CHECK_INT(write.frees, 1);
    CHECK_OK(iostream_error(wire.stream, &info));
    CHECK(info.text != NULL && info.text[0] != '\0');
    free_wire(&wire);
}

static void until_close_on_reset(void) {
    struct wire wire = new_tcp_wire(NULL);
    struct record read = {0};
    CHECK_OK(iostream_read_until_close(wire.stream, on_read, &read, on_free));
    peer_sends(&wire, "what came");
    RUN_UNTIL(wire.loop, iostream_read_buffered(wire.stream) == 9);
    peer_resets(&wire);
    RUN_UNTIL(wire.loop, read.calls > 0);
    CHECK_ENDED(read, IOLOOP_ERESET);
    CHECK_BYTES(read.data, read.size, "what came");
    free_wire(&wire);
}

static void own_close(void) {
    struct wire wire = new_wire();
    struct record read = {.name = "read"}, write = {.name = "write"}, close = {.name = "close"};
    static char much[4 << 20];
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, on_status, &write, on_free));
    run_idle(wire.loop);
    CHECK_OK(iostream_close(wire.stream));
    CHECK_INT(read.calls + write.calls + close.calls, 0);
    CHECK_INT(iostream_closed(wire.stream), 1);
    CHECK_STATUS(iostream_fileno(wire.stream), IOLOOP_ECLOSED);
    CHECK_OK(iostream_close(wire.stream));
    run_idle(wire.loop);
    CHECK_ENDED(read, IOLOOP_ECLOSED);
    CHECK_ENDED(write, IOLOOP_ECLOSED);
    CHECK_ENDED(close, IOLOOP_ECLOSED);
    CHECK(strcmp(journal, "read write close") == 0 || strcmp(journal, "write read close") == 0);
    CHECK_OK(iostream_close(wire.stream));
    run_idle(wire.loop);
    CHECK_INT(close.calls, 1);
    free_wire(&wire);
}

/* A read that the buffer satisfies succeeds although the stream was closed before it could be delivered. */
static void own_close_keeps_results(void) {
    struct wire wire = new_wire();
    struct record first = {0}, second = {0}, third = {0};
    peer_sends(&wire, "one\ntwo\nthree\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &first));
    RUN_UNTIL(wire.loop, first.calls > 0);
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &second));
    CHECK_OK(iostream_close(wire.stream));
    RUN_UNTIL(wire.loop, second.calls > 0);
    CHECK_READ(second, "two\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &third));
    RUN_UNTIL(wire.loop, third.calls > 0);
    CHECK_READ(third, "three\n");
    free_wire(&wire);
}

static void close_callback_on_closed_stream(void) {
    struct wire wire = new_wire();
    struct record record = {0}, late = {0};
    CHECK_OK(iostream_close(wire.stream));
    run_idle(wire.loop);
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &record, on_free));
    CHECK_INT(record.calls, 0);
    CHECK_STATUS(iostream_set_close_callback(wire.stream, on_status, &late, on_free), IOLOOP_ESTATE);
    CHECK_INT(late.frees, 1);
    RUN_UNTIL(wire.loop, record.calls > 0);
    CHECK_ENDED(record, IOLOOP_ECLOSED);
    free_wire(&wire);
}

static void close_callback_replaced_and_removed(void) {
    struct wire wire = new_wire();
    struct record first = {0}, second = {0}, third = {0};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &first, on_free));
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &second, on_free));
    CHECK_INT(first.frees, 1);
    CHECK_OK(iostream_set_close_callback(wire.stream, NULL, NULL, NULL));
    CHECK_INT(second.frees, 1);
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &third, on_free));
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, third.calls > 0);
    CHECK_INT(first.calls + second.calls, 0);
    CHECK_ENDED(third, IOLOOP_EEOF);
    free_wire(&wire);
}

/* Nobody reads, yet the end is noticed when somebody asked to be told. */
static void idle_stream_notices_the_end(void) {
    for (int reset = 0; reset < 2; reset++) {
        struct wire wire = new_tcp_wire(NULL);
        struct record close = {0};
        CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
        run_idle(wire.loop);
        if (reset)
            peer_resets(&wire);
        else
            peer_closes(&wire);
        RUN_UNTIL(wire.loop, close.calls > 0);
        CHECK_ENDED(close, reset ? IOLOOP_ERESET : IOLOOP_EEOF);
        free_wire(&wire);
    }
}

static void H_D13_half_open(void) {
    iostream_options_t options = stream_options();
    options.flags = IOSTREAM_HALF_OPEN;
    struct wire wire = new_tcp_wire(&options);
    struct record line = {0}, end = {0}, write = {0}, close = {0}, until_close = {0};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    peer_sends(&wire, "question\n");
    peer_ends_sending(&wire);
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_READ(line, "question\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &end));
    RUN_UNTIL(wire.loop, end.calls > 0);
    CHECK_ENDED(end, IOLOOP_EEOF);
    CHECK_INT(iostream_closed(wire.stream), 0);
    uint64_t waits = stats_of(wire.loop).waits;
    CHECK(ioloop_run_once(wire.loop, 20 * MS) >= 0); /* the end of data must not keep the loop awake */
    CHECK(stats_of(wire.loop).waits - waits <= 2);
    CHECK_OK(iostream_write(wire.stream, "answer", 6, on_status, &write, on_free));
    RUN_UNTIL(wire.loop, write.calls > 0);
    CHECK_ENDED(write, IOLOOP_OK);
    CHECK_OK(iostream_read_until_close(wire.stream, on_read, &until_close, on_free));
    RUN_UNTIL(wire.loop, until_close.calls > 0);
    CHECK_READ(until_close, "");
    CHECK_INT(close.calls, 0);
    CHECK_OK(iostream_close(wire.stream));
    RUN_UNTIL(wire.loop, close.calls > 0);
    CHECK_ENDED(close, IOLOOP_ECLOSED);
    CHECK_TEXT(peer_received(&wire), "answer");
    free_wire(&wire);
}

/* A close with unread input would break the connection, and the peer would lose the answer in flight. */
static void H_D11_close_graceful(void) {
    struct wire wire = new_tcp_wire(NULL);
    struct record read = {0}, close = {0}, write = {0};
    static char answer[300000];
    memset(answer, 'a', sizeof answer);
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(iostream_write(wire.stream, answer, sizeof answer, on_status, &write, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    peer_sends(&wire, "input that nobody reads");
    CHECK_STATUS(iostream_close_graceful(wire.stream, -2), IOLOOP_EINVAL);
    CHECK_OK(iostream_close_graceful(wire.stream, 10 * SECOND));
    CHECK_OK(iostream_close_graceful(wire.stream, 10 * SECOND));
    size_t received = 0;
    for (int turns = 0; received < sizeof answer; turns++) {
        static char buffer[65536];
        ssize_t size = recv(wire.peer, buffer, sizeof buffer, 0);
        CHECK(size != 0 && turns < 100000);
        received += size > 0 ? (size_t)size : 0;
        CHECK(ioloop_run_once(wire.loop, 0) >= 0);
    }
    RUN_UNTIL(wire.loop, peer_at_end(&wire));
    CHECK_ENDED(read, IOLOOP_ECLOSED);
    CHECK_ENDED(write, IOLOOP_OK);
    CHECK_INT(close.calls, 0);
    peer_sends(&wire, "and more of it");
    run_idle(wire.loop);
    peer_closes(&wire);
    RUN_UNTIL(wire.loop, close.calls > 0);
    CHECK_ENDED(close, IOLOOP_ECLOSED);
    CHECK_OK(iostream_close_graceful(wire.stream, 0));
    free_wire(&wire);
}

static void close_graceful_gives_up(void) {
    struct wire wire = new_tcp_wire(NULL);
    struct record close = {0};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(iostream_close_graceful(wire.stream, 20 * MS));
    RUN_UNTIL(wire.loop, close.calls > 0);
    CHECK(ioloop_clock_ns() - begin >= 20 * MS);
    CHECK_ENDED(close, IOLOOP_ETIMEDOUT);
    CHECK_INT(iostream_closed(wire.stream), 1);
    free_wire(&wire);
}

static void free_says_nothing(void) {
    struct wire wire = new_wire();
    struct record read = {0}, close = {0}, write = {0};
    CHECK_OK(iostream_set_close_callback(wire.stream, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    CHECK_OK(iostream_write(wire.stream, "lost", 4, on_status, &write, on_free));
    iostream_free(wire.stream);
    run_idle(wire.loop);
    CHECK_INT(read.calls + close.calls + write.calls, 0);
    CHECK_INT(read.frees, 1);
    CHECK_INT(close.frees, 1);
    CHECK_INT(write.frees, 1);
    CHECK(peer_at_end(&wire));
    free_wire(&wire);
}

static void fileno_and_nodelay(void) {
    struct wire tcp = new_tcp_wire(NULL), unix_socket = new_wire();
    int fd = iostream_fileno(tcp.stream);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_OK(iostream_set_nodelay(tcp.stream, 1));
    CHECK_OK(iostream_set_nodelay(tcp.stream, 0));
    CHECK_OK(iostream_set_nodelay(unix_socket.stream, 1));
    CHECK_STATUS(iostream_set_nodelay(tcp.stream, 2), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_set_nodelay(tcp.stream, -1), IOLOOP_EINVAL);
    free_wire(&tcp);
    free_wire(&unix_socket);
}

TEST_MAIN(TEST(end_of_data), TEST(data_and_end_together), TEST(every_read_ends), TEST(H_D10_reset),
          TEST(until_close_on_reset), TEST(own_close), TEST(own_close_keeps_results),
          TEST(close_callback_on_closed_stream), TEST(close_callback_replaced_and_removed),
          TEST(idle_stream_notices_the_end), TEST(H_D13_half_open), TEST(H_D11_close_graceful),
          TEST(close_graceful_gives_up), TEST(free_says_nothing), TEST(fileno_and_nodelay))
