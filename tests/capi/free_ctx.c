/* free_ctx of every function that takes a ctx runs exactly once, after the last call of fn: on success, on refusal, on
 * removal, on close, when the object is freed, when the loop is freed. */
#include "capi_test.h"

enum end { COMPLETED, CANCELLED, OBJECT_CLOSED, OBJECT_FREED, LOOP_CLOSED, LOOP_FREED };

/* A scene: everything a ctx can be given to. */
struct scene {
    struct wire wire;
    ioserver_t *server;
    uint16_t port;
    int pipe[2];
    uint64_t timeout;
    char buffer[8];
};

enum owner { ON_LOOP, ON_STREAM, ON_SERVER };

/* One way to give a ctx away. */
struct way {
    const char *name;
    int32_t (*begin)(struct scene *scene, void *ctx);
    void (*complete)(struct scene *scene);
    int32_t (*cancel)(struct scene *scene); /* NULL: it cannot be cancelled */
    enum owner on;                          /* the object it belongs to */
    int lasting;                            /* it goes on after a call */
};

static void count_call(void *ctx) { record_call(ctx, IOLOOP_OK, NULL); }

static void count_handler(void *ctx, int fd, uint32_t events) {
    char byte;
    (void)events;
    record_call(ctx, IOLOOP_OK, NULL);
    CHECK_INT(read(fd, &byte, 1), 1);
}

static int32_t begin_callback(struct scene *scene, void *ctx) {
    return ioloop_add_callback(scene->wire.loop, count_call, ctx, on_free);
}

static int32_t begin_timeout(struct scene *scene, void *ctx) {
    return ioloop_call_later(scene->wire.loop, &scene->timeout, 0, count_call, ctx, on_free);
}

static int32_t cancel_timeout(struct scene *scene) { return ioloop_remove_timeout(scene->wire.loop, scene->timeout); }

static int32_t begin_handler(struct scene *scene, void *ctx) {
    return ioloop_add_handler(scene->wire.loop, scene->pipe[0], IOLOOP_READ, count_handler, ctx, on_free);
}

static void complete_handler(struct scene *scene) { CHECK_INT(write(scene->pipe[1], "x", 1), 1); }

static int32_t cancel_handler(struct scene *scene) { return ioloop_remove_handler(scene->wire.loop, scene->pipe[0]); }

static int32_t begin_signal(struct scene *scene, void *ctx) {
    return ioloop_add_signal(scene->wire.loop, SIGUSR1, on_signal, ctx, on_free);
}

static void complete_signal(struct scene *scene) {
    (void)scene;
    raise(SIGUSR1);
}

static int32_t cancel_signal(struct scene *scene) { return ioloop_remove_signal(scene->wire.loop, SIGUSR1); }

static int32_t begin_until(struct scene *scene, void *ctx) {
    return iostream_read_until(scene->wire.stream, "\n", 1, 0, on_read, ctx, on_free);
}

static int32_t begin_regex(struct scene *scene, void *ctx) {
    if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) return begin_until(scene, ctx);
    return iostream_read_until_regex(scene->wire.stream, "\\n", 2, 0, on_read, ctx, on_free);
}

static int32_t begin_bytes(struct scene *scene, void *ctx) {
    return iostream_read_bytes(scene->wire.stream, 5, on_read, ctx, on_free);
}

static int32_t begin_partial(struct scene *scene, void *ctx) {
    return iostream_read_partial(scene->wire.stream, 5, on_read, ctx, on_free);
}

static int32_t begin_into(struct scene *scene, void *ctx) {
    return iostream_read_into(scene->wire.stream, scene->buffer, 5, on_read_into, ctx, on_free);
}

static int32_t begin_into_partial(struct scene *scene, void *ctx) {
    return iostream_read_into_partial(scene->wire.stream, scene->buffer, 5, on_read_into, ctx, on_free);
}

static int32_t begin_until_close(struct scene *scene, void *ctx) {
    return iostream_read_until_close(scene->wire.stream, on_read, ctx, on_free);
}

static int32_t begin_chunks(struct scene *scene, void *ctx) {
    return iostream_read_chunks(scene->wire.stream, 5, on_read, ctx, on_free);
}

static void complete_read(struct scene *scene) { peer_sends(&scene->wire, "line\n"); }

static void complete_until_close(struct scene *scene) { peer_closes(&scene->wire); }

static int32_t cancel_read(struct scene *scene) { return iostream_cancel_read(scene->wire.stream); }

static int32_t begin_write(struct scene *scene, void *ctx) {
    return iostream_write(scene->wire.stream, "x", 1, on_status, ctx, on_free);
}

static int32_t begin_write_owned(struct scene *scene, void *ctx) {
    static struct record release;
    memset(&release, 0, sizeof release);
    return iostream_write_owned(scene->wire.stream, "x", 1, on_free, &release, on_status, ctx, on_free);
}

static int32_t begin_writev(struct scene *scene, void *ctx) {
    static const iostream_piece_t piece = {"x", 1};
    return iostream_writev(scene->wire.stream, &piece, 1, on_status, ctx, on_free);
}

static int32_t begin_close_write(struct scene *scene, void *ctx) {
    return iostream_close_write(scene->wire.stream, on_status, ctx, on_free);
}

static int32_t begin_close_callback(struct scene *scene, void *ctx) {
    return iostream_set_close_callback(scene->wire.stream, on_status, ctx, on_free);
}

static int32_t cancel_close_callback(struct scene *scene) {
    return iostream_set_close_callback(scene->wire.stream, NULL, NULL, NULL);
}

static int32_t begin_connect(struct scene *scene, void *ctx) {
    iostream_free(scene->wire.stream);
    CHECK_OK(iostream_new(&scene->wire.stream, scene->wire.loop, -1, NULL));
    return iostream_connect(scene->wire.stream, "127.0.0.1", 9, scene->port, on_status, ctx, on_free);
}

static int32_t begin_connect_unix(struct scene *scene, void *ctx) {
    iostream_free(scene->wire.stream);
    CHECK_OK(iostream_new(&scene->wire.stream, scene->wire.loop, -1, NULL));
    return iostream_connect_unix(scene->wire.stream, "/tmp/no such socket", 19, on_status, ctx, on_free);
}

static void complete_by_itself(struct scene *scene) { (void)scene; }

static int32_t begin_server(struct scene *scene, void *ctx) {
    ioserver_free(scene->server);
    int32_t status = ioserver_new(&scene->server, scene->wire.loop, NULL, NULL, on_accept, ctx, on_free);
    return status == IOLOOP_OK ? ioserver_listen(scene->server, &scene->port, "127.0.0.1", 9, 0) : status;
}

static void complete_server(struct scene *scene) {
    iostream_t *client = NULL;
    static struct record connected;
    CHECK_OK(iostream_new(&client, scene->wire.loop, -1, NULL));
    CHECK_OK(iostream_connect(client, "127.0.0.1", 9, scene->port, on_status, &connected, NULL));
    for (int turns = 0; turns < 5; turns++) CHECK(ioloop_run_once(scene->wire.loop, MS) >= 0);
    iostream_free(client);
}

static int32_t cancel_server(struct scene *scene) { return ioserver_stop(scene->server); }

static const struct way WAYS[] = {
    {"callback", begin_callback, complete_by_itself, NULL, ON_LOOP, 0},
    {"timeout", begin_timeout, complete_by_itself, cancel_timeout, ON_LOOP, 0},
    {"handler", begin_handler, complete_handler, cancel_handler, ON_LOOP, 1},
    {"signal", begin_signal, complete_signal, cancel_signal, ON_LOOP, 1},
    {"until", begin_until, complete_read, cancel_read, ON_STREAM, 0},
    {"regex", begin_regex, complete_read, cancel_read, ON_STREAM, 0},
    {"bytes", begin_bytes, complete_read, cancel_read, ON_STREAM, 0},
    {"partial", begin_partial, complete_read, cancel_read, ON_STREAM, 0},
    {"into", begin_into, complete_read, cancel_read, ON_STREAM, 0},
    {"into_partial", begin_into_partial, complete_read, cancel_read, ON_STREAM, 0},
    {"until_close", begin_until_close, complete_until_close, cancel_read, ON_STREAM, 0},
    {"chunks", begin_chunks, complete_read, cancel_read, ON_STREAM, 0},
    {"write", begin_write, complete_by_itself, NULL, ON_STREAM, 0},
    {"write_owned", begin_write_owned, complete_by_itself, NULL, ON_STREAM, 0},
    {"writev", begin_writev, complete_by_itself, NULL, ON_STREAM, 0},
    {"close_write", begin_close_write, complete_by_itself, NULL, ON_STREAM, 0},
    {"close_callback", begin_close_callback, complete_until_close, cancel_close_callback, ON_STREAM, 0},
    {"connect", begin_connect, complete_by_itself, NULL, ON_STREAM, 0},
    {"connect_unix", begin_connect_unix, complete_by_itself, NULL, ON_STREAM, 0},
    {"server", begin_server, complete_server, cancel_server, ON_SERVER, 1},
};
enum { WAY_COUNT = sizeof WAYS / sizeof WAYS[0] };

static struct scene new_scene(void) {
    struct scene scene = {.wire = new_wire()};
    static struct record accepted;
    memset(&accepted, 0, sizeof accepted);
    CHECK_INT(pipe2(scene.pipe, O_CLOEXEC), 0);
    CHECK_OK(ioserver_new(&scene.server, scene.wire.loop, NULL, NULL, on_accept, &accepted, NULL));
    CHECK_OK(ioserver_listen(scene.server, &scene.port, "127.0.0.1", 9, 0));
    return scene;
}

static void free_scene(struct scene *scene) {
    free_wire(&scene->wire);
    close(scene->pipe[0]);
    close(scene->pipe[1]);
}

static void run_some(ioloop_t *loop) {
    for (int turns = 0, quiet = 0; quiet < 3 && turns < 100; turns++) {
        int32_t done = ioloop_run_once(loop, MS);
        if (done == IOLOOP_ECLOSED) return;
        quiet = done == 0 ? quiet + 1 : 0;
    }
}

static void close_object(struct scene *scene, enum owner on) {
    if (on == ON_STREAM)
        CHECK_OK(iostream_close(scene->wire.stream));
    else if (on == ON_SERVER)
        CHECK_OK(ioserver_stop(scene->server));
    else
        CHECK_OK(ioloop_close(scene->wire.loop, 0));
}

static void free_object(struct scene *scene, enum owner on) {
    if (on == ON_STREAM)
        iostream_free(scene->wire.stream);
    else if (on == ON_SERVER)
        ioserver_free(scene->server);
    else
        ioloop_free(scene->wire.loop);
}

static void play(const struct way *way, enum end end, struct record *record) {
    struct scene scene = new_scene();
    CHECK_OK(way->begin(&scene, record));
    CHECK_INT(record->calls + record->frees, 0);
    switch (end) {
        case COMPLETED:
            way->complete(&scene);
            run_some(scene.wire.loop);
            CHECK(record->calls >= 1);
            CHECK_INT(record->frees, way->lasting ? 0 : 1);
            break;
        case CANCELLED:
            CHECK_OK(way->cancel(&scene));
            CHECK_INT(record->frees, 1);
            run_some(scene.wire.loop);
            CHECK_INT(record->calls, 0);
            break;
        case OBJECT_CLOSED:
            close_object(&scene, way->on);
            run_some(scene.wire.loop);
            CHECK_INT(record->frees, 1);
            break;
        case OBJECT_FREED:
            free_object(&scene, way->on);
            if (way->on != ON_LOOP) run_some(scene.wire.loop);
            CHECK_INT(record->calls, 0);
            CHECK_INT(record->frees, 1);
            break;
        case LOOP_CLOSED:
            CHECK_OK(ioloop_close(scene.wire.loop, 0));
            run_some(scene.wire.loop);
            CHECK_INT(record->frees, 1);
            break;
        default:
            break;
    }
    free_scene(&scene);
    CHECK_INT(record->frees, 1);
}

static void play_all(enum end end) {
    for (int i = 0; i < WAY_COUNT; i++) {
        struct record record = {0};
        if (end == CANCELLED && WAYS[i].cancel == NULL) continue;
        playing = WAYS[i].name;
        play(&WAYS[i], end, &record);
    }
    playing = NULL;
}

static void completed(void) { play_all(COMPLETED); }

static void cancelled(void) { play_all(CANCELLED); }

static void object_closed(void) { play_all(OBJECT_CLOSED); }

static void object_freed(void) { play_all(OBJECT_FREED); }

static void loop_closed(void) { play_all(LOOP_CLOSED); }

static void loop_freed(void) { play_all(LOOP_FREED); }

/* Refused: the object is closed already. */
static void refused_by_a_closed_object(void) {
    for (int i = 0; i < WAY_COUNT; i++) {
        struct scene scene = new_scene();
        struct record record = {0};
        if (WAYS[i].begin == begin_connect || WAYS[i].begin == begin_connect_unix || WAYS[i].begin == begin_server) {
            free_scene(&scene);
            continue; /* these make objects of their own */
        }
        close_object(&scene, WAYS[i].on);
        run_some(scene.wire.loop);
        int32_t status = WAYS[i].begin(&scene, &record);
        CHECK(status == IOLOOP_OK || record.frees == 1); /* reads and close callbacks are taken by closed streams */
        if (status != IOLOOP_OK) CHECK_STATUS(status, IOLOOP_ECLOSED);
        run_some(scene.wire.loop);
        CHECK_INT(record.frees, 1);
        free_scene(&scene);
    }
}

TEST_MAIN(TEST(completed), TEST(cancelled), TEST(object_closed), TEST(object_freed), TEST(loop_closed),
          TEST(loop_freed), TEST(refused_by_a_closed_object))
