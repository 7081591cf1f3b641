/* The misuse matrix (G24): every function with a handle that is NULL, stale, of another kind, or of another thread's
 * loop. It says so, frees the ctx it was given, and changes nothing. */
#include "capi_test.h"

enum kind { LOOP, STREAM, SERVER, KINDS };

/* What is particular about a function. */
enum {
    CTX = 1,        /* takes a ctx, which is freed before the failing call returns */
    ANY_THREAD = 2, /* may be called on any thread */
    RELEASE = 4,    /* takes data too */
    OUT = 8,        /* has pointer out_ parameters, which become NULL */
    TWO_OUT = 16
};

/* What a call is given, and what it must have done to it. */
struct probe {
    struct record record, release;
    void *out, *other_out;
    ioloop_event_t event;
    ioloop_stats_t stats;
    ioloop_error_info_t info;
    size_t size;
    uint64_t token;
    uint16_t port;
    char buffer[16];
    int fd;
};

#define RECORDED(fn) fn, &p->record, on_free

#define CALLS(X)                                                                                           \
    X(LOOP, 0, ioloop_close, (o, 0))                                                                       \
    X(LOOP, ANY_THREAD, ioloop_start, (o))                                                                 \
    X(LOOP, ANY_THREAD, ioloop_stop, (o))                                                                  \
    X(LOOP, ANY_THREAD, ioloop_run_once, (o, 0))                                                           \
    X(LOOP, ANY_THREAD, ioloop_poll, (o, &p->event, 1, 0))                                                 \
    X(LOOP, ANY_THREAD, ioloop_wake, (o))                                                                  \
    X(LOOP, CTX, ioloop_add_handler, (o, p->fd, IOLOOP_READ, RECORDED(on_handler)))                        \
    X(LOOP, 0, ioloop_update_handler, (o, p->fd, IOLOOP_READ))                                             \
    X(LOOP, 0, ioloop_remove_handler, (o, p->fd))                                                          \
    X(LOOP, CTX | ANY_THREAD, ioloop_add_callback, (o, RECORDED(on_callback)))                             \
    X(LOOP, ANY_THREAD, ioloop_add_callback_from_signal, (o, on_callback, &p->record))                     \
    X(LOOP, CTX, ioloop_call_at, (o, &p->token, 0, RECORDED(on_callback)))                                 \
    X(LOOP, CTX, ioloop_call_later, (o, &p->token, 0, RECORDED(on_callback)))                              \
    X(LOOP, 0, ioloop_update_timeout, (o, 1, 0))                                                           \
    X(LOOP, 0, ioloop_remove_timeout, (o, 1))                                                              \
    X(LOOP, CTX, ioloop_add_signal, (o, SIGUSR2, RECORDED(on_signal)))                                     \
    X(LOOP, 0, ioloop_remove_signal, (o, SIGUSR2))                                                         \
    X(LOOP, 0, ioloop_now_ns, (o))                                                                         \
    X(LOOP, 0, ioloop_native_fd, (o))                                                                      \
    X(LOOP, 0, ioloop_next_timeout_ns, (o))                                                                \
    X(LOOP, 0, ioloop_get_stats, (o, &p->stats))                                                           \
    X(LOOP, 0, ioloop_error, (o, &p->info))                                                                \
    X(LOOP, OUT, iostream_new, ((iostream_t **)(void *)&p->out, o, -1, NULL))                              \
    X(LOOP, OUT | TWO_OUT, iostream_new_pair,                                                              \
      ((iostream_t **)(void *)&p->out, (iostream_t **)(void *)&p->other_out, o, NULL))                     \
    X(LOOP, OUT | CTX, ioserver_new, ((ioserver_t **)(void *)&p->out, o, NULL, NULL, RECORDED(on_accept))) \
    X(STREAM, CTX, iostream_connect, (o, "127.0.0.1", 9, 9, RECORDED(on_status)))                          \
    X(STREAM, CTX, iostream_connect_unix, (o, "/tmp/nothing", 12, RECORDED(on_status)))                    \
    X(STREAM, CTX, iostream_read_until, (o, "\n", 1, 0, RECORDED(on_read)))                                \
    X(STREAM, CTX, iostream_read_until_regex, (o, "x", 1, 0, RECORDED(on_read)))                           \
    X(STREAM, CTX, iostream_read_bytes, (o, 1, RECORDED(on_read)))                                         \
    X(STREAM, CTX, iostream_read_partial, (o, 1, RECORDED(on_read)))                                       \
    X(STREAM, CTX, iostream_read_into, (o, p->buffer, 1, RECORDED(on_read_into)))                          \
    X(STREAM, CTX, iostream_read_into_partial, (o, p->buffer, 1, RECORDED(on_read_into)))                  \
    X(STREAM, CTX, iostream_read_until_close, (o, RECORDED(on_read)))                                      \
    X(STREAM, CTX, iostream_read_chunks, (o, 1, RECORDED(on_read)))                                        \
    X(STREAM, 0, iostream_cancel_read, (o))                                                                \
    X(STREAM, OUT, iostream_peek, (o, (const uint8_t **)(void *)&p->out, &p->size, 0))                     \
    X(STREAM, 0, iostream_consume, (o, 0))                                                                 \
    X(STREAM, CTX, iostream_write, (o, "x", 1, RECORDED(on_status)))                                       \
    X(STREAM, CTX | RELEASE, iostream_write_owned, (o, "x", 1, on_free, &p->release, RECORDED(on_status))) \
    X(STREAM, CTX, iostream_writev, (o, NULL, 0, RECORDED(on_status)))                                     \
    X(STREAM, 0, iostream_flush, (o))                                                                      \
    X(STREAM, CTX, iostream_close_write, (o, RECORDED(on_status)))                                         \
    X(STREAM, 0, iostream_close, (o))                                                                      \
    X(STREAM, 0, iostream_close_graceful, (o, 0))                                                          \
    X(STREAM, CTX, iostream_set_close_callback, (o, RECORDED(on_status)))                                  \
    X(STREAM, 0, iostream_set_timeout, (o, IOSTREAM_TIMEOUT_READ, 0))                                      \
    X(STREAM, 0, iostream_set_limits, (o, 1, 1))                                                           \
    X(STREAM, 0, iostream_set_nodelay, (o, 1))                                                             \
    X(STREAM, 0, iostream_fileno, (o))                                                                     \
    X(STREAM, 0, iostream_reading, (o))                                                                    \
    X(STREAM, 0, iostream_writing, (o))                                                                    \
    X(STREAM, 0, iostream_closed, (o))                                                                     \
    X(STREAM, 0, iostream_error, (o, &p->info))                                                            \
    X(SERVER, 0, ioserver_listen, (o, &p->port, "127.0.0.1", 9, 0))                                        \
    X(SERVER, 0, ioserver_listen_unix, (o, "/tmp/ioloop-misuse", 18, 0600))                                \
    X(SERVER, 0, ioserver_listen_fd, (o, p->fd))                                                           \
    X(SERVER, 0, ioserver_pause, (o))                                                                      \
    X(SERVER, 0, ioserver_resume, (o))                                                                     \
    X(SERVER, 0, ioserver_stop, (o))                                                                       \
    X(SERVER, 0, ioserver_connections, (o))                                                                \
    X(SERVER, 0, ioserver_error, (o, &p->info))

#define DEFINE_CALL(kind, flags, function, arguments)          \
    static int64_t call_##function(void *o, struct probe *p) { \
        (void)p;                                               \
        return function arguments;                             \
    }
CALLS(DEFINE_CALL)

struct call {
    enum kind kind;
    int flags;
    const char *name;
    int64_t (*call)(void *object, struct probe *probe);
};

#define LIST_CALL(kind, flags, function, arguments) {kind, flags, #function, call_##function},
static const struct call ALL_CALLS[] = {CALLS(LIST_CALL)};
enum { CALL_COUNT = sizeof ALL_CALLS / sizeof ALL_CALLS[0] };

/* Makes the call, which must fail with this status and leave no trace. */
static void check_call(const struct call *call, void *object, int32_t expected) {
    static char nothing;
    struct probe probe = {.fd = 0, .token = 77, .port = 77, .size = 77};
    probe.stats.size = sizeof probe.stats;
    probe.info.size = sizeof probe.info;
    probe.out = probe.other_out = &nothing;
    playing = call->name;
    CHECK_STATUS(call->call(object, &probe), expected);
    CHECK_INT(probe.record.calls, 0);
    CHECK_INT(probe.record.frees, (call->flags & CTX) != 0);
    CHECK_INT(probe.release.frees, (call->flags & RELEASE) != 0);
    CHECK(probe.out == ((call->flags & OUT) ? NULL : &nothing));
    CHECK(probe.other_out == ((call->flags & TWO_OUT) ? NULL : &nothing));
    CHECK(probe.token == 77 && probe.port == 77 && probe.size == 77 && probe.stats.turns == 0);
    playing = NULL;
}

struct objects {
    void *of[KINDS];
};

static struct objects new_objects(void) {
    struct objects objects = {{NULL}};
    iostream_t *stream = NULL, *other = NULL;
    ioserver_t *server = NULL;
    ioloop_t *loop = new_loop();
    CHECK_INT(ioloop_run_once(loop, 0), 0); /* from now on this thread owns it */
    CHECK_OK(iostream_new_pair(&stream, &other, loop, NULL));
    CHECK_OK(ioserver_new(&server, loop, NULL, NULL, on_accept, NULL, NULL));
    objects.of[LOOP] = loop;
    objects.of[STREAM] = stream;
    objects.of[SERVER] = server;
    return objects;
}

static void null_handles(void) {
    for (int i = 0; i < CALL_COUNT; i++) check_call(&ALL_CALLS[i], NULL, IOLOOP_EINVAL);
    CHECK_INT(iostream_read_buffered(NULL), 0);
    CHECK_INT(iostream_write_buffered(NULL), 0);
    CHECK_TEXT(ioloop_backend_name(NULL), "");
}

static void H_A9_stale_handles(void) {
    struct objects objects = new_objects();
    ioserver_free(objects.of[SERVER]);
    iostream_free(objects.of[STREAM]);
    for (int i = 0; i < CALL_COUNT; i++)
        if (ALL_CALLS[i].kind != LOOP) check_call(&ALL_CALLS[i], objects.of[ALL_CALLS[i].kind], IOLOOP_EHANDLE);
    ioloop_free(objects.of[LOOP]);
    for (int i = 0; i < CALL_COUNT; i++) check_call(&ALL_CALLS[i], objects.of[ALL_CALLS[i].kind], IOLOOP_EHANDLE);
    CHECK_INT(iostream_read_buffered(objects.of[STREAM]), 0);
    CHECK_INT(iostream_write_buffered(objects.of[STREAM]), 0);
    CHECK_TEXT(ioloop_backend_name(objects.of[LOOP]), "");
    ioloop_free(objects.of[LOOP]);
    iostream_free(objects.of[STREAM]);
    ioserver_free(objects.of[SERVER]);
}

/* A freed handle stays stale while many others come and go. */
static void H_A9_stale_after_many_others(void) {
    struct objects objects = new_objects();
    iostream_t *stream = NULL;
    iostream_free(objects.of[STREAM]);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(iostream_new(&stream, objects.of[LOOP], -1, NULL));
        CHECK((void *)stream != objects.of[STREAM]);
        CHECK_STATUS(iostream_close(objects.of[STREAM]), IOLOOP_EHANDLE);
        iostream_free(stream);
        CHECK_STATUS(iostream_close(stream), IOLOOP_EHANDLE);
    }
    ioloop_free(objects.of[LOOP]);
}

static void handles_of_another_kind(void) {
    struct objects objects = new_objects();
    for (int i = 0; i < CALL_COUNT; i++)
        for (int kind = 0; kind < KINDS; kind++)
            if (kind != (int)ALL_CALLS[i].kind) check_call(&ALL_CALLS[i], objects.of[kind], IOLOOP_EHANDLE);
    iostream_free(objects.of[LOOP]);
    ioserver_free(objects.of[STREAM]);
    ioloop_free(objects.of[SERVER]);
    CHECK_INT(iostream_closed(objects.of[STREAM]), 0);
    CHECK_INT(ioserver_connections(objects.of[SERVER]), 0);
    CHECK_OK(ioloop_stop(objects.of[LOOP]));
    ioloop_free(objects.of[LOOP]);
}

static void *call_from_thread(void *ctx) {
    struct objects *objects = ctx;
    for (int i = 0; i < CALL_COUNT; i++)
        if ((ALL_CALLS[i].flags & ANY_THREAD) == 0)
            check_call(&ALL_CALLS[i], objects->of[ALL_CALLS[i].kind], IOLOOP_ETHREAD);
    iostream_free(objects->of[STREAM]);
    ioserver_free(objects->of[SERVER]);
    ioloop_free(objects->of[LOOP]);
    CHECK_INT(ioloop_running(objects->of[LOOP]), 0);
    CHECK(ioloop_backend_name(objects->of[LOOP])[0] != '\0');
    return NULL;
}

static void wrong_thread(void) {
    struct objects objects = new_objects();
    pthread_t thread;
    uint64_t memory = ioloop_memory_bytes();
    ioloop_stats_t before = stats_of(objects.of[LOOP]);
    CHECK_INT(pthread_create(&thread, NULL, call_from_thread, &objects), 0);
    pthread_join(thread, NULL);
    ioloop_stats_t after = stats_of(objects.of[LOOP]);
    CHECK_INT(memcmp(&before, &after, sizeof before), 0);
    CHECK_INT(ioloop_memory_bytes(), memory);
    CHECK_INT(iostream_closed(objects.of[STREAM]), 0);
    CHECK_INT(iostream_reading(objects.of[STREAM]), 0);
    CHECK_INT(ioserver_connections(objects.of[SERVER]), 0);
    CHECK_INT(ioloop_run_once(objects.of[LOOP], 0), 0);
    ioloop_free(objects.of[LOOP]);
}

/* The loop belongs to the thread that ran it last. */
static void *run_from_thread(void *loop) {
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    CHECK_OK(ioloop_call_later(loop, NULL, 3600 * SECOND, on_callback, NULL, NULL));
    return NULL;
}

static void handed_over_to_another_thread(void) {
    ioloop_t *loop = new_loop();
    pthread_t thread;
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    CHECK_INT(pthread_create(&thread, NULL, run_from_thread, loop), 0);
    pthread_join(thread, NULL);
    CHECK_STATUS(ioloop_call_later(loop, NULL, 0, on_callback, NULL, NULL), IOLOOP_ETHREAD);
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    CHECK_INT(stats_of(loop).timeouts, 1);
    ioloop_free(loop);
}

static void check_forked(const struct objects *objects) {
    for (int i = 0; i < CALL_COUNT; i++)
        if ((ALL_CALLS[i].flags & ANY_THREAD) == 0)
            check_call(&ALL_CALLS[i], objects->of[ALL_CALLS[i].kind], IOLOOP_EFORKED);
    iostream_free(objects->of[STREAM]);
    ioserver_free(objects->of[SERVER]);
    ioloop_free(objects->of[LOOP]);
}

static void H_H9_in_a_forked_child(void) {
    struct objects objects = new_objects();
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        check_forked(&objects);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    CHECK_INT(iostream_closed(objects.of[STREAM]), 0);
    CHECK_INT(ioloop_run_once(objects.of[LOOP], 0), 0);
    ioloop_free(objects.of[LOOP]);
}

/* On a closed object every call gives an answer, and every ctx is freed, at the latest with the loop. */
static void closed_objects(void) {
    for (int i = 0; i < CALL_COUNT; i++) {
        struct objects objects = new_objects();
        struct probe probe = {.fd = 0};
        ioloop_t *loop = objects.of[LOOP];
        probe.stats.size = sizeof probe.stats;
        probe.info.size = sizeof probe.info;
        playing = ALL_CALLS[i].name;
        CHECK_OK(iostream_close(objects.of[STREAM]));
        CHECK_OK(ioserver_stop(objects.of[SERVER]));
        if (ALL_CALLS[i].kind == LOOP) CHECK_OK(ioloop_close(loop, 0));
        for (int turns = 0; turns < 5; turns++) CHECK(ioloop_run_once(loop, 0) >= IOLOOP_ECLOSED);
        int64_t status = ALL_CALLS[i].call(objects.of[ALL_CALLS[i].kind], &probe);
        CHECK(status >= 0 || status == IOLOOP_ECLOSED || status == IOLOOP_ENOENT ||
              (status == IOLOOP_ENOTSUP && test_backend() == IOLOOP_BACKEND_POLL) ||
              (status == IOLOOP_NEVER && ALL_CALLS[i].call == call_ioloop_next_timeout_ns));
        if (status < 0) CHECK(probe.out == NULL && probe.record.frees == ((ALL_CALLS[i].flags & CTX) != 0));
        ioloop_free(loop);
        CHECK_INT(probe.record.frees, (ALL_CALLS[i].flags & CTX) != 0);
        CHECK_INT(probe.release.frees, (ALL_CALLS[i].flags & RELEASE) != 0);
        playing = NULL;
    }
}

static void null_arguments(void) {
    struct wire wire = new_wire();
    ioserver_t *server = NULL;
    iostream_t *stream = NULL;
    const uint8_t *data = NULL;
    size_t size = 0;
    struct record record;
#define CHECK_REFUSED(call)                \
    do {                                   \
        memset(&record, 0, sizeof record); \
        CHECK_STATUS(call, IOLOOP_EINVAL); \
        CHECK_INT(record.frees, 1);        \
    } while (0)
    CHECK_STATUS(ioloop_new(NULL, NULL), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_new(NULL, wire.loop, -1, NULL), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_new_pair(NULL, &stream, wire.loop, NULL), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_new_pair(&stream, NULL, wire.loop, NULL), IOLOOP_EINVAL);
    CHECK(stream == NULL);
    CHECK_REFUSED(ioserver_new(NULL, wire.loop, NULL, NULL, on_accept, &record, on_free));
    CHECK_REFUSED(iostream_read_until(wire.stream, NULL, 1, 0, on_read, &record, on_free));
    CHECK_REFUSED(iostream_read_into(wire.stream, NULL, 1, on_read_into, &record, on_free));
    CHECK_REFUSED(iostream_read_into_partial(wire.stream, NULL, 1, on_read_into, &record, on_free));
    CHECK_REFUSED(iostream_write(wire.stream, NULL, 1, on_status, &record, on_free));
    CHECK_REFUSED(iostream_writev(wire.stream, NULL, 1, on_status, &record, on_free));
    CHECK_STATUS(iostream_peek(wire.stream, NULL, &size, 0), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_peek(wire.stream, &data, NULL, 0), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_error(wire.stream, NULL), IOLOOP_EINVAL);
    CHECK_OK(ioserver_new(&server, wire.loop, NULL, NULL, on_accept, NULL, NULL));
    CHECK_STATUS(ioserver_error(server, NULL), IOLOOP_EINVAL);
    CHECK_INT(iostream_reading(wire.stream), 0);
    CHECK_INT(iostream_write_buffered(wire.stream), 0);
    free_wire(&wire);
}

static void absurd_sizes(void) {
    struct wire wire = new_wire();
    struct record record = {0}, line = {0};
    const iostream_piece_t pieces[] = {{"x", SIZE_MAX}, {"y", 2}};
    const uint8_t *data = NULL;
    size_t size = 77;
    ioloop_event_t event;
#define CHECK_ABSURD(call, status)         \
    do {                                   \
        memset(&record, 0, sizeof record); \
        CHECK_STATUS(call, status);        \
        CHECK_INT(record.frees, 1);        \
    } while (0)
    CHECK_ABSURD(iostream_read_bytes(wire.stream, SIZE_MAX, on_read, &record, on_free), IOLOOP_EFULL);
    CHECK_ABSURD(iostream_write(wire.stream, "x", SIZE_MAX, on_status, &record, on_free), IOLOOP_EFULL);
    CHECK_ABSURD(iostream_writev(wire.stream, pieces, 2, on_status, &record, on_free), IOLOOP_EFULL);
    CHECK_ABSURD(iostream_writev(wire.stream, pieces, SIZE_MAX, on_status, &record, on_free), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_consume(wire.stream, SIZE_MAX), IOLOOP_EINVAL);
    CHECK_OK(iostream_peek(wire.stream, &data, &size, SIZE_MAX));
    CHECK_INT(size, 0);
    CHECK_OK(iostream_set_timeout(wire.stream, IOSTREAM_TIMEOUT_READ, INT64_MAX));
    CHECK_OK(iostream_set_limits(wire.stream, UINT64_MAX, UINT64_MAX));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", SIZE_MAX, &line));
    peer_sends(&wire, "line\n");
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_READ(line, "line\n");
    CHECK_OK(ioloop_wake(wire.loop));
    CHECK(ioloop_run_once(wire.loop, INT64_MAX) >= 0);
    CHECK_OK(ioloop_add_callback(wire.loop, NULL, &wire, NULL));
    CHECK_INT(ioloop_poll(wire.loop, &event, UINT32_MAX, INT64_MAX), 1);
    free_wire(&wire);
}

TEST_MAIN(TEST(null_handles), TEST(H_A9_stale_handles), TEST(H_A9_stale_after_many_others),
          TEST(handles_of_another_kind), TEST(wrong_thread), TEST(handed_over_to_another_thread),
          TEST(H_H9_in_a_forked_child), TEST(closed_objects), TEST(null_arguments), TEST(absurd_sizes))
