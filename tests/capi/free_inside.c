/* Ending things inside callbacks (A4): in a callback of every kind its own object, its loop, or a neighbour is closed
 * or freed, and nothing is touched afterwards. */
#include "capi_test.h"

enum action { CLOSE_OBJECT, FREE_OBJECT, CLOSE_LOOP, FREE_LOOP, CLOSE_AND_FREE_LOOP, STOP_LOOP, ACTIONS };

static const char *const ACTION_NAMES[ACTIONS] = {"close the object", "free the object",         "close the loop",
                                                  "free the loop",    "close and free the loop", "stop the loop"};

/* The ctx of the callback under test, and what it acts on. */
struct actor {
    struct record record;
    enum action action;
    struct wire wire;
    ioserver_t *server;
    iostream_t *client;
    uint64_t timeout;
    int pipe[2], acted;
    char buffer[8];
    void (*close_object)(struct actor *actor);
    void (*free_object)(struct actor *actor);
};

static void free_actor(void *ctx) { on_free(&((struct actor *)ctx)->record); }

/* Called at the end of each callback under test. */
static void act(struct actor *actor) {
    CHECK_INT(actor->record.frees, 0);
    if (actor->acted++) return;
    switch (actor->action) {
        case CLOSE_OBJECT:
            actor->close_object(actor);
            break;
        case FREE_OBJECT:
            actor->free_object(actor);
            break;
        case CLOSE_LOOP:
            CHECK_OK(ioloop_close(actor->wire.loop, 0));
            break;
        case FREE_LOOP:
            ioloop_free(actor->wire.loop);
            break;
        case CLOSE_AND_FREE_LOOP:
            CHECK_OK(ioloop_close(actor->wire.loop, IOLOOP_CLOSE_FDS));
            ioloop_free(actor->wire.loop);
            break;
        default:
            CHECK_OK(ioloop_stop(actor->wire.loop));
    }
    CHECK_INT(actor->record.frees, 0); /* ctx is in use until this function returns */
}

static void act_callback(void *ctx) {
    struct actor *actor = ctx;
    on_callback(&actor->record);
    act(actor);
}

static void act_handler(void *ctx, int fd, uint32_t events) {
    struct actor *actor = ctx;
    char byte;
    on_handler(&actor->record, fd, events);
    CHECK_INT(read(fd, &byte, 1), 1);
    act(actor);
}

static void act_signal(void *ctx, int32_t signum, uint64_t count) {
    struct actor *actor = ctx;
    on_signal(&actor->record, signum, count);
    act(actor);
}

static void act_read(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct actor *actor = ctx;
    char first[5], again[5];
    on_read(&actor->record, stream, status, data, size);
    if (size < sizeof first) {
        act(actor);
        return;
    }
    memcpy(first, data, sizeof first);
    act(actor);
    memcpy(again, data, sizeof again); /* lent until this function returns, whatever was freed */
    CHECK_INT(memcmp(first, again, sizeof first), 0);
}

static void act_read_into(void *ctx, iostream_t *stream, int32_t status, size_t size) {
    struct actor *actor = ctx;
    on_read_into(&actor->record, stream, status, size);
    act(actor);
}

static void act_status(void *ctx, iostream_t *stream, int32_t status) {
    struct actor *actor = ctx;
    on_status(&actor->record, stream, status);
    act(actor);
}

static void act_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    struct actor *actor = ctx;
    on_accept(&actor->record, server, status, stream);
    act(actor);
}

/* Ends of objects. Those of the loop itself are removed. */
static void close_stream(struct actor *actor) { CHECK_OK(iostream_close(actor->wire.stream)); }

static void free_stream(struct actor *actor) { iostream_free(actor->wire.stream); }

static void stop_server(struct actor *actor) { CHECK_OK(ioserver_stop(actor->server)); }

static void free_server(struct actor *actor) { ioserver_free(actor->server); }

static void remove_handler(struct actor *actor) { CHECK_OK(ioloop_remove_handler(actor->wire.loop, actor->pipe[0])); }

static void remove_signal(struct actor *actor) { CHECK_OK(ioloop_remove_signal(actor->wire.loop, SIGUSR1)); }

static void remove_timeout(struct actor *actor) {
    CHECK_STATUS(ioloop_remove_timeout(actor->wire.loop, actor->timeout), IOLOOP_ENOENT);
}

static void free_neighbour(struct actor *actor) { iostream_free(actor->wire.stream); }

/* How each callback comes about. */
static void begin_callback(struct actor *actor) {
    CHECK_OK(ioloop_add_callback(actor->wire.loop, act_callback, actor, free_actor));
}

static void begin_timeout(struct actor *actor) {
    CHECK_OK(ioloop_call_later(actor->wire.loop, &actor->timeout, 0, act_callback, actor, free_actor));
}

static void begin_handler(struct actor *actor) {
    CHECK_OK(ioloop_add_handler(actor->wire.loop, actor->pipe[0], IOLOOP_READ, act_handler, actor, free_actor));
    CHECK_INT(write(actor->pipe[1], "xy", 2), 2);
}

static void begin_signal(struct actor *actor) {
    CHECK_OK(ioloop_add_signal(actor->wire.loop, SIGUSR1, act_signal, actor, free_actor));
    raise(SIGUSR1);
}

static void begin_until(struct actor *actor) {
    peer_sends(&actor->wire, "line\nmore");
    CHECK_OK(iostream_read_until(actor->wire.stream, "\n", 1, 0, act_read, actor, free_actor));
}

static void begin_bytes(struct actor *actor) {
    peer_sends(&actor->wire, "bytesmore");
    CHECK_OK(iostream_read_bytes(actor->wire.stream, 5, act_read, actor, free_actor));
}

static void begin_partial(struct actor *actor) {
    peer_sends(&actor->wire, "bytesmore");
    CHECK_OK(iostream_read_partial(actor->wire.stream, 5, act_read, actor, free_actor));
}

static void begin_into(struct actor *actor) {
    peer_sends(&actor->wire, "bytesmore");
    CHECK_OK(iostream_read_into(actor->wire.stream, actor->buffer, 5, act_read_into, actor, free_actor));
}

static void begin_chunks(struct actor *actor) {
    peer_sends(&actor->wire, "bytesmore");
    CHECK_OK(iostream_read_chunks(actor->wire.stream, 9, act_read, actor, free_actor));
}

static void begin_until_close(struct actor *actor) {
    peer_sends(&actor->wire, "bytes");
    peer_closes(&actor->wire);
    CHECK_OK(iostream_read_until_close(actor->wire.stream, act_read, actor, free_actor));
}

static void begin_failing_read(struct actor *actor) {
    peer_closes(&actor->wire);
    CHECK_OK(iostream_read_until(actor->wire.stream, "\n", 1, 0, act_read, actor, free_actor));
}

static void begin_write(struct actor *actor) {
    CHECK_OK(iostream_write(actor->wire.stream, "x", 1, act_status, actor, free_actor));
    CHECK_OK(iostream_write(actor->wire.stream, "yz", 2, NULL, NULL, NULL));
}

static void begin_failing_write(struct actor *actor) {
    static char much[8 << 20];
    CHECK_OK(iostream_write(actor->wire.stream, much, sizeof much, act_status, actor, free_actor));
    run_idle(actor->wire.loop);
    peer_closes(&actor->wire);
}

static void begin_close_write(struct actor *actor) {
    CHECK_OK(iostream_close_write(actor->wire.stream, act_status, actor, free_actor));
}

static void begin_close(struct actor *actor) {
    CHECK_OK(iostream_set_close_callback(actor->wire.stream, act_status, actor, free_actor));
    peer_closes(&actor->wire);
}

static void begin_connect(struct actor *actor) {
    static struct record accepted;
    uint16_t port = 0;
    memset(&accepted, 0, sizeof accepted);
    CHECK_OK(ioserver_new(&actor->server, actor->wire.loop, NULL, NULL, on_accept, &accepted, NULL));
    CHECK_OK(ioserver_listen(actor->server, &port, "127.0.0.1", 9, 0));
    iostream_free(actor->wire.stream);
    CHECK_OK(iostream_new(&actor->wire.stream, actor->wire.loop, -1, NULL));
    CHECK_OK(iostream_connect(actor->wire.stream, "127.0.0.1", 9, port, act_status, actor, free_actor));
}

static void begin_failing_connect(struct actor *actor) {
    iostream_free(actor->wire.stream);
    CHECK_OK(iostream_new(&actor->wire.stream, actor->wire.loop, -1, NULL));
    CHECK_OK(iostream_connect_unix(actor->wire.stream, "/tmp/no such socket", 19, act_status, actor, free_actor));
}

/* Several connections wait, so that the server has more to deliver when it is ended. */
static void begin_accept(struct actor *actor) {
    static struct record connected;
    uint16_t port = 0;
    memset(&connected, 0, sizeof connected);
    CHECK_OK(ioserver_new(&actor->server, actor->wire.loop, NULL, NULL, act_accept, actor, free_actor));
    CHECK_OK(ioserver_listen(actor->server, &port, "127.0.0.1", 9, 0));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(iostream_new(&actor->client, actor->wire.loop, -1, NULL));
        CHECK_OK(iostream_connect(actor->client, "127.0.0.1", 9, port, on_status, &connected, NULL));
    }
}

static const struct {
    const char *name;
    void (*begin)(struct actor *actor);
    void (*close_object)(struct actor *actor);
    void (*free_object)(struct actor *actor);
} KINDS[] = {
    {"callback", begin_callback, free_neighbour, free_neighbour},
    {"timeout", begin_timeout, remove_timeout, free_neighbour},
    {"handler", begin_handler, remove_handler, free_neighbour},
    {"signal", begin_signal, remove_signal, free_neighbour},
    {"read_until", begin_until, close_stream, free_stream},
    {"read_bytes", begin_bytes, close_stream, free_stream},
    {"read_partial", begin_partial, close_stream, free_stream},
    {"read_into", begin_into, close_stream, free_stream},
    {"read_chunks", begin_chunks, close_stream, free_stream},
    {"read_until_close", begin_until_close, close_stream, free_stream},
    {"failing read", begin_failing_read, close_stream, free_stream},
    {"write", begin_write, close_stream, free_stream},
    {"failing write", begin_failing_write, close_stream, free_stream},
    {"close_write", begin_close_write, close_stream, free_stream},
    {"close", begin_close, close_stream, free_stream},
    {"connect", begin_connect, close_stream, free_stream},
    {"failing connect", begin_failing_connect, close_stream, free_stream},
    {"accept", begin_accept, stop_server, free_server},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static void play(int kind, enum action action, int with_start) {
    static struct actor actor;
    char name[64];
    memset(&actor, 0, sizeof actor);
    snprintf(name, sizeof name, "%s, %s", KINDS[kind].name, ACTION_NAMES[action]);
    playing = name;
    actor.action = action;
    actor.wire = new_wire();
    actor.close_object = KINDS[kind].close_object;
    actor.free_object = KINDS[kind].free_object;
    CHECK_INT(pipe2(actor.pipe, O_CLOEXEC), 0);
    KINDS[kind].begin(&actor);
    for (int turns = 0; actor.acted == 0; turns++) {
        CHECK(turns < 1000);
        if (with_start && action >= CLOSE_LOOP)
            CHECK(ioloop_start(actor.wire.loop) <= 0);
        else
            CHECK(ioloop_run_once(actor.wire.loop, 100 * MS) != IOLOOP_EHANDLE);
    }
    if (action == FREE_LOOP || action == CLOSE_AND_FREE_LOOP) {
        CHECK_INT(actor.record.frees, 1);
        CHECK_STATUS(ioloop_run_once(actor.wire.loop, 0), IOLOOP_EHANDLE);
        CHECK_INT(ioloop_memory_bytes(), 0);
    }
    for (int turns = 0; turns < 10; turns++) ioloop_run_once(actor.wire.loop, 0);
    free_wire(&actor.wire);
    CHECK_INT(actor.record.frees, 1);
    CHECK(actor.record.calls >= 1);
    if (fcntl(actor.pipe[0], F_GETFD) >= 0) close(actor.pipe[0]);
    close(actor.pipe[1]);
    playing = NULL;
}

static void play_every_kind(enum action action) {
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (int with_start = 0; with_start < 2; with_start++) play(kind, action, with_start);
}

static void H_A4_close_object(void) { play_every_kind(CLOSE_OBJECT); }

static void H_A4_free_object(void) { play_every_kind(FREE_OBJECT); }

static void H_A4_close_loop(void) { play_every_kind(CLOSE_LOOP); }

static void H_A4_free_loop(void) { play_every_kind(FREE_LOOP); }

static void H_A4_close_and_free_loop(void) { play_every_kind(CLOSE_AND_FREE_LOOP); }

static void H_A4_stop_loop(void) { play_every_kind(STOP_LOOP); }

/* Many streams become ready in one turn; the first one's callback frees all others. */
struct crowd {
    struct wire wires[8];
    int calls;
};

static void free_all_others(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct crowd *crowd = ctx;
    (void)status, (void)data, (void)size;
    crowd->calls++;
    for (int i = 0; i < 8; i++)
        if (crowd->wires[i].stream != stream) iostream_free(crowd->wires[i].stream);
}

static void H_A1_first_of_a_batch_frees_the_others(void) {
    struct crowd crowd = {.calls = 0};
    ioloop_t *loop = new_loop();
    for (int i = 0; i < 8; i++) {
        crowd.wires[i] = new_wire_with(loop, NULL);
        CHECK_OK(iostream_read_until(crowd.wires[i].stream, "\n", 1, 0, free_all_others, &crowd, NULL));
    }
    run_idle(loop);
    for (int i = 0; i < 8; i++) peer_sends(&crowd.wires[i], "line\n");
    run_idle(loop);
    CHECK_INT(crowd.calls, 1);
    ioloop_free(loop);
    for (int i = 0; i < 8; i++) close(crowd.wires[i].peer);
}

TEST_MAIN(TEST(H_A4_close_object), TEST(H_A4_free_object), TEST(H_A4_close_loop), TEST(H_A4_free_loop),
          TEST(H_A4_close_and_free_loop), TEST(H_A4_stop_loop), TEST(H_A1_first_of_a_batch_frees_the_others))
