/* Connecting: over TCP and Unix sockets, what fails and how, and writes that wait for the connection. */
#include "capi_test.h"

#include <netinet/in.h>

struct both {
    ioloop_t *loop;
    ioserver_t *server;
    iostream_t *stream;
    struct record accepted;
    uint16_t port;
};

static struct both new_both(const iostream_options_t *options) {
    struct both both = {.loop = new_loop()};
    CHECK_OK(iostream_new(&both.stream, both.loop, -1, options));
    return both;
}

static void start_server(struct both *both, const char *host) {
    CHECK_OK(ioserver_new(&both->server, both->loop, NULL, NULL, on_accept, &both->accepted, on_free));
    CHECK_OK(ioserver_listen(both->server, &both->port, host, strlen(host), 0));
    CHECK(both->port != 0);
}

static void tcp(const char *host) {
    struct both both = new_both(NULL);
    struct record connected = {0}, line = {0}, early = {0};
    start_server(&both, host);
    CHECK_OK(iostream_connect(both.stream, host, strlen(host), both.port, on_status, &connected, on_free));
    CHECK_INT(connected.calls, 0);
    CHECK_OK(iostream_write(both.stream, "early\n", 6, on_status, &early, on_free));
    RUN_UNTIL(both.loop, connected.calls > 0 && both.accepted.calls > 0 && early.calls > 0);
    CHECK_ENDED(connected, IOLOOP_OK);
    CHECK(connected.object == both.stream);
    CHECK_ENDED(early, IOLOOP_OK);
    CHECK_STATUS(both.accepted.status, IOLOOP_OK);
    CHECK_OK(READ_UNTIL(both.accepted.stream, "\n", 0, &line));
    RUN_UNTIL(both.loop, line.calls > 0);
    CHECK_READ(line, "early\n");
    ioloop_free(both.loop);
}

static void tcp_v4(void) { tcp("127.0.0.1"); }

/* Where the machine has no IPv6 there is nothing to test. */
static void tcp_v6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int usable = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) close(fd);
    if (usable) tcp("::1");
}

/* A port on which nobody listens; the socket keeps it from others. */
static uint16_t unused_port(int *out_fd) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    *out_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(*out_fd, (struct sockaddr *)&address, size), 0);
    CHECK_INT(getsockname(*out_fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void refused(void) {
    struct both both = new_both(NULL);
    struct record connected = {.name = "connect"}, close_record = {.name = "close"}, write_record = {.name = "write"};
    struct record read_record = {0};
    int reserved;
    uint16_t port = unused_port(&reserved);
    CHECK_OK(iostream_set_close_callback(both.stream, on_status, &close_record, on_free));
    CHECK_OK(iostream_connect(both.stream, "127.0.0.1", 9, port, on_status, &connected, on_free));
    CHECK_OK(iostream_write(both.stream, "lost", 4, on_status, &write_record, on_free));
    RUN_UNTIL(both.loop, close_record.calls > 0);
    CHECK_ENDED(connected, IOLOOP_EREFUSED);
    CHECK_INT(write_record.calls, 1);
    CHECK(write_record.status < 0);
    CHECK_JOURNAL("connect write close");
    CHECK_STATUS(close_record.status, IOLOOP_EREFUSED);
    CHECK_INT(iostream_closed(both.stream), 1);
    int32_t status = READ_UNTIL(both.stream, "\n", 0, &read_record);
    CHECK(status == IOLOOP_OK || status == IOLOOP_ESTATE || status == IOLOOP_ECLOSED);
    ioloop_error_info_t info = {.size = sizeof info};
    CHECK_OK(iostream_error(both.stream, &info));
    CHECK_INT(info.system_errno, ECONNREFUSED);
    ioloop_free(both.loop);
    close(reserved);
}

static void bad_addresses(void) {
    struct both both = new_both(NULL);
    static const char *const hosts[] = {
        "",          "localhost", "127.1",      "0x7f.0.0.1",  "127.0.0.1 ", "1.2.3.4.5",   "::1::",
        "256.0.0.1", "[::1]",     "127.0.0.01", "example.com", ":",          "127.0.0.1%lo"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct record record = {0};
        CHECK_STATUS(iostream_connect(both.stream, hosts[i], strlen(hosts[i]), 80, on_status, &record, on_free),
                     IOLOOP_EADDR);
        CHECK_INT(record.frees, 1);
    }
    struct record zero = {0}, port = {0}, huge = {0};
    char *long_host = malloc(70000);
    memset(long_host, '1', 70000);
    CHECK_STATUS(iostream_connect(both.stream, "127.0.0.1\0", 10, 80, on_status, &zero, on_free), IOLOOP_EADDR);
    CHECK_STATUS(iostream_connect(both.stream, long_host, 70000, 80, on_status, &huge, on_free), IOLOOP_EADDR);
    CHECK_STATUS(iostream_connect(both.stream, "127.0.0.1", 9, 0, on_status, &port, on_free), IOLOOP_EINVAL);
    CHECK_INT(zero.frees + huge.frees + port.frees, 3);
    free(long_host);
    /* None of it has spoiled the stream. */
    struct record connected = {0};
    start_server(&both, "127.0.0.1");
    CHECK_OK(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &connected, on_free));
    RUN_UNTIL(both.loop, connected.calls > 0);
    CHECK_ENDED(connected, IOLOOP_OK);
    ioloop_free(both.loop);
}

static void states(void) {
    struct both both = new_both(NULL);
    struct record read_record = {0}, write_record = {0}, connected = {0}, twice = {0}, again = {0};
    start_server(&both, "127.0.0.1");
    CHECK_STATUS(READ_UNTIL(both.stream, "\n", 0, &read_record), IOLOOP_ESTATE);
    CHECK_INT(read_record.frees, 1);
    CHECK_STATUS(iostream_write(both.stream, "x", 1, on_status, &write_record, on_free), IOLOOP_ESTATE);
    CHECK_INT(write_record.frees, 1);
    CHECK_STATUS(iostream_close_write(both.stream, NULL, NULL, NULL), IOLOOP_ESTATE);
    CHECK_STATUS(iostream_flush(both.stream), IOLOOP_ESTATE);
    CHECK_OK(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &connected, on_free));
    CHECK_STATUS(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &twice, on_free), IOLOOP_ESTATE);
    CHECK_INT(twice.frees, 1);
    RUN_UNTIL(both.loop, connected.calls > 0);
    CHECK_STATUS(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &again, on_free), IOLOOP_ESTATE);
    CHECK_INT(again.frees, 1);
    CHECK_INT(iostream_closed(both.stream), 0);
    ioloop_free(both.loop);
}

static void closed_while_connecting(void) {
    struct both both = new_both(NULL);
    struct record connected = {.name = "connect"}, close_record = {.name = "close"}, late = {0};
    start_server(&both, "127.0.0.1");
    CHECK_OK(iostream_set_close_callback(both.stream, on_status, &close_record, on_free));
    CHECK_OK(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &connected, on_free));
    CHECK_OK(iostream_close(both.stream));
    RUN_UNTIL(both.loop, close_record.calls > 0);
    CHECK_JOURNAL("connect close");
    CHECK_ENDED(connected, IOLOOP_ECLOSED);
    CHECK_ENDED(close_record, IOLOOP_ECLOSED);
    CHECK_STATUS(iostream_connect(both.stream, "127.0.0.1", 9, both.port, on_status, &late, on_free), IOLOOP_ECLOSED);
    CHECK_INT(late.frees, 1);
    ioloop_free(both.loop);
}

/* A listener whose queue is full does not answer. */
static void timeout(void) {
    iostream_options_t options = stream_options();
    options.connect_timeout_ns = 30 * MS;
    ioloop_t *loop = new_loop();
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[8];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(listener, 0), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 8; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, size);
    }
    iostream_t *stream = NULL;
    struct record connected = {0};
    CHECK_OK(iostream_new(&stream, loop, -1, &options));
    int64_t begin = ioloop_clock_ns();
    CHECK_OK(iostream_connect(stream, "127.0.0.1", 9, ntohs(address.sin_port), on_status, &connected, on_free));
    RUN_UNTIL(loop, connected.calls > 0);
    CHECK(ioloop_clock_ns() - begin >= 30 * MS);
    CHECK_ENDED(connected, IOLOOP_ETIMEDOUT);
    CHECK_INT(iostream_closed(stream), 1);
    ioloop_free(loop);
    for (int i = 0; i < 8; i++) close(waiting[i]);
    close(listener);
}

static void unix_socket(const char *path, size_t size) {
    struct both both = new_both(NULL);
    struct record connected = {0}, line = {0};
    CHECK_OK(ioserver_new(&both.server, both.loop, NULL, NULL, on_accept, &both.accepted, on_free));
    CHECK_OK(ioserver_listen_unix(both.server, path, size, 0600));
    CHECK_OK(iostream_connect_unix(both.stream, path, size, on_status, &connected, on_free));
    CHECK_INT(connected.calls, 0);
    RUN_UNTIL(both.loop, connected.calls > 0 && both.accepted.calls > 0);
    CHECK_ENDED(connected, IOLOOP_OK);
    CHECK_OK(READ_UNTIL(both.stream, "\n", 0, &line));
    CHECK_OK(iostream_write(both.accepted.stream, "hello\n", 6, NULL, NULL, NULL));
    RUN_UNTIL(both.loop, line.calls > 0);
    CHECK_READ(line, "hello\n");
    ioloop_free(both.loop);
}

static void unix_path(void) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/ioloop-capi-%d.socket", (int)getpid());
    unix_socket(path, strlen(path));
    CHECK_INT(access(path, F_OK), -1); /* removed with the server */
}

static void unix_abstract(void) {
    char name[64] = "";
    int size = snprintf(name + 1, sizeof name - 1, "ioloop-capi-%d", (int)getpid());
    unix_socket(name, (size_t)size + 1);
}

static void unix_failures(void) {
    struct both both = new_both(NULL);
    struct record absent = {0};
    char long_path[109];
    memset(long_path, 'x', sizeof long_path);
    const struct {
        const char *path;
        size_t size;
    } bad[] = {{"", 0}, {NULL, 0}, {long_path, 108}, {"/tmp/a\0b", 8}};
    for (size_t i = 0; i < 4; i++) {
        struct record record = {0};
        CHECK_STATUS(iostream_connect_unix(both.stream, bad[i].path, bad[i].size, on_status, &record, on_free),
                     IOLOOP_EADDR);
        CHECK_INT(record.frees, 1);
    }
    CHECK_OK(iostream_connect_unix(both.stream, "/tmp/ioloop/no/such/socket", 26, on_status, &absent, on_free));
    RUN_UNTIL(both.loop, absent.calls > 0);
    CHECK_ENDED(absent, IOLOOP_EREFUSED);
    CHECK_INT(iostream_closed(both.stream), 1);
    ioloop_free(both.loop);
}

static void adopted_descriptors(void) {
    ioloop_t *loop = new_loop();
    iostream_t *stream = NULL;
    char path[] = "/tmp/ioloop-capi-XXXXXX";
    int file = mkstemp(path), directory = open("/tmp", O_RDONLY | O_CLOEXEC), closed = dup(file);
    unlink(path);
    close(closed);
    CHECK_STATUS(iostream_new(&stream, loop, file, NULL), IOLOOP_ENOTSUP);
    CHECK_STATUS(iostream_new(&stream, loop, directory, NULL), IOLOOP_ENOTSUP);
    CHECK_STATUS(iostream_new(&stream, loop, closed, NULL), IOLOOP_ESYS);
    CHECK_STATUS(iostream_new(&stream, loop, -2, NULL), IOLOOP_EINVAL);
    CHECK(stream == NULL);
    CHECK(fcntl(file, F_GETFD) >= 0); /* still ours: the calls failed */
    /* A socket that is not connected yet can be connected by the stream. */
    struct both both = {.loop = loop};
    struct record connected = {0};
    start_server(&both, "127.0.0.1");
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(iostream_new(&stream, loop, fresh, NULL));
    CHECK_INT(iostream_fileno(stream), fresh);
    CHECK_OK(iostream_connect(stream, "127.0.0.1", 9, both.port, on_status, &connected, on_free));
    RUN_UNTIL(loop, connected.calls > 0);
    CHECK_ENDED(connected, IOLOOP_OK);
    CHECK_INT(iostream_fileno(stream), fresh);
    ioloop_free(loop);
    close(file);
    close(directory);
}

TEST_MAIN(TEST(tcp_v4), TEST(tcp_v6), TEST(refused), TEST(bad_addresses), TEST(states), TEST(closed_while_connecting),
          TEST(timeout), TEST(unix_path), TEST(unix_abstract), TEST(unix_failures), TEST(adopted_descriptors))
