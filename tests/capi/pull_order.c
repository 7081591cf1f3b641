/* The same program run with callbacks and with the pull queue gives the same results in the same order. */
#include "capi_test.h"

enum { MAX_RESULTS = 256 };

/* One result, as either way of delivery tells it. */
struct result {
    uintptr_t tag;
    int32_t status;
    uint64_t size;
    char data[24];
};

struct run {
    ioloop_t *loop;
    int pull;
    int count;
    struct result results[MAX_RESULTS];
    iostream_t *one, *other;
};

/* The ctx of each operation of the callback way. */
struct operation {
    struct run *run;
    uintptr_t tag;
};

static void add_result(struct run *run, uintptr_t tag, int32_t status, const uint8_t *data, uint64_t size) {
    CHECK(run->count < MAX_RESULTS);
    struct result *result = &run->results[run->count++];
    memset(result, 0, sizeof *result);
    result->tag = tag;
    result->status = status;
    result->size = size;
    if (data != NULL) memcpy(result->data, data, size < sizeof result->data ? size : sizeof result->data);
}

static void call_done(void *ctx) {
    struct operation *operation = ctx;
    add_result(operation->run, operation->tag, IOLOOP_OK, NULL, 0);
}

static void read_done(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct operation *operation = ctx;
    (void)stream;
    add_result(operation->run, operation->tag, status, data, size);
}

static void status_done(void *ctx, iostream_t *stream, int32_t status) {
    struct operation *operation = ctx;
    (void)stream;
    add_result(operation->run, operation->tag, status, NULL, 0);
}

/* The ctx of an operation: the tag itself, or what leads to it. */
static void *context(struct run *run, uintptr_t tag, ioloop_free_fn *out_free) {
    *out_free = NULL;
    if (run->pull) return (void *)tag;
    struct operation *operation = malloc(sizeof *operation);
    operation->run = run;
    operation->tag = tag;
    *out_free = free;
    return operation;
}

static void start_call(struct run *run, uintptr_t tag) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(ioloop_add_callback(run->loop, run->pull ? NULL : call_done, ctx, free_fn));
}

static void start_timeout(struct run *run, uintptr_t tag, int64_t deadline_ns) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(ioloop_call_at(run->loop, NULL, deadline_ns, run->pull ? NULL : call_done, ctx, free_fn));
}

static void start_line(struct run *run, iostream_t *stream, uintptr_t tag) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(iostream_read_until(stream, "\n", 1, 0, run->pull ? NULL : read_done, ctx, free_fn));
}

static void start_bytes(struct run *run, iostream_t *stream, uintptr_t tag, size_t size) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(iostream_read_bytes(stream, size, run->pull ? NULL : read_done, ctx, free_fn));
}

static void start_write(struct run *run, iostream_t *stream, uintptr_t tag, const char *text) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(iostream_write(stream, text, strlen(text), run->pull ? NULL : status_done, ctx, free_fn));
}

static void watch_close(struct run *run, iostream_t *stream, uintptr_t tag) {
    ioloop_free_fn free_fn;
    void *ctx = context(run, tag, &free_fn);
    CHECK_OK(iostream_set_close_callback(stream, run->pull ? NULL : status_done, ctx, free_fn));
}

/* Runs until there are so many results in all. */
static void run_until_count(struct run *run, int count, uint32_t capacity) {
    for (int turns = 0; run->count < count; turns++) {
        ioloop_event_t events[64];
        CHECK(turns < 1000);
        if (!run->pull) {
            CHECK(ioloop_run_once(run->loop, SECOND) >= 0);
            continue;
        }
        int32_t taken = ioloop_poll(run->loop, events, capacity, SECOND);
        CHECK(taken >= 0 && taken <= (int32_t)capacity);
        for (int32_t i = 0; i < taken; i++)
            add_result(run, (uintptr_t)events[i].tag, events[i].status, events[i].data, events[i].size);
    }
    CHECK_INT(run->count, count);
}

static void play(struct run *run, uint32_t capacity) {
    run->loop = new_loop();
    CHECK_OK(iostream_new_pair(&run->one, &run->other, run->loop, NULL));
    watch_close(run, run->one, 100);
    watch_close(run, run->other, 101);

    start_call(run, 1);
    start_timeout(run, 2, 0);
    start_call(run, 3);
    start_timeout(run, 4, 0);
    run_until_count(run, 4, capacity);

    start_line(run, run->other, 10);
    start_write(run, run->one, 11, "first\nsecond\n");
    start_write(run, run->one, 12, "third ");
    run_until_count(run, 7, capacity);
    start_line(run, run->other, 13);
    start_call(run, 14);
    run_until_count(run, 9, capacity);
    start_bytes(run, run->other, 15, 5);
    start_line(run, run->one, 16);
    start_write(run, run->other, 17, "answer\n");
    run_until_count(run, 12, capacity);

    start_line(run, run->other, 18);
    start_line(run, run->one, 19);
    start_write(run, run->one, 20, "last");
    run_until_count(run, 13, capacity);
    CHECK_OK(iostream_close(run->one));
    run_until_count(run, 17, capacity);
    ioloop_free(run->loop);
}

static void same_results_in_the_same_order(void) {
    static struct run callbacks, one_by_one = {.pull = 1}, batches = {.pull = 1};
    play(&callbacks, 0);
    play(&one_by_one, 1);
    play(&batches, 64);
    for (int i = 0; i < callbacks.count; i++) {
        const struct result *expected = &callbacks.results[i];
        const struct run *others[] = {&one_by_one, &batches};
        for (int other = 0; other < 2; other++) {
            const struct result *result = &others[other]->results[i];
            CHECK_INT(result->tag, expected->tag);
            CHECK_STATUS(result->status, expected->status);
            CHECK_INT(result->size, expected->size);
            CHECK(memcmp(result->data, expected->data, sizeof result->data) == 0);
        }
    }
}

/* Callbacks and events of one loop keep their order among themselves. */
static void both_ways_on_one_loop(void) {
    ioloop_t *loop = new_loop();
    struct record called = {0};
    ioloop_event_t events[8];
    CHECK_OK(ioloop_add_callback(loop, NULL, (void *)1, NULL));
    CHECK_OK(ioloop_add_callback(loop, on_callback, &called, on_free));
    CHECK_OK(ioloop_add_callback(loop, NULL, (void *)2, NULL));
    int32_t count = 0;
    while (count < 2) {
        int32_t more = ioloop_poll(loop, events + count, 8 - (uint32_t)count, SECOND);
        CHECK(more > 0);
        count += more;
    }
    CHECK_ENDED(called, IOLOOP_OK);
    CHECK_INT(events[0].tag, 1);
    CHECK_INT(events[1].tag, 2);
    ioloop_free(loop);
}

TEST_MAIN(TEST(same_results_in_the_same_order), TEST(both_ways_on_one_loop))
