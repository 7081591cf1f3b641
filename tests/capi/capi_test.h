/* capi_test.h - what the C ABI tests share: checks, running each test in a process of its own with a look at what it
 * leaves behind, and records of calls. A test program is one C file that ends in TEST_MAIN. */
#ifndef CAPI_TEST_H
#define CAPI_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <ioloop/ioloop.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* Under the sanitizers times mean nothing, and the last descriptors must not be taken: they need some to look around.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)

/* ---- Checks: the first that fails ends the test. ---- */

/* Which of many similar cases is being played, if a test says so. */
static const char *playing;

static UNUSED void end_failed_test(void) {
    if (playing != NULL) fprintf(stderr, "    while playing %s\n", playing);
    fflush(stdout);
    _exit(1);
}

static UNUSED void test_fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    end_failed_test();
}

static UNUSED void check_int(const char *file, int line, const char *what, int64_t actual, int64_t expected) {
    if (actual == expected) return;
    fprintf(stderr, "%s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, actual, expected);
    end_failed_test();
}

static UNUSED void check_status(const char *file, int line, const char *what, int64_t actual, int64_t expected) {
    if (actual == expected) return;
    fprintf(stderr, "%s:%d: %s is %s (%" PRId64 "), not %s\n", file, line, what, ioloop_status_name((int32_t)actual),
            actual, ioloop_status_name((int32_t)expected));
    end_failed_test();
}

static UNUSED void check_bytes(const char *file, int line, const void *actual, size_t size, const char *expected) {
    if (size == strlen(expected) && (size == 0 || memcmp(actual, expected, size) == 0)) return;
    fprintf(stderr, "%s:%d: %zu bytes \"%.*s\", not \"%s\"\n", file, line, size, (int)(size < 200 ? size : 200),
            size == 0 ? "" : (const char *)actual, expected);
    end_failed_test();
}

static UNUSED void check_text(const char *file, int line, const char *actual, const char *expected) {
    check_bytes(file, line, actual, strlen(actual), expected);
}

#define CHECK(condition) ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, #condition))
#define CHECK_INT(actual, expected) check_int(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
#define CHECK_STATUS(actual, expected) check_status(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_OK(call) CHECK_STATUS(call, IOLOOP_OK)
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, (actual), (expected))
#define CHECK_BYTES(data, size, expected) check_bytes(__FILE__, __LINE__, (data), (size), (expected))

/* ---- Running tests. ---- */

struct test_case {
    const char *name;
    void (*run)(void);
};

#define TEST(name) \
    { #name, name }
#define TEST_MAIN(...)                                                                     \
    int main(int argc, char **argv) {                                                      \
        static const struct test_case cases[] = {__VA_ARGS__};                             \
        return test_run(cases, sizeof cases / sizeof cases[0], argc > 1 ? argv[1] : NULL); \
    }

static UNUSED int open_descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

/* Descriptors and library memory must be back after each test. */
static UNUSED void test_run_checked(const struct test_case *test) {
    int before = open_descriptors();
    test->run();
    CHECK_INT(open_descriptors(), before);
    CHECK_INT(ioloop_memory_bytes(), 0);
}

static UNUSED int test_run_in_child(const struct test_case *test) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        test_run_checked(test);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return 0;
    if (WIFSIGNALED(status)) fprintf(stderr, "%s ended by signal %d\n", test->name, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs all tests, or only the one named, which then runs in this process. */
static UNUSED int test_run(const struct test_case *cases, size_t count, const char *only) {
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (only != NULL && strcmp(only, cases[i].name) != 0) continue;
        fflush(NULL);
        if (only != NULL) {
            test_run_checked(&cases[i]);
        } else if (!test_run_in_child(&cases[i])) {
            fprintf(stderr, "FAILED %s\n", cases[i].name);
            failed++;
        }
    }
    printf("%zu tests, %d failed\n", count, failed);
    return failed == 0 ? 0 : 1;
}

/* ---- Loops. IOLOOP_TEST_BACKEND=poll chooses the other poller. ---- */

static UNUSED uint32_t test_backend(void) {
    const char *name = getenv("IOLOOP_TEST_BACKEND");
    if (name != NULL && strcmp(name, "poll") == 0) return IOLOOP_BACKEND_POLL;
    return name != NULL && strcmp(name, "epoll") == 0 ? IOLOOP_BACKEND_EPOLL : IOLOOP_BACKEND_AUTO;
}

static UNUSED ioloop_options_t test_loop_options(void) {
    ioloop_options_t options;
    CHECK_OK(ioloop_options_init(&options, sizeof options));
    options.backend = test_backend();
    return options;
}

static UNUSED ioloop_t *new_loop(void) {
    ioloop_options_t options = test_loop_options();
    ioloop_t *loop = NULL;
    CHECK_OK(ioloop_new(&loop, &options));
    return loop;
}

/* Runs turns until the condition holds; fails after ten seconds. */
#define RUN_UNTIL(loop, condition)                                                                         \
    for (int64_t give_up = ioloop_clock_ns() + 10 * SECOND; !(condition);) {                               \
        if (ioloop_clock_ns() > give_up) test_fail(__FILE__, __LINE__, "waited too long for " #condition); \
        CHECK(ioloop_run_once(loop, 100 * MS) >= 0);                                                       \
    }

/* Runs turns until nothing is left to do: for what must not happen. */
static UNUSED void run_idle(ioloop_t *loop) {
    for (int quiet = 0, turns = 0; quiet < 3; turns++) {
        int32_t done = ioloop_run_once(loop, 0);
        CHECK(done >= 0);
        CHECK(turns < 100000);
        quiet = done == 0 ? quiet + 1 : 0;
    }
}

static UNUSED ioloop_stats_t stats_of(ioloop_t *loop) {
    ioloop_stats_t stats = {.size = sizeof stats};
    CHECK_OK(ioloop_get_stats(loop, &stats));
    return stats;
}

/* ---- A journal: the order of things, as text. ---- */

static char journal[4096];

static UNUSED void note(const char *word) {
    CHECK(strlen(journal) + strlen(word) + 2 < sizeof journal);
    if (journal[0] != '\0') strcat(journal, " ");
    strcat(journal, word);
}

#define CHECK_JOURNAL(expected)        \
    do {                               \
        CHECK_TEXT(journal, expected); \
        journal[0] = '\0';             \
    } while (0)

/* ---- Records: what a callback was told, and that its ctx was freed once, afterwards. ---- */

struct record {
    int calls;
    int frees;
    int32_t status;     /* of the last call, as the rest */
    void *object;       /* the stream or server */
    iostream_t *stream; /* the accepted one */
    int fd;
    uint32_t events;
    int32_t signum;
    uint64_t count;
    size_t size;
    uint8_t data[2048];
    const char *name; /* noted in the journal at each call, if not NULL */
};

static UNUSED void record_call(struct record *record, int32_t status, void *object) {
    CHECK_INT(record->frees, 0);
    record->calls++;
    record->status = status;
    record->object = object;
    if (record->name != NULL) note(record->name);
}

static UNUSED void on_free(void *ctx) {
    struct record *record = ctx;
    record->frees++;
    CHECK_INT(record->frees, 1);
}

static UNUSED void on_callback(void *ctx) { record_call(ctx, IOLOOP_OK, NULL); }

static UNUSED void on_handler(void *ctx, int fd, uint32_t events) {
    struct record *record = ctx;
    record_call(record, IOLOOP_OK, NULL);
    record->fd = fd;
    record->events = events;
}

static UNUSED void on_signal(void *ctx, int32_t signum, uint64_t count) {
    struct record *record = ctx;
    record_call(record, IOLOOP_OK, NULL);
    record->signum = signum;
    record->count += count;
}

static UNUSED void on_read(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct record *record = ctx;
    record_call(record, status, stream);
    record->size = size;
    CHECK(data != NULL || size == 0);
    if (size > 0) memcpy(record->data, data, size < sizeof record->data ? size : sizeof record->data);
}

static UNUSED void on_read_into(void *ctx, iostream_t *stream, int32_t status, size_t size) {
    struct record *record = ctx;
    record_call(record, status, stream);
    record->size = size;
}

/* For writes, connects and closes. */
static UNUSED void on_status(void *ctx, iostream_t *stream, int32_t status) { record_call(ctx, status, stream); }

static UNUSED void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    struct record *record = ctx;
    record_call(record, status, server);
    record->stream = stream;
}

/* The record's callback came once, with this status, and its ctx was freed. */
#define CHECK_ENDED(record, expected)            \
    do {                                         \
        CHECK_INT((record).calls, 1);            \
        CHECK_STATUS((record).status, expected); \
        CHECK_INT((record).frees, 1);            \
    } while (0)

#define CHECK_READ(record, expected)                         \
    do {                                                     \
        CHECK_ENDED(record, IOLOOP_OK);                      \
        CHECK_BYTES((record).data, (record).size, expected); \
    } while (0)

/* ---- Streams. ---- */

/* A stream and, at its other end, a plain socket of the test. */
struct wire {
    ioloop_t *loop;
    iostream_t *stream;
    int peer;
};

static UNUSED struct wire new_wire_with(ioloop_t *loop, const iostream_options_t *options) {
    struct wire wire = {.loop = loop};
    int fds[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    CHECK_OK(iostream_new(&wire.stream, loop, fds[0], options));
    wire.peer = fds[1];
    return wire;
}

static UNUSED struct wire new_wire(void) { return new_wire_with(new_loop(), NULL); }

static UNUSED void free_wire(struct wire *wire) {
    iostream_free(wire->stream);
    ioloop_free(wire->loop);
    if (wire->peer >= 0) close(wire->peer);
}

static UNUSED void peer_closes(struct wire *wire) {
    CHECK_INT(close(wire->peer), 0);
    wire->peer = -1;
}

static UNUSED void peer_sends(struct wire *wire, const char *text) {
    CHECK_INT(send(wire->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What has arrived at the plain socket, as text; "" when nothing has. */
static UNUSED const char *peer_received(struct wire *wire) {
    static char text[4096];
    ssize_t size = recv(wire->peer, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

/* Whether the plain socket has seen the end of data. */
static UNUSED int peer_at_end(struct wire *wire) {
    char byte;
    return recv(wire->peer, &byte, 1, MSG_PEEK) == 0;
}

static UNUSED iostream_options_t stream_options(void) {
    iostream_options_t options;
    CHECK_OK(iostream_options_init(&options, sizeof options));
    return options;
}

/* Starts reads of each kind that records itself. */
#define READ_UNTIL(stream, delimiter, max_bytes, record) \
    iostream_read_until(stream, delimiter, strlen(delimiter), max_bytes, on_read, record, on_free)

#endif
