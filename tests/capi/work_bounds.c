/* Bounds on work and memory, counted: what searches look at, what a long line costs, what an idle connection holds. */
#include "capi_test.h"

#include <netinet/in.h>
#include <sys/resource.h>

enum { MIB = 1 << 20 };

static double cpu_seconds(void) {
    struct rusage usage;
    CHECK_INT(getrusage(RUSAGE_SELF, &usage), 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Sends size bytes of data that never match, in pieces, with a turn after each. */
static void drip(struct wire *wire, size_t size, size_t piece) {
    static char data[65536];
    memset(data, 'a', sizeof data);
    for (size_t sent = 0; sent < size;) {
        size_t count = size - sent < piece ? size - sent : piece;
        ssize_t taken = send(wire->peer, data, count, MSG_NOSIGNAL);
        sent += taken > 0 ? (size_t)taken : 0;
        CHECK(ioloop_run_once(wire->loop, 0) >= 0);
    }
}

static void run_until_buffered(struct wire *wire, size_t size) {
    RUN_UNTIL(wire->loop, iostream_read_buffered(wire->stream) == size);
}

/* 4 MiB are buffered and each byte more is a packet of its own: at most 2 bytes are looked at for each (G16). */
static void play_drip(const char *delimiter) {
    enum { DRIP = 20000 };
    struct wire wire = new_wire();
    struct record line = {0};
    CHECK_OK(READ_UNTIL(wire.stream, delimiter, 0, &line));
    drip(&wire, 4 * MIB, 65536);
    run_until_buffered(&wire, 4 * MIB);
    ioloop_stats_t before = stats_of(wire.loop);
    drip(&wire, DRIP, 1);
    run_until_buffered(&wire, 4 * MIB + DRIP);
    ioloop_stats_t after = stats_of(wire.loop);
    CHECK_INT(after.bytes_received - before.bytes_received, DRIP);
    uint64_t examined = after.bytes_examined - before.bytes_examined;
    printf("%.3f bytes examined per byte received\n", (double)examined / DRIP);
    CHECK(examined <= 2 * DRIP);
    CHECK(after.bytes_copied - before.bytes_copied <= 2 * DRIP);
    peer_sends(&wire, delimiter);
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_ENDED(line, IOLOOP_OK);
    CHECK_INT(line.size, 4 * MIB + DRIP + strlen(delimiter));
    free_wire(&wire);
}

static void H_E3_drip_one_byte_delimiter(void) { play_drip("\n"); }

static void H_E3_drip_two_byte_delimiter(void) { play_drip("\r\n"); }

static void H_E3_drip_long_delimiter(void) { play_drip("that is all!"); }

/* The delimiter's beginning again and again, and never the rest. */
static void H_E3_drip_of_almost_delimiters(void) {
    enum { SIZE = 40000 };
    struct wire wire = new_wire();
    struct record line = {0};
    CHECK_OK(READ_UNTIL(wire.stream, "aaab", 0, &line));
    drip(&wire, SIZE, 1);
    run_until_buffered(&wire, SIZE);
    CHECK(stats_of(wire.loop).bytes_examined <= 4 * SIZE);
    peer_sends(&wire, "b");
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_INT(line.size, SIZE + 1);
    free_wire(&wire);
}

static void H_E3_drip_regex(void) {
    enum { DRIP = 2000 };
    struct wire wire = new_wire();
    struct record line = {0};
    if (!ioloop_has_feature(IOLOOP_FEATURE_REGEX)) {
        free_wire(&wire);
        return;
    }
    CHECK_OK(iostream_read_until_regex(wire.stream, "\\r?\\n\\r?\\n", 10, 0, on_read, &line, on_free));
    drip(&wire, 4 * MIB, 65536);
    run_until_buffered(&wire, 4 * MIB);
    ioloop_stats_t before = stats_of(wire.loop);
    drip(&wire, DRIP, 1);
    run_until_buffered(&wire, 4 * MIB + DRIP);
    uint64_t examined = stats_of(wire.loop).bytes_examined - before.bytes_examined;
    printf("%.3f bytes examined per byte received\n", (double)examined / DRIP);
    CHECK(examined <= 4 * DRIP);
    peer_sends(&wire, "\n\n");
    RUN_UNTIL(wire.loop, line.calls > 0);
    CHECK_ENDED(line, IOLOOP_OK);
    free_wire(&wire);
}

/* 32 MiB in one line, 4 KiB at a time. */
static void H_E3_long_line(void) {
    enum { SIZE = 32 * MIB };
    iostream_options_t options = stream_options();
    options.max_read_buffer = 64 * MIB;
    struct wire wire = new_wire_with(new_loop(), &options);
    struct record line = {0};
    double begin = cpu_seconds();
    CHECK_OK(READ_UNTIL(wire.stream, "\n", 0, &line));
    drip(&wire, SIZE, 4096);
    peer_sends(&wire, "\n");
    RUN_UNTIL(wire.loop, line.calls > 0);
    double cpu = cpu_seconds() - begin;
    CHECK_ENDED(line, IOLOOP_OK);
    CHECK_INT(line.size, SIZE + 1);
    ioloop_stats_t stats = stats_of(wire.loop);
    printf("%.2f s of CPU, %.2f bytes examined and %.2f copied per byte\n", cpu, (double)stats.bytes_examined / SIZE,
           (double)stats.bytes_copied / SIZE);
    CHECK(stats.bytes_examined <= 2 * (uint64_t)SIZE);
    CHECK(stats.bytes_copied <= 3 * (uint64_t)SIZE);
    CHECK(cpu < 1.0 || SANITIZED);
    free_wire(&wire);
}

enum { IDLE = 1000, PER_CONNECTION = 400 };

struct hall {
    ioloop_t *loop;
    ioserver_t *server;
    int count, answers;
};

static void echo_line(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    struct hall *hall = ctx;
    CHECK_OK(status);
    hall->answers++;
    CHECK_OK(iostream_write(stream, data, size, NULL, NULL, NULL));
    CHECK_OK(iostream_read_until(stream, "\n", 1, 0, echo_line, hall, NULL));
}

static void take(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    struct hall *hall = ctx;
    (void)server;
    CHECK_OK(status);
    CHECK_OK(iostream_read_until(stream, "\n", 1, 0, echo_line, hall, NULL));
    hall->count++;
}

static uint64_t memory_without_pool(struct hall *hall) {
    ioloop_stats_t stats = stats_of(hall->loop);
    return ioloop_memory_bytes() - stats.chunks_pooled * 65536;
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK(limit.rlim_cur > IDLE + 64);
}

/* The clients live in a process of their own, as ever: connect, send a line when told to, stay. */
static void be_clients(uint16_t port, int told) {
    static int clients[IDLE];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char byte;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < IDLE; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_INT(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    CHECK_INT(read(told, &byte, 1), 1);
    for (int i = 0; i < IDLE; i++) CHECK_INT(write(clients[i], "hello\n", 6), 6);
    CHECK_INT(read(told, &byte, 1), 0);
    _exit(0);
}

/* A connection that waits for its next line costs little and holds no buffer, before its first line and after. */
static void idle_connection(void) {
    static struct hall hall;
    uint16_t port = 0;
    int tell[2], status = 0;
    raise_descriptor_limit();
    CHECK_INT(pipe2(tell, O_CLOEXEC), 0);
    hall.loop = new_loop();
    CHECK_OK(ioserver_new(&hall.server, hall.loop, NULL, NULL, take, &hall, NULL));
    CHECK_OK(ioserver_listen(hall.server, &port, "127.0.0.1", 9, 0));
    run_idle(hall.loop);
    uint64_t before = ioloop_memory_bytes();
    pid_t child = fork();
    if (child == 0) {
        close(tell[1]);
        be_clients(port, tell[0]);
    }
    RUN_UNTIL(hall.loop, hall.count == IDLE);
    run_idle(hall.loop);
    uint64_t each = (ioloop_memory_bytes() - before) / IDLE;
    printf("an idle connection costs %" PRIu64 " bytes", each);
    CHECK(each <= PER_CONNECTION);
    CHECK_INT(write(tell[1], "x", 1), 1);
    RUN_UNTIL(hall.loop, hall.answers == IDLE);
    run_idle(hall.loop);
    each = (memory_without_pool(&hall) - before) / IDLE;
    printf(", %" PRIu64 " after a line\n", each);
    CHECK(each <= PER_CONNECTION);
    CHECK(stats_of(hall.loop).chunks_pooled <= 64);
    ioloop_free(hall.loop);
    close(tell[0]);
    close(tell[1]);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

TEST_MAIN(TEST(H_E3_drip_one_byte_delimiter), TEST(H_E3_drip_two_byte_delimiter), TEST(H_E3_drip_long_delimiter),
          TEST(H_E3_drip_of_almost_delimiters), TEST(H_E3_drip_regex), TEST(H_E3_long_line), TEST(idle_connection))
