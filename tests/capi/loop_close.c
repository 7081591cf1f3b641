/* Closing a loop, and freeing it with everything still pending. */
#include "capi_test.h"

#include <sched.h>

static void drain(ioloop_t *loop) {
    int32_t done;
    for (int turns = 0; (done = ioloop_run_once(loop, SECOND)) >= 0; turns++) CHECK(turns < 1000);
    CHECK_STATUS(done, IOLOOP_ECLOSED);
}

static void idle_loop(void) {
    ioloop_t *loop = new_loop();
    CHECK_STATUS(ioloop_close(loop, 0x80), IOLOOP_EINVAL);
    CHECK_OK(ioloop_close(loop, 0));
    CHECK_OK(ioloop_close(loop, 0));
    drain(loop);
    CHECK_STATUS(ioloop_start(loop), IOLOOP_ECLOSED);
    ioloop_free(loop);
}

/* One of everything. */
struct all {
    ioloop_t *loop;
    iostream_t *stream, *connecting;
    ioserver_t *server;
    int handled[2];
    uint16_t port;
    struct record callback, timeout, handler, signal, read, write, close, connect, accept;
};

static void add_everything(struct all *all) {
    static char much[8 << 20];
    iostream_t *other;
    CHECK_OK(ioloop_call_later(all->loop, NULL, 3600 * SECOND, on_callback, &all->timeout, on_free));
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, all->handled), 0);
    CHECK_OK(ioloop_add_handler(all->loop, all->handled[0], IOLOOP_READ, on_handler, &all->handler, on_free));
    CHECK_OK(ioloop_add_signal(all->loop, SIGUSR1, on_signal, &all->signal, on_free));
    CHECK_OK(iostream_new_pair(&all->stream, &other, all->loop, NULL));
    CHECK_OK(READ_UNTIL(all->stream, "\n", 0, &all->read));
    CHECK_OK(iostream_write(all->stream, much, sizeof much, on_status, &all->write, on_free));
    CHECK_OK(iostream_set_close_callback(all->stream, on_status, &all->close, on_free));
    CHECK_OK(ioserver_new(&all->server, all->loop, NULL, NULL, on_accept, &all->accept, on_free));
    CHECK_OK(ioserver_listen(all->server, &all->port, "127.0.0.1", 9, 0));
    run_idle(all->loop);
    CHECK_OK(iostream_new(&all->connecting, all->loop, -1, NULL));
    CHECK_OK(iostream_connect(all->connecting, "127.0.0.1", 9, all->port, on_status, &all->connect, on_free));
    CHECK_OK(ioloop_add_callback(all->loop, on_callback, &all->callback, on_free));
    CHECK_INT(all->read.calls + all->write.calls + all->close.calls + all->connect.calls, 0);
}

static void check_all_freed(const struct all *all) {
    const struct record *records[] = {&all->callback, &all->timeout, &all->handler, &all->signal, &all->read,
                                      &all->write,    &all->close,   &all->connect, &all->accept};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        CHECK_INT(records[i]->frees, 1);
        CHECK(records[i]->calls <= 1);
    }
}

static void H_A8_close_with_everything_pending(void) {
    struct all all = {.loop = new_loop()};
    struct record refused = {0};
    ioserver_t *server = NULL;
    iostream_t *stream = NULL;
    add_everything(&all);
    CHECK_OK(ioloop_close(all.loop, 0));
    CHECK_INT(all.read.calls + all.write.calls + all.close.calls + all.connect.calls, 0); /* not inside the call */

    CHECK_STATUS(ioloop_add_callback(all.loop, on_callback, &refused, on_free), IOLOOP_ECLOSED);
    CHECK_INT(refused.frees, 1);
    CHECK_STATUS(ioloop_call_later(all.loop, NULL, 0, on_callback, NULL, NULL), IOLOOP_ECLOSED);
    CHECK_STATUS(ioloop_add_handler(all.loop, all.handled[1], IOLOOP_READ, on_handler, NULL, NULL), IOLOOP_ECLOSED);
    CHECK_STATUS(ioloop_add_signal(all.loop, SIGUSR2, on_signal, NULL, NULL), IOLOOP_ECLOSED);
    CHECK_STATUS(ioserver_new(&server, all.loop, NULL, NULL, on_accept, NULL, NULL), IOLOOP_ECLOSED);
    CHECK_STATUS(iostream_new(&stream, all.loop, -1, NULL), IOLOOP_ECLOSED);

    drain(all.loop);
    CHECK_ENDED(all.read, IOLOOP_ECANCELED);
    CHECK_ENDED(all.write, IOLOOP_ECANCELED);
    CHECK(all.connect.status == IOLOOP_ECANCELED || all.connect.status == IOLOOP_OK); /* loopback is quick */
    CHECK_INT(all.connect.calls, 1);
    CHECK_INT(all.close.calls, 1);
    CHECK_INT(all.handler.calls, 0);
    CHECK_INT(all.signal.calls, 0);
    CHECK_INT(all.accept.calls, 0);
    check_all_freed(&all);

    /* The handles stay good until the loop is freed. */
    CHECK_INT(iostream_closed(all.stream), 1);
    CHECK_STATUS(iostream_write(all.stream, "x", 1, NULL, NULL, NULL), IOLOOP_ECLOSED);
    CHECK_STATUS(ioserver_listen(all.server, NULL, "127.0.0.1", 9, 0), IOLOOP_ECLOSED);
    CHECK_INT(fcntl(all.handled[0], F_GETFD) >= 0, 1);
    ioloop_free(all.loop);
    check_all_freed(&all);
    CHECK_STATUS(iostream_closed(all.stream), IOLOOP_EHANDLE);
    close(all.handled[0]);
    close(all.handled[1]);
}

static void H_A8_free_with_everything_pending(void) {
    struct all all = {.loop = new_loop()};
    add_everything(&all);
    ioloop_free(all.loop);
    check_all_freed(&all);
    const struct record *records[] = {&all.callback, &all.timeout, &all.handler, &all.signal, &all.read,
                                      &all.write,    &all.close,   &all.connect, &all.accept};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) CHECK_INT(records[i]->calls, 0);
    CHECK_STATUS(ioloop_run_once(all.loop, 0), IOLOOP_EHANDLE);
    CHECK_STATUS(iostream_close(all.stream), IOLOOP_EHANDLE);
    CHECK_STATUS(iostream_close(all.connecting), IOLOOP_EHANDLE);
    CHECK_STATUS(ioserver_stop(all.server), IOLOOP_EHANDLE);
    ioloop_free(all.loop);
    iostream_free(all.stream);
    ioserver_free(all.server);
    close(all.handled[0]);
    close(all.handled[1]);
}

static void closing_descriptors(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    int fds[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(ioloop_add_handler(loop, fds[0], IOLOOP_READ, on_handler, &record, on_free));
    CHECK_OK(ioloop_close(loop, IOLOOP_CLOSE_FDS));
    drain(loop);
    CHECK_INT(record.frees, 1);
    CHECK_INT(record.calls, 0);
    CHECK_INT(fcntl(fds[0], F_GETFD), -1);
    ioloop_free(loop);
    close(fds[1]);
}

static void close_loop(void *loop) { CHECK_OK(ioloop_close(loop, 0)); }

static void closed_inside_a_callback(void) {
    ioloop_t *loop = new_loop();
    struct record timeout = {0};
    CHECK_OK(ioloop_call_later(loop, NULL, 3600 * SECOND, on_callback, &timeout, on_free));
    CHECK_OK(ioloop_add_callback(loop, close_loop, loop, NULL));
    CHECK_STATUS(ioloop_start(loop), IOLOOP_ECLOSED);
    CHECK_INT(timeout.calls, 0);
    CHECK_INT(timeout.frees, 1);
    ioloop_free(loop);
}

/* The close callback is a stream's last, also here. */
static void order_at_close(void) {
    ioloop_t *loop = new_loop();
    iostream_t *one, *other;
    struct record read = {.name = "read"}, close = {.name = "close"};
    CHECK_OK(iostream_new_pair(&one, &other, loop, NULL));
    CHECK_OK(iostream_set_close_callback(one, on_status, &close, on_free));
    CHECK_OK(READ_UNTIL(one, "\n", 0, &read));
    run_idle(loop);
    CHECK_OK(ioloop_close(loop, 0));
    drain(loop);
    CHECK_JOURNAL("read close");
    ioloop_free(loop);
}

/* Threads post as fast as they can, until the loop takes no more. Every ctx is freed, whatever became of its post. */
struct posts {
    ioloop_t *loop;
    int made, freed;
};

static void count_free(void *ctx) { __atomic_add_fetch(&((struct posts *)ctx)->freed, 1, __ATOMIC_RELAXED); }

static void count_nothing(void *ctx) { (void)ctx; }

static void *post_while_possible(void *ctx) {
    struct posts *posts = ctx;
    int32_t status;
    do {
        status = ioloop_add_callback(posts->loop, count_nothing, posts, count_free);
        __atomic_add_fetch(&posts->made, 1, __ATOMIC_RELAXED);
        if (status == IOLOOP_EFULL) sched_yield();
    } while (status == IOLOOP_OK || status == IOLOOP_EFULL);
    CHECK(status == IOLOOP_ECLOSED || status == IOLOOP_EHANDLE);
    return NULL;
}

static void end_under_fire(void (*end)(ioloop_t *loop)) {
    ioloop_options_t options = test_loop_options();
    options.max_posted = 2000;
    for (int round = 0; round < 40; round++) {
        struct posts posts = {.loop = NULL};
        pthread_t threads[2];
        CHECK_OK(ioloop_new(&posts.loop, &options));
        CHECK(ioloop_run_once(posts.loop, 0) >= 0);
        for (int i = 0; i < 2; i++) CHECK_INT(pthread_create(&threads[i], NULL, post_while_possible, &posts), 0);
        for (int turn = 0; turn < round % 8; turn++) CHECK(ioloop_run_once(posts.loop, MS) >= 0);
        end(posts.loop);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        ioloop_free(posts.loop);
        CHECK_INT(posts.freed, posts.made);
    }
}

static void close_and_drain(ioloop_t *loop) {
    CHECK_OK(ioloop_close(loop, 0));
    drain(loop);
}

static void closed_while_threads_post(void) { end_under_fire(close_and_drain); }

static void freed_while_threads_post(void) { end_under_fire(ioloop_free); }

TEST_MAIN(TEST(idle_loop), TEST(H_A8_close_with_everything_pending), TEST(H_A8_free_with_everything_pending),
          TEST(closing_descriptors), TEST(closed_inside_a_callback), TEST(order_at_close),
          TEST(closed_while_threads_post), TEST(freed_while_threads_post))
