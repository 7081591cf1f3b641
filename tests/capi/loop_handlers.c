/* Handlers: which events come, changing and ending them, and what never reaches the wrong one. */
#include "capi_test.h"

struct ends {
    int reading, writing;
};

static struct ends new_pipe(void) {
    int fds[2];
    CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    return (struct ends){fds[0], fds[1]};
}

static void close_pipe(struct ends *ends) {
    close(ends->reading);
    close(ends->writing);
}

static void put_byte(int fd) { CHECK_INT(write(fd, "x", 1), 1); }

static void take_byte(int fd) {
    char byte;
    CHECK_INT(read(fd, &byte, 1), 1);
}

static void readable(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_READ, on_handler, &record, on_free));
    CHECK_INT(stats_of(loop).handlers, 1);
    run_idle(loop);
    CHECK_INT(record.calls, 0);
    put_byte(ends.writing);
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_INT(record.calls, 1);
    CHECK_INT(record.fd, ends.reading);
    CHECK_INT(record.events, IOLOOP_READ);
    CHECK_INT(ioloop_run_once(loop, SECOND), 1); /* level-triggered: it is still readable */
    take_byte(ends.reading);
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    CHECK_INT(record.calls, 2);
    CHECK_OK(ioloop_remove_handler(loop, ends.reading));
    CHECK_INT(record.frees, 1);
    CHECK_INT(stats_of(loop).handlers, 0);
    ioloop_free(loop);
    close_pipe(&ends);
}

static void writable(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.writing, IOLOOP_WRITE, on_handler, &record, on_free));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_INT(record.events, IOLOOP_WRITE);
    ioloop_free(loop);
    CHECK_INT(record.frees, 1);
    close_pipe(&ends);
}

static void both_at_once(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    int fds[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    put_byte(fds[1]);
    CHECK_OK(ioloop_add_handler(loop, fds[0], IOLOOP_READ | IOLOOP_WRITE, on_handler, &record, on_free));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_INT(record.events, IOLOOP_READ | IOLOOP_WRITE);
    CHECK_OK(ioloop_remove_handler(loop, fds[0]));
    ioloop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

static void hang_up(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_ERROR, on_handler, &record, on_free));
    put_byte(ends.writing);
    run_idle(loop);
    CHECK_INT(record.calls, 0); /* alone it does not report data */
    close(ends.writing);
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK((record.events & IOLOOP_ERROR) != 0);
    CHECK((record.events & ~(uint32_t)(IOLOOP_READ | IOLOOP_WRITE | IOLOOP_ERROR)) == 0);
    CHECK_OK(ioloop_remove_handler(loop, ends.reading));
    ioloop_free(loop);
    close(ends.reading);
}

/* The writing end of a pipe without a reader: an error comes although only WRITE was asked for. */
static void error_unasked(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    close(ends.reading);
    CHECK_OK(ioloop_add_handler(loop, ends.writing, IOLOOP_WRITE, on_handler, &record, on_free));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK((record.events & IOLOOP_ERROR) != 0);
    ioloop_free(loop);
    close(ends.writing);
}

static void update(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_READ, on_handler, &record, on_free));
    put_byte(ends.writing);
    CHECK_OK(ioloop_update_handler(loop, ends.reading, IOLOOP_NONE));
    run_idle(loop);
    CHECK_INT(record.calls, 0);
    CHECK_OK(ioloop_update_handler(loop, ends.reading, IOLOOP_READ));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_INT(record.calls, 1);
    CHECK_STATUS(ioloop_update_handler(loop, ends.reading, 2), IOLOOP_EINVAL);
    CHECK_STATUS(ioloop_update_handler(loop, ends.writing, IOLOOP_READ), IOLOOP_ENOENT);
    CHECK_STATUS(ioloop_update_handler(loop, -1, IOLOOP_READ), IOLOOP_ENOENT);
    CHECK_INT(ioloop_run_once(loop, SECOND), 1); /* nothing changed */
    ioloop_free(loop);
    close_pipe(&ends);
}

/* The kernel is told before the wait, once, and only if something is different then. */
static void interest_changes_are_batched(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_READ, on_handler, &record, on_free));
    run_idle(loop);
    uint64_t before = stats_of(loop).interest_changes;
    for (int i = 0; i < 100; i++) {
        CHECK_OK(ioloop_update_handler(loop, ends.reading, IOLOOP_READ | IOLOOP_WRITE));
        CHECK_OK(ioloop_update_handler(loop, ends.reading, IOLOOP_READ));
    }
    run_idle(loop);
    CHECK_INT(stats_of(loop).interest_changes, before);
    ioloop_free(loop);
    close_pipe(&ends);
}

/* A paused handler whose peer is gone: an end that nobody may be told of must not keep the loop awake. */
static void H_B1_paused_handler_does_not_spin(void) {
    ioloop_t *loop = new_loop();
    struct record record = {0};
    int fds[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(ioloop_add_handler(loop, fds[0], IOLOOP_READ, on_handler, &record, on_free));
    run_idle(loop);
    CHECK_OK(ioloop_update_handler(loop, fds[0], IOLOOP_NONE));
    run_idle(loop);
    close(fds[1]);
    uint64_t before = stats_of(loop).waits;
    for (int64_t end = ioloop_clock_ns() + 50 * MS; ioloop_clock_ns() < end;)
        CHECK_INT(ioloop_run_once(loop, 50 * MS), 0);
    CHECK(stats_of(loop).waits - before <= 4);
    CHECK_INT(record.calls, 0);
    CHECK_OK(ioloop_update_handler(loop, fds[0], IOLOOP_READ));
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK((record.events & IOLOOP_READ) != 0);
    ioloop_free(loop);
    close(fds[0]);
}

static void duplicate(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record first = {0}, second = {0};
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_READ, on_handler, &first, on_free));
    CHECK_STATUS(ioloop_add_handler(loop, ends.reading, IOLOOP_WRITE, on_handler, &second, on_free), IOLOOP_EEXIST);
    CHECK_INT(second.frees, 1);
    CHECK_INT(first.frees, 0);
    put_byte(ends.writing);
    CHECK_INT(ioloop_run_once(loop, SECOND), 1);
    CHECK_INT(first.calls, 1);
    CHECK_INT(second.calls, 0);
    ioloop_free(loop);
    close_pipe(&ends);
}

static void refused(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    char path[] = "/tmp/ioloop-capi-XXXXXX";
    int file = mkstemp(path), closed = dup(ends.reading);
    CHECK(file >= 0);
    unlink(path);
    close(closed);
    const struct {
        int fd;
        uint32_t events;
        int32_t status;
    } cases[] = {
        {-1, IOLOOP_READ, IOLOOP_EINVAL},      {INT32_MIN, IOLOOP_READ, IOLOOP_EINVAL},
        {ends.reading, 2, IOLOOP_EINVAL},      {ends.reading, IOLOOP_READ | 0x20, IOLOOP_EINVAL},
        {ends.reading, 0x2000, IOLOOP_EINVAL}, {file, IOLOOP_READ, IOLOOP_ENOTSUP},
        {closed, IOLOOP_READ, IOLOOP_ESYS},    {INT32_MAX, IOLOOP_READ, IOLOOP_ESYS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record record = {0};
        CHECK_STATUS(ioloop_add_handler(loop, cases[i].fd, cases[i].events, on_handler, &record, on_free),
                     cases[i].status);
        CHECK_INT(record.frees, 1);
    }
    CHECK_INT(stats_of(loop).handlers, 0);
    CHECK_STATUS(ioloop_remove_handler(loop, ends.reading), IOLOOP_ENOENT);
    CHECK_STATUS(ioloop_remove_handler(loop, -1), IOLOOP_ENOENT);
    CHECK_STATUS(ioloop_remove_handler(loop, INT32_MAX), IOLOOP_ENOENT);
    run_idle(loop);
    ioloop_free(loop);
    close(file);
    close_pipe(&ends);
}

struct killer {
    ioloop_t *loop;
    struct killer *other;
    struct record record;
    struct ends ends;
    int reuse;
};

/* Ends the other one, whose event the kernel has already reported. */
static void end_other(void *ctx, int fd, uint32_t events) {
    struct killer *killer = ctx;
    on_handler(&killer->record, fd, events);
    CHECK_OK(ioloop_remove_handler(killer->loop, killer->other->ends.reading));
    if (!killer->reuse) return;
    /* A newcomer under the same number: nothing has happened to it yet. */
    struct ends fresh = new_pipe();
    CHECK_INT(dup2(fresh.reading, killer->other->ends.reading), killer->other->ends.reading);
    close(fresh.reading);
    close(killer->other->ends.writing);
    killer->other->ends.writing = fresh.writing;
    CHECK_OK(ioloop_add_handler(killer->loop, killer->other->ends.reading, IOLOOP_READ, on_handler,
                                &killer->other->record, NULL));
}

static void play_killers(int reuse) {
    struct killer one = {.loop = new_loop(), .ends = new_pipe(), .reuse = reuse};
    struct killer two = {.loop = one.loop, .other = &one, .ends = new_pipe(), .reuse = reuse};
    one.other = &two;
    CHECK_OK(ioloop_add_handler(one.loop, one.ends.reading, IOLOOP_READ, end_other, &one, NULL));
    CHECK_OK(ioloop_add_handler(one.loop, two.ends.reading, IOLOOP_READ, end_other, &two, NULL));
    put_byte(one.ends.writing);
    put_byte(two.ends.writing);
    CHECK_INT(ioloop_run_once(one.loop, SECOND), 1);
    CHECK_INT(one.record.calls + two.record.calls, 1);
    ioloop_free(one.loop);
    close_pipe(&one.ends);
    close_pipe(&two.ends);
}

static void H_A1_stale_event_same_batch(void) { play_killers(0); }

static void H_A2_descriptor_reused_same_batch(void) { play_killers(1); }

static void remove_self(void *ctx, int fd, uint32_t events) {
    struct killer *killer = ctx;
    on_handler(&killer->record, fd, events);
    CHECK_OK(ioloop_remove_handler(killer->loop, fd));
    CHECK_INT(killer->record.frees, 0); /* only after this function */
    CHECK_STATUS(ioloop_remove_handler(killer->loop, fd), IOLOOP_ENOENT);
}

static void free_killer(void *ctx) { on_free(&((struct killer *)ctx)->record); }

static void removed_inside_itself(void) {
    struct killer killer = {.loop = new_loop(), .ends = new_pipe()};
    CHECK_OK(ioloop_add_handler(killer.loop, killer.ends.reading, IOLOOP_READ, remove_self, &killer, free_killer));
    put_byte(killer.ends.writing);
    CHECK_INT(ioloop_run_once(killer.loop, SECOND), 1);
    run_idle(killer.loop);
    CHECK_INT(killer.record.calls, 1);
    CHECK_INT(killer.record.frees, 1);
    ioloop_free(killer.loop);
    close_pipe(&killer.ends);
}

/* Removed and closed, but another descriptor keeps the open file alive: no event may come for it. */
static void H_A3_duplicate_descriptor(void) {
    ioloop_t *loop = new_loop();
    struct ends ends = new_pipe();
    struct record record = {0};
    int copy = dup(ends.reading);
    CHECK_OK(ioloop_add_handler(loop, ends.reading, IOLOOP_READ, on_handler, &record, on_free));
    run_idle(loop);
    CHECK_OK(ioloop_remove_handler(loop, ends.reading));
    close(ends.reading);
    put_byte(ends.writing);
    run_idle(loop);
    CHECK_INT(record.calls, 0);
    CHECK_INT(stats_of(loop).idle_wakeups, 0);
    ioloop_free(loop);
    close(copy);
    close(ends.writing);
}

static void close_own_descriptor(void *ctx) { close(*(int *)ctx); }

/* free_ctx is a good place to close the descriptor. */
static void descriptor_closed_by_free_ctx(void) {
    ioloop_t *loop = new_loop();
    struct ends one = new_pipe(), other = new_pipe();
    CHECK_OK(ioloop_add_handler(loop, one.reading, IOLOOP_READ, on_handler, &one.reading, close_own_descriptor));
    CHECK_OK(ioloop_add_handler(loop, other.reading, IOLOOP_READ, on_handler, &other.reading, close_own_descriptor));
    CHECK_INT(ioloop_run_once(loop, 0), 0);
    CHECK_OK(ioloop_remove_handler(loop, one.reading));
    put_byte(other.writing);
    CHECK_INT(fcntl(one.reading, F_GETFD), -1);
    ioloop_free(loop);
    CHECK_INT(fcntl(other.reading, F_GETFD), -1);
    close(one.writing);
    close(other.writing);
}

TEST_MAIN(TEST(readable), TEST(writable), TEST(both_at_once), TEST(hang_up), TEST(error_unasked), TEST(update),
          TEST(interest_changes_are_batched), TEST(H_B1_paused_handler_does_not_spin), TEST(duplicate), TEST(refused),
          TEST(H_A1_stale_event_same_batch), TEST(H_A2_descriptor_reused_same_batch), TEST(removed_inside_itself),
          TEST(H_A3_duplicate_descriptor), TEST(descriptor_closed_by_free_ctx))
