/* The pull queue: every kind of result as an event, its tag, and draining a closed loop. */
#include "capi_test.h"

static void *tag(uintptr_t number) { return (void *)number; }

/* The next event. A loop that has one does not wait for more. */
static ioloop_event_t next_event(ioloop_t *loop) {
    ioloop_event_t event;
    int64_t begin = ioloop_clock_ns();
    memset(&event, 0xff, sizeof event);
    CHECK_INT(ioloop_poll(loop, &event, 1, 10 * SECOND), 1);
    CHECK(ioloop_clock_ns() - begin < 5 * SECOND);
    CHECK_INT(event.reserved, 0);
    return event;
}

static void check_event(const ioloop_event_t *event, uint32_t type, int32_t status, uintptr_t number) {
    CHECK_INT(event->type, type);
    CHECK_STATUS(event->status, status);
    CHECK_INT(event->tag, number);
}

static void check_no_event(ioloop_t *loop) {
    ioloop_event_t event;
    for (int i = 0; i < 5; i++) CHECK_INT(ioloop_poll(loop, &event, 1, 0), 0);
}

static void arguments(void) {
    ioloop_t *loop = new_loop();
    ioloop_event_t event;
    CHECK_STATUS(ioloop_poll(loop, &event, 0, 0), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_poll(loop, NULL, 1, 0), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_poll(loop, &event, 1, -2), IOLOOP_EINVAL);
    CHECK_INT(ioloop_poll(loop, &event, 1, 0), 0);
    int64_t begin = ioloop_clock_ns();
    CHECK_INT(ioloop_poll(loop, &event, 1, 20 * MS), 0);
    CHECK(ioloop_clock_ns() - begin >= 20 * MS);
    CHECK_OK(ioloop_wake(loop));
    CHECK_INT(ioloop_poll(loop, &event, 1, 10 * SECOND), 0);
    CHECK(ioloop_clock_ns() - begin < 5 * SECOND);
    ioloop_free(loop);
}

static void handler(void) {
    ioloop_t *loop = new_loop();
    int fds[2];
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    CHECK_OK(ioloop_add_handler(loop, fds[0], IOLOOP_READ, NULL, tag(7), NULL));
    check_no_event(loop);
    CHECK_INT(write(fds[1], "x", 1), 1);
    for (int i = 0; i < 2; i++) {
        ioloop_event_t event = next_event(loop);
        check_event(&event, IOLOOP_EVENT_HANDLER, IOLOOP_OK, 7);
        CHECK_INT(event.op, fds[0]);
        CHECK_INT(event.value, IOLOOP_READ);
        CHECK(event.object == NULL);
    }
    char byte;
    CHECK_INT(read(fds[0], &byte, 1), 1);
    check_no_event(loop);
    CHECK_OK(ioloop_remove_handler(loop, fds[0]));
    ioloop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

static void callback(void) {
    ioloop_t *loop = new_loop();
    CHECK_OK(ioloop_add_callback(loop, NULL, tag(8), NULL));
    CHECK_OK(ioloop_add_callback(loop, NULL, tag(UINTPTR_MAX), NULL));
    ioloop_event_t event = next_event(loop);
    check_event(&event, IOLOOP_EVENT_CALLBACK, IOLOOP_OK, 8);
    event = next_event(loop);
    check_event(&event, IOLOOP_EVENT_CALLBACK, IOLOOP_OK, UINTPTR_MAX);
    check_no_event(loop);
    ioloop_free(loop);
}

static void timeouts(void) {
    ioloop_t *loop = new_loop();
    uint64_t fired = 0, cancelled = 0;
    CHECK_OK(ioloop_call_later(loop, &fired, 5 * MS, NULL, tag(9), NULL));
    CHECK_OK(ioloop_call_later(loop, &cancelled, 0, NULL, tag(10), NULL));
    CHECK_OK(ioloop_remove_timeout(loop, cancelled));
    ioloop_event_t event = next_event(loop);
    check_event(&event, IOLOOP_EVENT_TIMEOUT, IOLOOP_ECANCELED, 10);
    CHECK_INT(event.op, cancelled);
    event = next_event(loop);
    check_event(&event, IOLOOP_EVENT_TIMEOUT, IOLOOP_OK, 9);
    CHECK_INT(event.op, fired);
    check_no_event(loop);
    ioloop_free(loop);
}

static void signals(void) {
    ioloop_t *loop = new_loop();
    CHECK_OK(ioloop_add_signal(loop, SIGUSR1, NULL, tag(11), NULL));
    raise(SIGUSR1);
    raise(SIGUSR1);
    uint64_t count = 0;
    while (count < 2) {
        ioloop_event_t event = next_event(loop);
        check_event(&event, IOLOOP_EVENT_SIGNAL, IOLOOP_OK, 11);
        CHECK_INT(event.op, SIGUSR1);
        CHECK(event.value >= 1);
        count += event.value;
    }
    CHECK_INT(count, 2);
    check_no_event(loop);
    CHECK_OK(ioloop_remove_signal(loop, SIGUSR1));
    ioloop_free(loop);
}

static void reads(void) {
    struct wire wire = new_wire();
    char buffer[16];
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(20), NULL));
    check_no_event(wire.loop);
    peer_sends(&wire, "line\nabcdefghijkl");
    ioloop_event_t event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 20);
    CHECK(event.object == wire.stream);
    CHECK_BYTES(event.data, event.size, "line\n");
    CHECK_INT(iostream_reading(wire.stream), 0);

    CHECK_OK(iostream_read_bytes(wire.stream, 2, NULL, tag(21), NULL));
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 21);
    CHECK_BYTES(event.data, event.size, "ab");

    CHECK_OK(iostream_read_partial(wire.stream, 3, NULL, tag(22), NULL));
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 22);
    CHECK_BYTES(event.data, event.size, "cde");

    CHECK_OK(iostream_read_into(wire.stream, buffer, 4, NULL, tag(23), NULL));
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 23);
    CHECK(event.data == NULL);
    CHECK_INT(event.size, 4);
    CHECK_BYTES(buffer, 4, "fghi");

    CHECK_OK(iostream_read_chunks(wire.stream, 3, NULL, tag(24), NULL));
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_MORE, 24);
    CHECK_BYTES(event.data, event.size, "jkl");
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 24);
    CHECK_INT(event.size, 0);

    CHECK_OK(iostream_read_until_close(wire.stream, NULL, tag(25), NULL));
    peer_sends(&wire, "the rest");
    peer_closes(&wire);
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 25);
    CHECK_BYTES(event.data, event.size, "the rest");
    check_no_event(wire.loop);
    free_wire(&wire);
}

/* Data stays as it was until the next ioloop_poll, whatever the stream does meanwhile. */
static void data_is_lent_until_the_next_poll(void) {
    struct wire wire = new_wire();
    ioloop_event_t event;
    static char much[200000];
    memset(much, 'm', sizeof much);
    peer_sends(&wire, "first\nsecond\n");
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(1), NULL));
    event = next_event(wire.loop);
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(2), NULL));
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, NULL, NULL, NULL));
    CHECK_OK(iostream_close(wire.stream));
    CHECK_BYTES(event.data, event.size, "first\n");
    event = next_event(wire.loop);
    CHECK_BYTES(event.data, event.size, "second\n");
    free_wire(&wire);
}

static void cancelled_read(void) {
    struct wire wire = new_wire();
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(1), NULL));
    peer_sends(&wire, "line");
    check_no_event(wire.loop);
    CHECK_OK(iostream_cancel_read(wire.stream));
    ioloop_event_t event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_ECANCELED, 1);
    CHECK_INT(event.size, 0);
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(2), NULL));
    peer_sends(&wire, "\n");
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 2);
    CHECK_BYTES(event.data, event.size, "line\n");
    free_wire(&wire);
}

/* As with a function, the next read may be started at once; the event of the cancelled one comes first. */
static void next_read_after_a_cancelled_one(void) {
    struct wire wire = new_wire();
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(1), NULL));
    CHECK_OK(iostream_cancel_read(wire.stream));
    CHECK_STATUS(iostream_cancel_read(wire.stream), IOLOOP_ENOENT);
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(2), NULL));
    peer_sends(&wire, "line\n");
    ioloop_event_t event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_ECANCELED, 1);
    event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_READ, IOLOOP_OK, 2);
    CHECK_BYTES(event.data, event.size, "line\n");
    check_no_event(wire.loop);
    free_wire(&wire);
}

static void writes(void) {
    struct wire wire = new_wire();
    struct record release = {0};
    const iostream_piece_t pieces[] = {{"ab", 2}, {"c", 1}};
    CHECK_OK(iostream_write(wire.stream, "one", 3, NULL, tag(30), NULL));
    CHECK_OK(iostream_write(wire.stream, "unreported", 10, NULL, NULL, NULL));
    CHECK_OK(iostream_writev(wire.stream, pieces, 2, NULL, tag(31), NULL));
    CHECK_OK(iostream_write_owned(wire.stream, "owned", 5, on_free, &release, NULL, tag(32), NULL));
    CHECK_OK(iostream_write(wire.stream, NULL, 0, NULL, tag(33), NULL));
    CHECK_OK(iostream_close_write(wire.stream, NULL, tag(34), NULL));
    static const uint64_t sizes[] = {3, 3, 5, 0, 0};
    for (uintptr_t i = 0; i < 5; i++) {
        ioloop_event_t event = next_event(wire.loop);
        check_event(&event, IOLOOP_EVENT_WRITE, IOLOOP_OK, 30 + i);
        CHECK_INT(event.value, sizes[i]);
        CHECK(event.object == wire.stream);
    }
    check_no_event(wire.loop);
    CHECK_INT(release.frees, 1);
    CHECK_TEXT(peer_received(&wire), "oneunreportedabcowned");
    free_wire(&wire);
}

static void failed_writes(void) {
    struct wire wire = new_wire();
    static char much[8 << 20];
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, NULL, NULL, NULL));
    CHECK_OK(iostream_write(wire.stream, "x", 1, NULL, tag(1), NULL));
    check_no_event(wire.loop);
    CHECK_OK(iostream_close(wire.stream));
    ioloop_event_t event = next_event(wire.loop);
    check_event(&event, IOLOOP_EVENT_WRITE, IOLOOP_ECLOSED, 1);
    check_no_event(wire.loop);
    free_wire(&wire);
}

static void connect_accept_and_close(void) {
    ioloop_t *loop = new_loop();
    ioserver_t *server = NULL;
    iostream_t *client = NULL, *accepted = NULL;
    uint16_t port = 0;
    CHECK_OK(ioserver_new(&server, loop, NULL, NULL, NULL, tag(40), NULL));
    CHECK_OK(ioserver_listen(server, &port, "127.0.0.1", 9, 0));
    CHECK_OK(iostream_new(&client, loop, -1, NULL));
    CHECK_OK(iostream_set_close_callback(client, NULL, tag(42), NULL));
    CHECK_OK(iostream_connect(client, "127.0.0.1", 9, port, NULL, tag(41), NULL));
    for (int connected = 0; connected == 0 || accepted == NULL;) {
        ioloop_event_t event = next_event(loop);
        if (event.type == IOLOOP_EVENT_CONNECT) {
            check_event(&event, IOLOOP_EVENT_CONNECT, IOLOOP_OK, 41);
            CHECK(event.object == client);
            connected = 1;
        } else {
            check_event(&event, IOLOOP_EVENT_ACCEPT, IOLOOP_OK, 40);
            CHECK(event.object != NULL && event.object != client);
            accepted = event.object;
        }
    }
    iostream_free(accepted);
    ioloop_event_t event = next_event(loop);
    check_event(&event, IOLOOP_EVENT_CLOSE, IOLOOP_EEOF, 42);
    CHECK(event.object == client);
    check_no_event(loop);
    ioloop_free(loop);
}

/* What the queue may hold undelivered is bounded; accepting goes on as it is emptied. */
static void undelivered_accepts(void) {
    ioloop_t *loop = new_loop();
    ioserver_options_t options;
    ioserver_t *server = NULL;
    iostream_t *clients[20];
    struct record connected = {0};
    ioloop_event_t events[64];
    uint16_t port = 0;
    CHECK_OK(ioserver_options_init(&options, sizeof options));
    options.max_undelivered = 4;
    CHECK_OK(ioserver_new(&server, loop, &options, NULL, NULL, tag(1), NULL));
    CHECK_OK(ioserver_listen(server, &port, "127.0.0.1", 9, 0));
    for (int i = 0; i < 20; i++) {
        CHECK_OK(iostream_new(&clients[i], loop, -1, NULL));
        CHECK_OK(iostream_connect(clients[i], "127.0.0.1", 9, port, on_status, &connected, NULL));
    }
    for (int turn = 0; turn < 10; turn++) CHECK(ioloop_run_once(loop, MS) >= 0);
    CHECK(ioserver_connections(server) <= 4);
    for (int accepted = 0; accepted < 20;) {
        int32_t count = ioloop_poll(loop, events, 64, 10 * SECOND);
        CHECK(count > 0 && count <= 4);
        for (int32_t i = 0; i < count; i++) check_event(&events[i], IOLOOP_EVENT_ACCEPT, IOLOOP_OK, 1);
        accepted += count;
    }
    ioloop_free(loop);
}

static void free_ctx_after_the_event(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    ioloop_event_t event;
    CHECK_OK(ioloop_add_callback(loop, NULL, &record, on_free));
    CHECK_INT(ioloop_poll(loop, &event, 1, SECOND), 1);
    CHECK(event.tag == (uint64_t)(uintptr_t)&record);
    CHECK_INT(ioloop_poll(loop, &event, 1, 0), 0);
    CHECK_INT(record.frees, 1);
    ioloop_free(loop);
    CHECK_INT(record.frees, 1);
}

static void one_event_at_a_time(void) {
    ioloop_t *loop = new_loop();
    for (uintptr_t i = 1; i <= 1000; i++) CHECK_OK(ioloop_add_callback(loop, NULL, tag(i), NULL));
    for (uintptr_t i = 1; i <= 1000; i++) {
        ioloop_event_t event = next_event(loop);
        check_event(&event, IOLOOP_EVENT_CALLBACK, IOLOOP_OK, i);
    }
    ioloop_event_t events[64];
    for (uintptr_t i = 1; i <= 1000; i++) CHECK_OK(ioloop_add_callback(loop, NULL, tag(i), NULL));
    for (uintptr_t expected = 1; expected <= 1000;) {
        int32_t count = ioloop_poll(loop, events, 64, SECOND);
        CHECK(count > 0 && count <= 64);
        for (int32_t i = 0; i < count; i++) check_event(&events[i], IOLOOP_EVENT_CALLBACK, IOLOOP_OK, expected++);
    }
    check_no_event(loop);
    ioloop_free(loop);
}

/* Closing ends every operation, each with one event; the last one says that nothing follows. */
static void drained_after_close(void) {
    struct wire wire = new_wire();
    static char much[8 << 20];
    ioserver_t *server = NULL;
    uint16_t port = 0;
    int seen[10] = {0};
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, tag(1), NULL));
    CHECK_OK(iostream_write(wire.stream, much, sizeof much, NULL, tag(2), NULL));
    CHECK_OK(iostream_set_close_callback(wire.stream, NULL, tag(3), NULL));
    CHECK_OK(ioloop_call_later(wire.loop, NULL, 3600 * SECOND, NULL, tag(4), NULL));
    CHECK_OK(ioserver_new(&server, wire.loop, NULL, NULL, NULL, tag(5), NULL));
    CHECK_OK(ioserver_listen(server, &port, "127.0.0.1", 9, 0));
    check_no_event(wire.loop);
    CHECK_OK(ioloop_close(wire.loop, 0));
    for (;;) {
        ioloop_event_t event = next_event(wire.loop);
        if (event.type == IOLOOP_EVENT_LOOP_CLOSED) break;
        CHECK(event.tag >= 1 && event.tag <= 4);
        seen[event.tag]++;
        if (event.tag != 3) CHECK_STATUS(event.status, IOLOOP_ECANCELED);
        if (event.tag == 3) CHECK(seen[1] == 1 && seen[2] == 1);
    }
    for (int i = 1; i <= 4; i++) CHECK_INT(seen[i], 1);
    ioloop_event_t event;
    CHECK_STATUS(ioloop_poll(wire.loop, &event, 1, 0), IOLOOP_ECLOSED);
    CHECK_STATUS(ioloop_poll(wire.loop, &event, 1, IOLOOP_NEVER), IOLOOP_ECLOSED);
    free_wire(&wire);
}

/* Nobody takes the events: they are dropped with the loop, and every ctx is freed. */
static void freed_with_events_untaken(void) {
    struct wire wire = new_wire();
    struct record records[3] = {{0}};
    CHECK_OK(ioloop_add_callback(wire.loop, NULL, &records[0], on_free));
    CHECK_OK(ioloop_call_later(wire.loop, NULL, 0, NULL, &records[1], on_free));
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, &records[2], on_free));
    peer_sends(&wire, "line\n");
    for (int i = 0; i < 5; i++) CHECK(ioloop_run_once(wire.loop, 0) >= 0);
    free_wire(&wire);
    for (int i = 0; i < 3; i++) CHECK_INT(records[i].frees, 1);
}

TEST_MAIN(TEST(arguments), TEST(handler), TEST(callback), TEST(timeouts), TEST(signals), TEST(reads),
          TEST(data_is_lent_until_the_next_poll), TEST(cancelled_read), TEST(next_read_after_a_cancelled_one),
          TEST(writes), TEST(failed_writes), TEST(connect_accept_and_close), TEST(undelivered_accepts),
          TEST(free_ctx_after_the_event), TEST(one_event_at_a_time), TEST(drained_after_close),
          TEST(freed_with_events_untaken))
