/* Timeouts: order, never early, cancelling and moving, tokens, extreme deadlines. */
#include "capi_test.h"

static void in_order_of_deadlines(void) {
    ioloop_t *loop = new_loop();
    struct record a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"}, d = {.name = "d"};
    int64_t now = ioloop_clock_ns();
    CHECK_OK(ioloop_call_at(loop, NULL, now + 15 * MS, on_callback, &d, on_free));
    CHECK_OK(ioloop_call_at(loop, NULL, now + 5 * MS, on_callback, &b, on_free));
    CHECK_OK(ioloop_call_at(loop, NULL, now + 10 * MS, on_callback, &c, on_free));
    CHECK_OK(ioloop_call_at(loop, NULL, now, on_callback, &a, on_free));
    CHECK_INT(stats_of(loop).timeouts, 4);
    RUN_UNTIL(loop, d.calls > 0);
    CHECK_JOURNAL("a b c d");
    CHECK_ENDED(a, IOLOOP_OK);
    CHECK_ENDED(d, IOLOOP_OK);
    CHECK_INT(stats_of(loop).timeouts, 0);
    CHECK_INT(stats_of(loop).timeouts_fired, 4);
    ioloop_free(loop);
}

static void equal_deadlines_in_order_of_calls(void) {
    static struct record records[500];
    ioloop_t *loop = new_loop();
    int64_t deadline = ioloop_clock_ns() + MS;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < 500; i++) {
        records[i].name = i < 6 ? names[i] : NULL;
        CHECK_OK(ioloop_call_at(loop, NULL, deadline, on_callback, &records[i], on_free));
    }
    RUN_UNTIL(loop, records[499].calls > 0);
    CHECK_JOURNAL("a b c d e f");
    ioloop_free(loop);
}

static void many_in_random_order(void) {
    enum { COUNT = 20000 };
    static struct record records[COUNT];
    ioloop_t *loop = new_loop();
    int64_t now = ioloop_clock_ns();
    uint64_t random = 12345;
    for (int i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        CHECK_OK(
            ioloop_call_at(loop, NULL, now + (int64_t)(random >> 40) % (20 * MS), on_callback, &records[i], on_free));
    }
    RUN_UNTIL(loop, stats_of(loop).timeouts == 0);
    for (int i = 0; i < COUNT; i++) CHECK_ENDED(records[i], IOLOOP_OK);
    ioloop_free(loop);
}

struct watch {
    int64_t deadline;
    int calls;
};

static void on_time(void *ctx) {
    struct watch *watch = ctx;
    CHECK(ioloop_clock_ns() >= watch->deadline);
    watch->calls++;
}

static void H_B8_never_early(void) {
    ioloop_t *loop = new_loop();
    for (int64_t delay = 0; delay < 3 * MS; delay += 137771) {
        struct watch watch = {.deadline = ioloop_clock_ns() + delay};
        CHECK_OK(ioloop_call_later(loop, NULL, delay, on_time, &watch, NULL));
        RUN_UNTIL(loop, watch.calls > 0);
    }
    ioloop_free(loop);
}

/* One wait per deadline, not a burst of short ones before it. */
static void H_B8_no_burst_of_waits(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    CHECK_OK(ioloop_call_later(loop, NULL, 20 * MS + 300, on_callback, &record, on_free));
    uint64_t before = stats_of(loop).waits;
    RUN_UNTIL(loop, record.calls > 0);
    CHECK(stats_of(loop).waits - before <= 3);
    ioloop_free(loop);
}

static void not_inside_the_call(void) {
    ioloop_t *loop = new_loop();
    struct record past = {0}, zero = {0};
    CHECK_OK(ioloop_call_at(loop, NULL, 0, on_callback, &past, on_free));
    CHECK_OK(ioloop_call_later(loop, NULL, 0, on_callback, &zero, on_free));
    CHECK_INT(past.calls + zero.calls, 0);
    CHECK_INT(ioloop_run_once(loop, 0), 2);
    CHECK_ENDED(past, IOLOOP_OK);
    CHECK_ENDED(zero, IOLOOP_OK);
    ioloop_free(loop);
}

struct chain {
    ioloop_t *loop;
    int calls;
};

static void arm_again(void *ctx) {
    struct chain *chain = ctx;
    chain->calls++;
    CHECK_OK(ioloop_call_at(chain->loop, NULL, 0, arm_again, chain, NULL));
}

/* Otherwise it would never end. */
static void armed_by_a_callback_waits_a_turn(void) {
    struct chain chain = {.loop = new_loop()};
    CHECK_OK(ioloop_call_at(chain.loop, NULL, 0, arm_again, &chain, NULL));
    for (int turn = 1; turn <= 5; turn++) {
        CHECK_INT(ioloop_run_once(chain.loop, 0), 1);
        CHECK_INT(chain.calls, turn);
    }
    ioloop_free(chain.loop);
}

static void cancel(void) {
    ioloop_t *loop = new_loop();
    struct record cancelled = {0}, kept = {0};
    uint64_t token = 0;
    CHECK_OK(ioloop_call_later(loop, &token, 0, on_callback, &cancelled, on_free));
    CHECK_OK(ioloop_call_later(loop, NULL, 0, on_callback, &kept, on_free));
    CHECK_OK(ioloop_remove_timeout(loop, token));
    CHECK_INT(cancelled.frees, 1);
    CHECK_STATUS(ioloop_remove_timeout(loop, token), IOLOOP_ENOENT);
    RUN_UNTIL(loop, kept.calls > 0);
    run_idle(loop);
    CHECK_INT(cancelled.calls, 0);
    CHECK_INT(cancelled.frees, 1);
    ioloop_free(loop);
}

static void remove_after_it_fired(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    uint64_t token = 0;
    CHECK_OK(ioloop_call_later(loop, &token, 0, on_callback, &record, on_free));
    RUN_UNTIL(loop, record.calls > 0);
    CHECK_STATUS(ioloop_remove_timeout(loop, token), IOLOOP_ENOENT);
    CHECK_STATUS(ioloop_update_timeout(loop, token, 0), IOLOOP_ENOENT);
    static const uint64_t never_given[] = {0, 1, 12345, UINT64_MAX, (uint64_t)1 << 53};
    for (size_t i = 0; i < sizeof never_given / sizeof never_given[0]; i++)
        if (never_given[i] != token) CHECK_STATUS(ioloop_remove_timeout(loop, never_given[i]), IOLOOP_ENOENT);
    ioloop_free(loop);
}

struct pair {
    ioloop_t *loop;
    uint64_t own, other;
    int calls;
};

static void remove_other(void *ctx) {
    struct pair *pair = ctx;
    pair->calls++;
    CHECK_STATUS(ioloop_remove_timeout(pair->loop, pair->own), IOLOOP_ENOENT);
    CHECK_OK(ioloop_remove_timeout(pair->loop, pair->other));
}

/* Both are due in the same turn. */
static void H_A1_cancelled_by_one_of_the_same_turn(void) {
    struct pair pair = {.loop = new_loop()};
    struct record victim = {0};
    CHECK_OK(ioloop_call_at(pair.loop, &pair.own, 0, remove_other, &pair, NULL));
    CHECK_OK(ioloop_call_at(pair.loop, &pair.other, 0, on_callback, &victim, on_free));
    CHECK_INT(ioloop_run_once(pair.loop, 0), 1);
    run_idle(pair.loop);
    CHECK_INT(pair.calls, 1);
    CHECK_INT(victim.calls, 0);
    CHECK_INT(victim.frees, 1);
    ioloop_free(pair.loop);
}

static void update(void) {
    ioloop_t *loop = new_loop();
    struct record a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"};
    uint64_t token_a = 0, token_b = 0;
    int64_t deadline = ioloop_clock_ns() + 5 * MS;
    CHECK_OK(ioloop_call_at(loop, &token_a, deadline, on_callback, &a, on_free));
    CHECK_OK(ioloop_call_at(loop, &token_b, deadline + 3600 * SECOND, on_callback, &b, on_free));
    CHECK_OK(ioloop_call_at(loop, NULL, deadline, on_callback, &c, on_free));
    CHECK_OK(ioloop_update_timeout(loop, token_b, deadline));
    CHECK_OK(ioloop_update_timeout(loop, token_a, deadline));
    CHECK_STATUS(ioloop_update_timeout(loop, token_a, -1), IOLOOP_EINVAL);
    RUN_UNTIL(loop, a.calls > 0);
    CHECK_JOURNAL("c b a");
    ioloop_free(loop);
}

static void tokens(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    uint64_t seen[100];
    for (int i = 0; i < 100; i++) {
        CHECK_OK(ioloop_call_later(loop, &seen[i], 3600 * SECOND, on_callback, &record, NULL));
        CHECK(seen[i] > 0 && seen[i] < (uint64_t)1 << 53);
        for (int earlier = 0; earlier < i; earlier++) CHECK(seen[earlier] != seen[i]);
    }
    ioloop_free(loop);
}

/* A token that is over never means a newcomer in the same slot. */
static void H_A9_stale_token(void) {
    ioloop_t *loop = new_loop();
    struct record first = {0}, second = {0};
    uint64_t old = 0, new = 0;
    CHECK_OK(ioloop_call_later(loop, &old, SECOND, on_callback, &first, on_free));
    CHECK_OK(ioloop_remove_timeout(loop, old));
    for (int i = 0; i < 2000; i++) {
        memset(&second, 0, sizeof second);
        CHECK_OK(ioloop_call_later(loop, &new, SECOND, on_callback, &second, on_free));
        CHECK(new != old);
        CHECK_STATUS(ioloop_remove_timeout(loop, old), IOLOOP_ENOENT);
        CHECK_INT(second.frees, 0);
        CHECK_OK(ioloop_remove_timeout(loop, new));
    }
    ioloop_free(loop);
}

static void refused(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    uint64_t token = 77;
    CHECK_STATUS(ioloop_call_at(loop, &token, -1, on_callback, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    CHECK_INT(token, 77);
    memset(&record, 0, sizeof record);
    CHECK_STATUS(ioloop_call_later(loop, &token, INT64_MIN, on_callback, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    CHECK_INT(token, 77);
    CHECK_INT(stats_of(loop).timeouts, 0);
    run_idle(loop);
    CHECK_INT(record.calls, 0);
    ioloop_free(loop);
}

static void farthest_deadlines(void) {
    ioloop_t *loop = new_loop();
    struct record later = {0}, at = {0}, soon = {0};
    CHECK_OK(ioloop_call_later(loop, NULL, INT64_MAX, on_callback, &later, on_free));
    CHECK_OK(ioloop_call_at(loop, NULL, INT64_MAX, on_callback, &at, on_free));
    CHECK_INT(ioloop_run_once(loop, MS), 0);
    CHECK_OK(ioloop_call_later(loop, NULL, MS, on_callback, &soon, on_free));
    RUN_UNTIL(loop, soon.calls > 0);
    CHECK_INT(later.calls + at.calls, 0);
    ioloop_free(loop);
    CHECK_INT(later.frees + at.frees, 2);
}

/* The delay counts from the call, however old the loop's own reading of the clock is. */
static void delay_from_the_present_time(void) {
    ioloop_t *loop = new_loop();
    struct watch watch = {0};
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    while (ioloop_clock_ns() < ioloop_now_ns(loop) + 20 * MS) continue;
    watch.deadline = ioloop_clock_ns() + 10 * MS;
    CHECK_OK(ioloop_call_later(loop, NULL, 10 * MS, on_time, &watch, NULL));
    RUN_UNTIL(loop, watch.calls > 0);
    ioloop_free(loop);
}

TEST_MAIN(TEST(in_order_of_deadlines), TEST(equal_deadlines_in_order_of_calls), TEST(many_in_random_order),
          TEST(H_B8_never_early), TEST(H_B8_no_burst_of_waits), TEST(not_inside_the_call),
          TEST(armed_by_a_callback_waits_a_turn), TEST(cancel), TEST(remove_after_it_fired),
          TEST(H_A1_cancelled_by_one_of_the_same_turn), TEST(update), TEST(tokens), TEST(H_A9_stale_token),
          TEST(refused), TEST(farthest_deadlines), TEST(delay_from_the_present_time))
