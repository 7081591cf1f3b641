/* Operations chained from their own callbacks, a million deep, on a small stack (A6). */
#include "capi_test.h"

enum { CHAIN = 1000000, STACK = 256 * 1024 };

struct chain {
    ioloop_t *loop;
    iostream_t *one, *other;
    int done, calls;
    size_t bytes;
};

static void check_next(struct chain *chain, int32_t status) {
    CHECK_OK(status);
    chain->calls++;
}

static void read_next(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct chain *chain = ctx;
    check_next(chain, status);
    CHECK_INT(size, 1);
    CHECK_INT(data[0], (uint8_t)(chain->bytes++ % 251));
    if (chain->bytes < CHAIN)
        CHECK_OK(iostream_read_bytes(stream, 1, read_next, chain, NULL));
    else
        chain->done = 1;
}

static void read_nothing(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct chain *chain = ctx;
    (void)data, (void)size;
    check_next(chain, status);
    if (chain->calls < CHAIN)
        CHECK_OK(iostream_read_bytes(stream, 0, read_nothing, chain, NULL));
    else
        chain->done = 1;
}

static void write_nothing(void *ctx, iostream_t *stream, int32_t status) {
    struct chain *chain = ctx;
    check_next(chain, status);
    if (chain->calls < CHAIN)
        CHECK_OK(iostream_write(stream, NULL, 0, write_nothing, chain, NULL));
    else
        chain->done = 1;
}

static void read_failing(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct chain *chain = ctx;
    (void)data, (void)size;
    CHECK_STATUS(status, IOLOOP_ECLOSED);
    if (++chain->calls < CHAIN)
        CHECK_OK(iostream_read_bytes(stream, 1, read_failing, chain, NULL));
    else
        chain->done = 1;
}

static void new_chain(struct chain *chain) {
    memset(chain, 0, sizeof *chain);
    chain->loop = new_loop();
    CHECK_OK(iostream_new_pair(&chain->one, &chain->other, chain->loop, NULL));
}

static void run_chain(struct chain *chain) {
    while (!chain->done) CHECK(ioloop_run_once(chain->loop, SECOND) >= 0);
    ioloop_free(chain->loop);
}

static void *chained_reads(void *ctx) {
    static uint8_t data[CHAIN];
    struct chain chain;
    (void)ctx;
    for (size_t i = 0; i < CHAIN; i++) data[i] = (uint8_t)(i % 251);
    new_chain(&chain);
    CHECK_OK(iostream_write(chain.one, data, CHAIN, NULL, NULL, NULL));
    CHECK_OK(iostream_read_bytes(chain.other, 1, read_next, &chain, NULL));
    run_chain(&chain);
    CHECK_INT(chain.calls, CHAIN);
    return NULL;
}

static void *chained_empty_reads(void *ctx) {
    struct chain chain;
    (void)ctx;
    new_chain(&chain);
    CHECK_OK(iostream_read_bytes(chain.one, 0, read_nothing, &chain, NULL));
    run_chain(&chain);
    return NULL;
}

static void *chained_empty_writes(void *ctx) {
    struct chain chain;
    (void)ctx;
    new_chain(&chain);
    CHECK_OK(iostream_write(chain.one, NULL, 0, write_nothing, &chain, NULL));
    run_chain(&chain);
    return NULL;
}

static void *chained_failing_reads(void *ctx) {
    struct chain chain;
    (void)ctx;
    new_chain(&chain);
    CHECK_OK(iostream_close(chain.one));
    CHECK_OK(iostream_read_bytes(chain.one, 1, read_failing, &chain, NULL));
    run_chain(&chain);
    return NULL;
}

static void on_small_stack(void *(*chain)(void *)) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    CHECK_INT(pthread_attr_setstacksize(&attributes, STACK), 0);
    CHECK_INT(pthread_create(&thread, &attributes, chain, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void H_A6_chained_reads(void) { on_small_stack(chained_reads); }

static void H_A6_chained_empty_reads(void) { on_small_stack(chained_empty_reads); }

static void H_A6_chained_empty_writes(void) { on_small_stack(chained_empty_writes); }

static void H_A6_chained_failing_reads(void) { on_small_stack(chained_failing_reads); }

/* A chain that never ends must not keep others from their turn. */
struct fairness {
    ioloop_t *loop;
    int stop;
};

static void chain_for_ever(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct fairness *fairness = ctx;
    (void)data, (void)size;
    CHECK_OK(status);
    if (!fairness->stop) CHECK_OK(iostream_read_bytes(stream, 0, chain_for_ever, fairness, NULL));
}

static void H_K3_endless_chain_starves_nobody(void) {
    struct fairness fairness = {.loop = new_loop()};
    struct wire wire = new_wire_with(fairness.loop, NULL);
    struct record line = {0}, timeout = {0}, callback = {0};
    iostream_t *one, *other;
    CHECK_OK(iostream_new_pair(&one, &other, fairness.loop, NULL));
    CHECK_OK(iostream_read_bytes(one, 0, chain_for_ever, &fairness, NULL));
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    CHECK_OK(ioloop_call_later(fairness.loop, NULL, MS, on_callback, &timeout, on_free));
    CHECK(ioloop_run_once(fairness.loop, 0) >= 0);
    CHECK_OK(ioloop_add_callback(fairness.loop, on_callback, &callback, on_free));
    peer_sends(&wire, "line\n");
    RUN_UNTIL(fairness.loop, line.calls > 0 && timeout.calls > 0 && callback.calls > 0);
    fairness.stop = 1;
    run_idle(fairness.loop);
    free_wire(&wire);
}

TEST_MAIN(TEST(H_A6_chained_reads), TEST(H_A6_chained_empty_reads), TEST(H_A6_chained_empty_writes),
          TEST(H_A6_chained_failing_reads), TEST(H_K3_endless_chain_starves_nobody))
