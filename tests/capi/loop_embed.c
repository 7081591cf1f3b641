/* A loop inside a foreign one: the pollable descriptor, the next deadline, and turns that do not wait. */
#include "capi_test.h"

#include <poll.h>

/* Whether the foreign loop would be woken within the time. */
static int signalled(ioloop_t *loop, int timeout_ms) {
    struct pollfd fd = {.fd = ioloop_native_fd(loop), .events = POLLIN};
    CHECK(fd.fd >= 0);
    return poll(&fd, 1, timeout_ms) == 1;
}

/* Runs turns until the descriptor is quiet, as a foreign loop does. */
static void settle(ioloop_t *loop) {
    for (int turns = 0; signalled(loop, 0) || ioloop_next_timeout_ns(loop) == 0; turns++) {
        CHECK(turns < 1000);
        CHECK(ioloop_run_once(loop, 0) >= 0);
    }
}

static void not_with_poll(void) {
    ioloop_options_t options = test_loop_options();
    ioloop_t *loop = NULL;
    options.backend = IOLOOP_BACKEND_POLL;
    CHECK_OK(ioloop_new(&loop, &options));
    CHECK_STATUS(ioloop_native_fd(loop), IOLOOP_ENOTSUP);
    CHECK_INT(ioloop_next_timeout_ns(loop), IOLOOP_NEVER);
    ioloop_free(loop);
}

static void next_timeout(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    uint64_t token = 0;
    CHECK_INT(ioloop_next_timeout_ns(loop), IOLOOP_NEVER);
    CHECK_OK(ioloop_call_later(loop, &token, 10 * SECOND, on_callback, &record, on_free));
    int64_t next = ioloop_next_timeout_ns(loop);
    CHECK(next > 9 * SECOND && next <= 10 * SECOND);
    CHECK_OK(ioloop_call_later(loop, NULL, 0, on_callback, &record, NULL));
    CHECK_INT(ioloop_next_timeout_ns(loop), 0);
    CHECK_INT(ioloop_run_once(loop, 0), 1);
    CHECK(ioloop_next_timeout_ns(loop) > 9 * SECOND);
    CHECK_OK(ioloop_add_callback(loop, on_callback, &record, NULL));
    CHECK_INT(ioloop_next_timeout_ns(loop), 0);
    CHECK_INT(ioloop_run_once(loop, 0), 1);
    CHECK_OK(ioloop_remove_timeout(loop, token));
    CHECK_INT(ioloop_next_timeout_ns(loop), IOLOOP_NEVER);
    ioloop_free(loop);
}

static ioloop_t *new_epoll_loop(void) {
    ioloop_t *loop = NULL;
    CHECK_OK(ioloop_new(&loop, NULL));
    return loop;
}

static void quiet_when_idle(void) {
    ioloop_t *loop = new_epoll_loop();
    CHECK_INT(ioloop_native_fd(loop), ioloop_native_fd(loop));
    settle(loop);
    CHECK(!signalled(loop, 20));
    ioloop_free(loop);
}

static void tells_of_queued_callbacks(void) {
    ioloop_t *loop = new_epoll_loop();
    struct record record = {0};
    settle(loop);
    CHECK_OK(ioloop_add_callback(loop, on_callback, &record, on_free));
    CHECK(signalled(loop, 1000));
    RUN_UNTIL(loop, record.calls == 1);
    settle(loop);
    CHECK(!signalled(loop, 10));
    ioloop_free(loop);
}

static void *add_from_thread(void *ctx) {
    void **parts = ctx;
    CHECK_OK(ioloop_add_callback(parts[0], on_callback, parts[1], on_free));
    return NULL;
}

static void tells_of_callbacks_from_threads(void) {
    ioloop_t *loop = new_epoll_loop();
    struct record record = {0};
    void *parts[] = {loop, &record};
    pthread_t thread;
    settle(loop);
    CHECK_INT(pthread_create(&thread, NULL, add_from_thread, parts), 0);
    CHECK(signalled(loop, 10000));
    pthread_join(thread, NULL);
    while (record.calls == 0) CHECK(ioloop_run_once(loop, 0) >= 0);
    ioloop_free(loop);
}

/* A foreign loop that knows nothing of deadlines still wakes up for them. */
static void tells_of_due_timeouts(void) {
    ioloop_t *loop = new_epoll_loop();
    struct record late = {0}, soon = {0};
    settle(loop);
    CHECK_OK(ioloop_call_later(loop, NULL, 3600 * SECOND, on_callback, &late, on_free));
    settle(loop);
    CHECK(!signalled(loop, 10));
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(ioloop_call_later(loop, NULL, 20 * MS, on_callback, &soon, on_free));
    while (soon.calls == 0) {
        CHECK(signalled(loop, 5000));
        CHECK(ioloop_run_once(loop, 0) >= 0);
    }
    CHECK(ioloop_clock_ns() - begin >= 20 * MS);
    settle(loop);
    CHECK(!signalled(loop, 10));
    CHECK_INT(late.calls, 0);
    ioloop_free(loop);
}

static void tells_of_a_timeout_moved_forward(void) {
    ioloop_t *loop = new_epoll_loop();
    struct record record = {0};
    uint64_t token = 0;
    CHECK_OK(ioloop_call_later(loop, &token, 3600 * SECOND, on_callback, &record, on_free));
    settle(loop);
    CHECK_OK(ioloop_update_timeout(loop, token, ioloop_clock_ns() + 5 * MS));
    while (record.calls == 0) {
        CHECK(signalled(loop, 5000));
        CHECK(ioloop_run_once(loop, 0) >= 0);
    }
    ioloop_free(loop);
}

static void tells_of_ready_streams(void) {
    struct wire wire = new_wire_with(new_epoll_loop(), NULL);
    struct record read = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &read));
    settle(wire.loop);
    CHECK(!signalled(wire.loop, 10));
    peer_sends(&wire, "hello\n");
    while (read.calls == 0) {
        CHECK(signalled(wire.loop, 1000));
        CHECK(ioloop_run_once(wire.loop, 0) >= 0);
    }
    CHECK_READ(read, "hello\n");
    free_wire(&wire);
}

/* A write made by the foreign loop's own code is sent in the next turn, which the loop asks for. */
static void tells_of_unsent_data(void) {
    struct wire wire = new_wire_with(new_epoll_loop(), NULL);
    settle(wire.loop);
    CHECK_OK(iostream_write(wire.stream, "hello", 5, NULL, NULL, NULL));
    CHECK(ioloop_next_timeout_ns(wire.loop) == 0 || signalled(wire.loop, 0));
    settle(wire.loop);
    CHECK_TEXT(peer_received(&wire), "hello");
    free_wire(&wire);
}

/* The same with a read that the buffer already satisfies. */
static void tells_of_results_to_deliver(void) {
    struct wire wire = new_wire_with(new_epoll_loop(), NULL);
    struct record first = {0}, second = {0};
    peer_sends(&wire, "one\ntwo\n");
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &first));
    while (first.calls == 0) CHECK(ioloop_run_once(wire.loop, 0) >= 0);
    settle(wire.loop);
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &second));
    CHECK_INT(second.calls, 0);
    CHECK(ioloop_next_timeout_ns(wire.loop) == 0 || signalled(wire.loop, 0));
    settle(wire.loop);
    CHECK_READ(second, "two\n");
    free_wire(&wire);
}

static void works_with_the_pull_queue(void) {
    struct wire wire = new_wire_with(new_epoll_loop(), NULL);
    ioloop_event_t event;
    CHECK_OK(iostream_read_until(wire.stream, "\n", 1, 0, NULL, &wire, NULL));
    CHECK_INT(ioloop_poll(wire.loop, &event, 1, 0), 0);
    CHECK(!signalled(wire.loop, 10));
    peer_sends(&wire, "hello\n");
    CHECK(signalled(wire.loop, 1000));
    CHECK_INT(ioloop_poll(wire.loop, &event, 1, 0), 1);
    CHECK_INT(event.type, IOLOOP_EVENT_READ);
    CHECK_BYTES(event.data, event.size, "hello\n");
    free_wire(&wire);
}

TEST_MAIN(TEST(not_with_poll), TEST(next_timeout), TEST(quiet_when_idle), TEST(tells_of_queued_callbacks),
          TEST(tells_of_callbacks_from_threads), TEST(tells_of_due_timeouts), TEST(tells_of_a_timeout_moved_forward),
          TEST(tells_of_ready_streams), TEST(tells_of_unsent_data), TEST(tells_of_results_to_deliver),
          TEST(works_with_the_pull_queue))
