/* POSIX signals as callbacks, callbacks from signal handlers, and what a forked child may do. */
#include "capi_test.h"

static void arrives(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_OK(ioloop_add_signal(loop, SIGUSR1, on_signal, &record, on_free));
    run_idle(loop);
    CHECK_INT(record.calls, 0);
    for (int i = 0; i < 3; i++) raise(SIGUSR1);
    CHECK_INT(record.calls, 0);
    RUN_UNTIL(loop, record.count >= 3);
    CHECK_INT(record.count, 3);
    CHECK_INT(record.signum, SIGUSR1);
    raise(SIGUSR1);
    RUN_UNTIL(loop, record.count >= 4);
    CHECK_OK(ioloop_remove_signal(loop, SIGUSR1));
    CHECK_INT(record.frees, 1);
    CHECK_STATUS(ioloop_remove_signal(loop, SIGUSR1), IOLOOP_ENOENT);
    ioloop_free(loop);
}

static void wakes_a_waiting_loop(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_OK(ioloop_add_signal(loop, SIGALRM, on_signal, &record, on_free));
    ualarm(20000, 0);
    int64_t begin = ioloop_clock_ns();
    while (record.calls == 0) CHECK(ioloop_run_once(loop, 30 * SECOND) >= 0);
    CHECK(ioloop_clock_ns() - begin < 20 * SECOND);
    ioloop_free(loop);
}

static void refused(void) {
    ioloop_t *loop = new_loop();
    static const int32_t uncatchable[] = {SIGKILL, SIGSTOP, 0, -1, 1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof uncatchable / sizeof uncatchable[0]; i++) {
        struct record record = {0};
        CHECK_STATUS(ioloop_add_signal(loop, uncatchable[i], on_signal, &record, on_free), IOLOOP_EINVAL);
        CHECK_INT(record.frees, 1);
        CHECK_STATUS(ioloop_remove_signal(loop, uncatchable[i]), IOLOOP_ENOENT);
    }
    struct record first = {0}, second = {0};
    CHECK_OK(ioloop_add_signal(loop, SIGUSR2, on_signal, &first, on_free));
    CHECK_STATUS(ioloop_add_signal(loop, SIGUSR2, on_signal, &second, on_free), IOLOOP_EEXIST);
    CHECK_INT(second.frees, 1);
    CHECK_INT(first.frees, 0);
    raise(SIGUSR2);
    RUN_UNTIL(loop, first.calls > 0);
    ioloop_free(loop);
    CHECK_INT(first.frees, 1);
}

static volatile sig_atomic_t own_calls;

static void own_handler(int signum) {
    (void)signum;
    own_calls++;
}

static void check_action(void (*expected)(int)) {
    struct sigaction now;
    CHECK_INT(sigaction(SIGUSR1, NULL, &now), 0);
    CHECK(now.sa_handler == expected);
}

static void previous_action_comes_back(void) {
    ioloop_t *one = new_loop(), *two = new_loop();
    struct record record_one = {0}, record_two = {0};
    check_action(SIG_DFL);
    CHECK_OK(ioloop_add_signal(one, SIGUSR1, on_signal, &record_one, on_free));
    CHECK_OK(ioloop_add_signal(two, SIGUSR1, on_signal, &record_two, on_free));
    CHECK_OK(ioloop_remove_signal(one, SIGUSR1));
    raise(SIGUSR1);
    RUN_UNTIL(two, record_two.calls > 0);
    run_idle(one);
    CHECK_INT(record_one.calls, 0);
    ioloop_free(two);
    check_action(SIG_DFL);
    ioloop_free(one);
}

static void previous_handler_goes_on_being_called(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    signal(SIGUSR1, own_handler);
    CHECK_OK(ioloop_add_signal(loop, SIGUSR1, on_signal, &record, on_free));
    raise(SIGUSR1);
    CHECK_INT(own_calls, 1);
    RUN_UNTIL(loop, record.calls > 0);
    CHECK_OK(ioloop_remove_signal(loop, SIGUSR1));
    check_action(own_handler);
    raise(SIGUSR1);
    CHECK_INT(own_calls, 2);
    run_idle(loop);
    ioloop_free(loop);
}

static void every_loop_is_told(void) {
    ioloop_t *loops[3];
    struct record records[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        loops[i] = new_loop();
        CHECK_OK(ioloop_add_signal(loops[i], SIGUSR1, on_signal, &records[i], on_free));
    }
    raise(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        RUN_UNTIL(loops[i], records[i].calls > 0);
        CHECK_INT(records[i].count, 1);
    }
    for (int i = 0; i < 3; i++) ioloop_free(loops[i]);
}

struct self {
    ioloop_t *loop;
    struct record record;
};

static void remove_self(void *ctx, int32_t signum, uint64_t count) {
    struct self *self = ctx;
    on_signal(&self->record, signum, count);
    CHECK_OK(ioloop_remove_signal(self->loop, signum));
    CHECK_INT(self->record.frees, 0);
}

static void free_self(void *ctx) { on_free(&((struct self *)ctx)->record); }

static void removed_inside_itself(void) {
    struct self self = {.loop = new_loop()};
    CHECK_OK(ioloop_add_signal(self.loop, SIGUSR1, remove_self, &self, free_self));
    raise(SIGUSR1);
    RUN_UNTIL(self.loop, self.record.calls > 0);
    run_idle(self.loop);
    CHECK_INT(self.record.calls, 1);
    CHECK_INT(self.record.frees, 1);
    check_action(SIG_DFL);
    ioloop_free(self.loop);
}

static ioloop_t *handled_loop;
static struct record handled;

static void post_from_handler(int signum) {
    (void)signum;
    if (ioloop_add_callback_from_signal(handled_loop, on_callback, &handled) == IOLOOP_OK) own_calls++;
}

static void callback_from_signal_handler(void) {
    handled_loop = new_loop();
    signal(SIGUSR1, post_from_handler);
    CHECK_INT(ioloop_run_once(handled_loop, 0), 0);
    for (int i = 0; i < 5; i++) raise(SIGUSR1);
    CHECK_INT(handled.calls, 0);
    RUN_UNTIL(handled_loop, handled.calls == 5);
    for (int i = 0; i < 300; i++) raise(SIGUSR1);
    CHECK_INT(own_calls, 5 + 256); /* the others were refused */
    RUN_UNTIL(handled_loop, handled.calls == 5 + 256);
    run_idle(handled_loop);
    CHECK_INT(handled.calls, 5 + 256);
    ioloop_free(handled_loop);
}

static void stop_from_handler(int signum) {
    (void)signum;
    ioloop_stop(handled_loop);
}

static void stop_from_signal_handler(void) {
    handled_loop = new_loop();
    signal(SIGALRM, stop_from_handler);
    ualarm(20000, 0);
    CHECK_OK(ioloop_start(handled_loop));
    ioloop_free(handled_loop);
}

/* In the child of a fork the loop says so, whatever is asked of it, and leaves the parent's alone. */
static void check_in_child(struct wire *wire) {
    ioloop_event_t event;
    struct record record = {0};
    uint8_t byte = 'x';
    int server_socket = dup(wire->peer);
    ioserver_t *server = NULL;
    CHECK_STATUS(ioloop_start(wire->loop), IOLOOP_EFORKED);
    CHECK_STATUS(ioloop_run_once(wire->loop, 0), IOLOOP_EFORKED);
    CHECK_STATUS(ioloop_poll(wire->loop, &event, 1, 0), IOLOOP_EFORKED);
    CHECK_STATUS(ioloop_add_handler(wire->loop, server_socket, IOLOOP_READ, on_handler, &record, on_free),
                 IOLOOP_EFORKED);
    CHECK_INT(record.frees, 1);
    CHECK_STATUS(ioloop_call_later(wire->loop, NULL, 0, on_callback, NULL, NULL), IOLOOP_EFORKED);
    CHECK_STATUS(ioloop_add_signal(wire->loop, SIGUSR2, on_signal, NULL, NULL), IOLOOP_EFORKED);
    CHECK_STATUS(ioloop_close(wire->loop, 0), IOLOOP_EFORKED);
    CHECK_STATUS(iostream_write(wire->stream, &byte, 1, NULL, NULL, NULL), IOLOOP_EFORKED);
    CHECK_STATUS(iostream_close(wire->stream), IOLOOP_EFORKED);
    CHECK_STATUS(ioserver_new(&server, wire->loop, NULL, NULL, on_accept, NULL, NULL), IOLOOP_EFORKED);
    CHECK(server == NULL);
    close(server_socket);
    /* A loop of its own works. */
    ioloop_t *own = new_loop();
    memset(&record, 0, sizeof record);
    CHECK_OK(ioloop_add_callback(own, on_callback, &record, on_free));
    CHECK_INT(ioloop_run_once(own, 0), 1);
    ioloop_free(own);
    ioloop_free(wire->loop);
}

static void H_H9_fork(void) {
    struct wire wire = new_wire();
    struct record line = {0}, late = {0}, timeout = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    CHECK_OK(ioloop_call_later(wire.loop, NULL, 5 * MS, on_callback, &timeout, on_free));
    CHECK(ioloop_run_once(wire.loop, 0) >= 0);
    pid_t child = fork();
    if (child == 0) {
        check_in_child(&wire);
        _exit(0);
    }
    int status = 0;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    peer_sends(&wire, "the parent goes on\n");
    RUN_UNTIL(wire.loop, line.calls > 0 && timeout.calls > 0);
    CHECK_READ(line, "the parent goes on\n");
    CHECK_OK(iostream_write(wire.stream, "answer", 6, on_status, &late, on_free));
    RUN_UNTIL(wire.loop, late.calls > 0);
    CHECK_TEXT(peer_received(&wire), "answer");
    free_wire(&wire);
}

TEST_MAIN(TEST(arrives), TEST(wakes_a_waiting_loop), TEST(refused), TEST(previous_action_comes_back),
          TEST(previous_handler_goes_on_being_called), TEST(every_loop_is_told), TEST(removed_inside_itself),
          TEST(callback_from_signal_handler), TEST(stop_from_signal_handler), TEST(H_H9_fork))
