/* Starting, stopping, single turns, queued callbacks, waking, and the loop's own figures. */
#include "capi_test.h"

static void stop_loop(void *loop) {
    CHECK_INT(ioloop_running(loop), 1);
    CHECK_OK(ioloop_stop(loop));
}

static void start_and_stop(void) {
    ioloop_t *loop = new_loop();
    CHECK_INT(ioloop_running(loop), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(ioloop_add_callback(loop, stop_loop, loop, NULL));
        CHECK_OK(ioloop_start(loop));
        CHECK_INT(ioloop_running(loop), 0);
    }
    ioloop_free(loop);
}

/* A stop before the start makes it return at once, and only that start. */
static void stop_is_sticky(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_OK(ioloop_stop(loop));
    CHECK_OK(ioloop_stop(loop));
    CHECK_OK(ioloop_add_callback(loop, on_callback, &record, on_free));
    CHECK_OK(ioloop_start(loop));
    CHECK_INT(record.calls, 0);
    CHECK_OK(ioloop_add_callback(loop, stop_loop, loop, NULL));
    CHECK_OK(ioloop_start(loop));
    CHECK_ENDED(record, IOLOOP_OK);
    ioloop_free(loop);
}

/* What was queued beside the stop still runs; what that queues does not. */
static void stop_ends_after_the_turn(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_OK(ioloop_add_callback(loop, stop_loop, loop, NULL));
    CHECK_OK(ioloop_add_callback(loop, on_callback, &record, on_free));
    CHECK_OK(ioloop_start(loop));
    CHECK_ENDED(record, IOLOOP_OK);
    ioloop_free(loop);
}

static void *stop_from_thread(void *loop) {
    CHECK_OK(ioloop_stop(loop));
    return NULL;
}

static void stop_from_another_thread(void) {
    ioloop_t *loop = new_loop();
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, stop_from_thread, loop), 0);
    CHECK_OK(ioloop_start(loop));
    pthread_join(thread, NULL);
    ioloop_free(loop);
}

struct nested {
    ioloop_t *loop;
    int calls;
};

static void run_inside(void *ctx) {
    struct nested *nested = ctx;
    ioloop_event_t event;
    CHECK_INT(ioloop_running(nested->loop), 1);
    CHECK_STATUS(ioloop_start(nested->loop), IOLOOP_ESTATE);
    CHECK_STATUS(ioloop_run_once(nested->loop, 0), IOLOOP_ESTATE);
    CHECK_STATUS(ioloop_poll(nested->loop, &event, 1, 0), IOLOOP_ESTATE);
    nested->calls++;
    CHECK_OK(ioloop_stop(nested->loop));
}

static void H_A7_nested_run(void) {
    struct nested nested = {.loop = new_loop()};
    ioloop_event_t event;
    CHECK_OK(ioloop_add_callback(nested.loop, run_inside, &nested, NULL));
    CHECK_OK(ioloop_start(nested.loop));
    CHECK_OK(ioloop_add_callback(nested.loop, run_inside, &nested, NULL));
    CHECK(ioloop_run_once(nested.loop, 0) > 0);
    CHECK_OK(ioloop_add_callback(nested.loop, run_inside, &nested, NULL));
    CHECK_INT(ioloop_poll(nested.loop, &event, 1, 0), 0);
    CHECK_INT(nested.calls, 3);
    ioloop_free(nested.loop);
}

static void *start_from_thread(void *loop) {
    CHECK_STATUS(ioloop_start(loop), IOLOOP_ESTATE);
    CHECK_STATUS(ioloop_run_once(loop, 0), IOLOOP_ESTATE);
    CHECK_INT(ioloop_running(loop), 1);
    return NULL;
}

static void run_thread_inside(void *loop) {
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, start_from_thread, loop), 0);
    pthread_join(thread, NULL);
    CHECK_OK(ioloop_stop(loop));
}

static void H_A7_start_on_second_thread(void) {
    ioloop_t *loop = new_loop();
    CHECK_OK(ioloop_add_callback(loop, run_thread_inside, loop, NULL));
    CHECK_OK(ioloop_start(loop));
    ioloop_free(loop);
}

static void run_once_counts(void) {
    ioloop_t *loop = new_loop();
    struct record records[3] = {{0}};
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    for (int i = 0; i < 3; i++) CHECK_OK(ioloop_add_callback(loop, on_callback, &records[i], on_free));
    CHECK_INT(ioloop_run_once(loop, 0), 3);
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    memset(records, 0, sizeof records);
    CHECK_OK(ioloop_call_later(loop, NULL, 0, on_callback, &records[0], on_free));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_STATUS(ioloop_run_once(loop, -2), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_run_once(loop, INT64_MIN), IOLOOP_EINVAL);
    ioloop_free(loop);
}

static void run_once_waits(void) {
    ioloop_t *loop = new_loop();
    int64_t begin = ioloop_clock_ns();
    CHECK_INT(ioloop_run_once(loop, 30 * MS), 0);
    CHECK(ioloop_clock_ns() - begin >= 30 * MS);
    ioloop_free(loop);
}

/* A turn that has done something returns, however long it might wait. */
static void run_once_returns_after_work(void) {
    ioloop_t *loop = new_loop();
    struct record callback = {0}, timeout = {0};
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(ioloop_add_callback(loop, on_callback, &callback, on_free));
    CHECK_INT(ioloop_run_once(loop, 10 * SECOND), 1);
    CHECK_OK(ioloop_call_later(loop, NULL, 0, on_callback, &timeout, on_free));
    CHECK_INT(ioloop_run_once(loop, 10 * SECOND), 1);
    CHECK(ioloop_clock_ns() - begin < 5 * SECOND);
    ioloop_free(loop);
}

static void callbacks_in_order(void) {
    static struct record records[1000];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    ioloop_t *loop = new_loop();
    for (int i = 0; i < 1000; i++) {
        records[i].name = i < 5 ? names[i] : NULL;
        CHECK_OK(ioloop_add_callback(loop, on_callback, &records[i], on_free));
        CHECK_INT(records[i].calls, 0);
    }
    run_idle(loop);
    CHECK_JOURNAL("a b c d e");
    for (int i = 0; i < 1000; i++) CHECK_ENDED(records[i], IOLOOP_OK);
    ioloop_free(loop);
}

static void add_another(void *ctx) {
    struct nested *nested = ctx;
    if (++nested->calls < 3) CHECK_OK(ioloop_add_callback(nested->loop, add_another, nested, NULL));
}

static void callback_of_a_callback_waits_a_turn(void) {
    struct nested nested = {.loop = new_loop()};
    CHECK_OK(ioloop_add_callback(nested.loop, add_another, &nested, NULL));
    for (int turn = 1; turn <= 3; turn++) {
        CHECK_INT(ioloop_run_once(nested.loop, SECOND), 1);
        CHECK_INT(nested.calls, turn);
    }
    CHECK_INT(ioloop_run_once(nested.loop, 0), 0);
    ioloop_free(nested.loop);
}

enum { THREADS = 4, POSTS = 5000 };

struct poster {
    ioloop_t *loop;
    int next[THREADS], total;
};

struct post {
    struct poster *all;
    int thread, number;
};

static void on_post(void *ctx) {
    struct post *post = ctx;
    CHECK_INT(post->number, post->all->next[post->thread]);
    post->all->next[post->thread]++;
    if (++post->all->total == THREADS * POSTS) ioloop_stop(post->all->loop);
}

static void *post_many(void *ctx) {
    struct post *first = ctx;
    for (int i = 0; i < POSTS; i++) {
        struct post *post = malloc(sizeof *post);
        *post = (struct post){first->all, first->thread, i};
        CHECK_OK(ioloop_add_callback(first->all->loop, on_post, post, free));
    }
    return NULL;
}

static void callbacks_from_threads(void) {
    struct poster all = {.loop = new_loop()};
    struct post first[THREADS];
    pthread_t threads[THREADS];
    CHECK_INT(ioloop_run_once(all.loop, 0), 0); /* from now on this thread owns it */
    for (int i = 0; i < THREADS; i++) {
        first[i] = (struct post){&all, i, 0};
        CHECK_INT(pthread_create(&threads[i], NULL, post_many, &first[i]), 0);
    }
    CHECK_OK(ioloop_start(all.loop));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(all.next[i], POSTS);
    }
    CHECK_INT(stats_of(all.loop).posted, THREADS * POSTS);
    ioloop_free(all.loop);
}

static void *post_too_many(void *ctx) {
    ioloop_t *loop = ctx;
    static struct record accepted, refused;
    for (int i = 0; i < 4; i++) CHECK_OK(ioloop_add_callback(loop, on_callback, &accepted, NULL));
    CHECK_STATUS(ioloop_add_callback(loop, on_callback, &refused, on_free), IOLOOP_EFULL);
    CHECK_INT(refused.calls, 0);
    CHECK_INT(refused.frees, 1);
    return NULL;
}

static void max_posted(void) {
    ioloop_options_t options = test_loop_options();
    ioloop_t *loop = NULL;
    pthread_t thread;
    options.max_posted = 4;
    CHECK_OK(ioloop_new(&loop, &options));
    CHECK_INT(ioloop_run_once(loop, 0), 0); /* from now on this thread owns it */
    CHECK_INT(pthread_create(&thread, NULL, post_too_many, loop), 0);
    pthread_join(thread, NULL);
    ioloop_free(loop);
}

static void *wake_loop(void *loop) {
    CHECK_OK(ioloop_wake(loop));
    return NULL;
}

static void wake(void) {
    ioloop_t *loop = new_loop();
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, wake_loop, loop), 0);
    CHECK(ioloop_run_once(loop, IOLOOP_NEVER) >= 0);
    pthread_join(thread, NULL);
    CHECK_OK(ioloop_wake(loop));
    CHECK_OK(ioloop_wake(loop));
    int64_t begin = ioloop_clock_ns();
    CHECK(ioloop_run_once(loop, 10 * SECOND) >= 0);
    CHECK(ioloop_clock_ns() - begin < 5 * SECOND);
    ioloop_free(loop);
}

static void stats(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_INT(stats_of(loop).turns, 0);
    CHECK_OK(ioloop_add_callback(loop, on_callback, &record, NULL));
    CHECK_OK(ioloop_call_later(loop, NULL, 3600 * SECOND, on_callback, &record, NULL));
    CHECK_INT(ioloop_run_once(loop, 0), 1);
    ioloop_stats_t after = stats_of(loop);
    CHECK_INT(after.turns, 1);
    CHECK_INT(after.callbacks_run, 1);
    CHECK_INT(after.timeouts, 1);
    CHECK_INT(after.timeouts_fired, 0);
    CHECK_INT(after.handlers, 0);
    after.size = 0;
    CHECK_STATUS(ioloop_get_stats(loop, &after), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_get_stats(loop, NULL), IOLOOP_EINVAL);
    ioloop_free(loop);
}

static void error_info(void) {
    ioloop_t *loop = new_loop();
    ioloop_error_info_t info = {.size = sizeof info};
    CHECK_OK(ioloop_error(loop, &info));
    CHECK_STATUS(info.status, IOLOOP_OK);
    CHECK(info.text != NULL);
    CHECK_STATUS(ioloop_add_handler(loop, 19999, IOLOOP_READ, on_handler, NULL, NULL), IOLOOP_ESYS);
    CHECK_OK(ioloop_error(loop, &info));
    CHECK_STATUS(info.status, IOLOOP_ESYS);
    CHECK_INT(info.system_errno, EBADF);
    CHECK(info.text != NULL && info.text[0] != '\0');
    info.size = 3;
    CHECK_STATUS(ioloop_error(loop, &info), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_error(loop, NULL), IOLOOP_EINVAL);
    ioloop_free(loop);
}

static void clock_reading(void) {
    ioloop_t *loop = new_loop();
    int64_t before = ioloop_clock_ns();
    CHECK(before > 0);
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    int64_t cached = ioloop_now_ns(loop);
    CHECK(cached >= before && cached <= ioloop_clock_ns());
    CHECK_INT(ioloop_now_ns(loop), cached);
    ioloop_free(loop);
}

TEST_MAIN(TEST(start_and_stop), TEST(stop_is_sticky), TEST(stop_ends_after_the_turn), TEST(stop_from_another_thread),
          TEST(H_A7_nested_run), TEST(H_A7_start_on_second_thread), TEST(run_once_counts), TEST(run_once_waits),
          TEST(run_once_returns_after_work), TEST(callbacks_in_order), TEST(callback_of_a_callback_waits_a_turn),
          TEST(callbacks_from_threads), TEST(max_posted), TEST(wake), TEST(stats), TEST(error_info),
          TEST(clock_reading))
