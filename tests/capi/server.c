/* Servers: where they listen, whom they accept, pausing, stopping, limits. */
#include "capi_test.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { MAX_ACCEPTED = 64 };

struct door {
    ioloop_t *loop;
    ioserver_t *server;
    iostream_t *accepted[MAX_ACCEPTED];
    int count, frees, failures;
    int32_t failure;
    uint16_t port;
};

static void on_door(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    struct door *door = ctx;
    CHECK(server == door->server);
    if (status != IOLOOP_OK) {
        CHECK(stream == NULL);
        door->failures++;
        door->failure = status;
        return;
    }
    CHECK(stream != NULL && door->count < MAX_ACCEPTED);
    door->accepted[door->count++] = stream;
}

static void free_door(void *ctx) { ((struct door *)ctx)->frees++; }

static void open_door(struct door *door, const ioserver_options_t *options) {
    memset(door, 0, sizeof *door);
    door->loop = new_loop();
    CHECK_OK(ioserver_new(&door->server, door->loop, options, NULL, on_door, door, free_door));
}

static void open_tcp_door(struct door *door, const ioserver_options_t *options) {
    open_door(door, options);
    CHECK_OK(ioserver_listen(door->server, &door->port, "127.0.0.1", 9, 0));
}

static void close_door(struct door *door) {
    ioloop_free(door->loop);
    CHECK_INT(door->frees, 1);
}

/* A plain client; returns -1 when the server does not take it. */
static int call_v4(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int call_v6(uint16_t port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int call_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int has_v6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return result;
}

static void accepts(void) {
    struct door door;
    int clients[40];
    open_tcp_door(&door, NULL);
    CHECK_INT(ioserver_connections(door.server), 0);
    for (int i = 0; i < 40; i++) CHECK((clients[i] = call_v4(door.port)) >= 0);
    CHECK_INT(door.count, 0);
    RUN_UNTIL(door.loop, door.count == 40);
    CHECK_INT(ioserver_connections(door.server), 40);
    CHECK_INT(door.failures, 0);
    int fd = iostream_fileno(door.accepted[0]);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    iostream_free(door.accepted[0]);
    CHECK_OK(iostream_close(door.accepted[1]));
    run_idle(door.loop);
    CHECK_INT(ioserver_connections(door.server), 38);
    close_door(&door);
    for (int i = 0; i < 40; i++) close(clients[i]);
}

static void accept_budget(void) {
    ioserver_options_t options;
    struct door door;
    int clients[10];
    CHECK_OK(ioserver_options_init(&options, sizeof options));
    options.accept_budget = 3;
    open_tcp_door(&door, &options);
    for (int i = 0; i < 10; i++) CHECK((clients[i] = call_v4(door.port)) >= 0);
    CHECK(ioloop_run_once(door.loop, SECOND) > 0);
    CHECK_INT(door.count, 3);
    RUN_UNTIL(door.loop, door.count == 10);
    close_door(&door);
    for (int i = 0; i < 10; i++) close(clients[i]);
}

static void listens_on_v6(void) {
    struct door door;
    if (!has_v6()) return;
    open_door(&door, NULL);
    CHECK_OK(ioserver_listen(door.server, &door.port, "::1", 3, 0));
    int client = call_v6(door.port);
    CHECK(client >= 0);
    CHECK_INT(call_v4(door.port), -1);
    RUN_UNTIL(door.loop, door.count == 1);
    close_door(&door);
    close(client);
}

static void listens_on_a_name(void) {
    struct door door;
    open_door(&door, NULL);
    CHECK_OK(ioserver_listen(door.server, &door.port, "localhost", 9, 0));
    int v4 = call_v4(door.port), v6 = call_v6(door.port);
    CHECK(v4 >= 0 || v6 >= 0);
    RUN_UNTIL(door.loop, door.count == (v4 >= 0) + (v6 >= 0));
    close_door(&door);
    close(v4);
    close(v6);
}

static void listens_everywhere(void) {
    struct door door;
    open_door(&door, NULL);
    CHECK_OK(ioserver_listen(door.server, &door.port, NULL, 0, 0));
    int v4 = call_v4(door.port), v6 = has_v6() ? call_v6(door.port) : -1;
    CHECK(v4 >= 0 && (v6 >= 0) == has_v6());
    RUN_UNTIL(door.loop, door.count == 1 + (v6 >= 0));
    close_door(&door);
    close(v4);
    close(v6);
}

static void listens_twice(void) {
    struct door door;
    uint16_t second = 0;
    open_tcp_door(&door, NULL);
    CHECK_OK(ioserver_listen(door.server, &second, "127.0.0.1", 9, 0));
    CHECK(second != 0 && second != door.port);
    int one = call_v4(door.port), other = call_v4(second);
    CHECK(one >= 0 && other >= 0);
    RUN_UNTIL(door.loop, door.count == 2);
    close_door(&door);
    close(one);
    close(other);
}

static void refused(void) {
    struct door door, taken;
    uint16_t port = 7;
    char *long_host = malloc(70000);
    int before;
    open_tcp_door(&taken, NULL);
    open_door(&door, NULL);
    before = open_descriptors();
    memset(long_host, 'a', 70000);
    CHECK_STATUS(ioserver_listen(door.server, &port, "127.0.0.1", 9, taken.port), IOLOOP_EADDRINUSE);
    CHECK_STATUS(ioserver_listen(door.server, &port, "localhost\0x", 11, 0), IOLOOP_EADDR);
    CHECK_STATUS(ioserver_listen(door.server, &port, long_host, 254, 0), IOLOOP_EADDR);
    CHECK_STATUS(ioserver_listen(door.server, &port, long_host, 70000, 0), IOLOOP_EADDR);
    CHECK_STATUS(ioserver_listen(door.server, &port, "192.0.2.1", 9, 0), IOLOOP_EADDRNOTAVAIL);
    CHECK_INT(port, 7);
    CHECK_INT(open_descriptors(), before);
    ioloop_error_info_t info = {.size = sizeof info};
    CHECK_OK(ioserver_error(door.server, &info));
    CHECK_STATUS(info.status, IOLOOP_EADDRNOTAVAIL);
    CHECK_INT(info.system_errno, EADDRNOTAVAIL);
    free(long_host);
    close_door(&door);
    close_door(&taken);
}

static void unix_path(void) {
    struct door door, second;
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/tmp/ioloop-capi-%d.socket", (int)getpid());
    umask(0);
    open_door(&door, NULL);
    CHECK_OK(ioserver_listen_unix(door.server, path, strlen(path), 0640));
    CHECK_INT(stat(path, &status), 0);
    CHECK_INT(status.st_mode & 0777, 0640);
    int client = call_unix(path);
    CHECK(client >= 0);
    RUN_UNTIL(door.loop, door.count == 1);
    /* Somebody answers there: the path is taken. */
    open_door(&second, NULL);
    CHECK_STATUS(ioserver_listen_unix(second.server, path, strlen(path), 0600), IOLOOP_EADDRINUSE);
    close_door(&second);
    CHECK_INT(access(path, F_OK), 0);
    CHECK_OK(ioserver_stop(door.server));
    CHECK_INT(access(path, F_OK), -1);
    close_door(&door);
    close(client);
}

static void unix_path_left_behind(void) {
    struct door door;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/ioloop-capi-%d.stale", (int)getpid());
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
    close(stale); /* the file stays, and nobody answers */
    open_door(&door, NULL);
    CHECK_OK(ioserver_listen_unix(door.server, address.sun_path, strlen(address.sun_path), 0600));
    int client = call_unix(address.sun_path);
    CHECK(client >= 0);
    close(client);
    close_door(&door);
    CHECK_INT(access(address.sun_path, F_OK), -1);
}

static void unix_refused(void) {
    struct door door;
    char path[] = "/tmp/ioloop-capi-XXXXXX", long_path[108];
    int file = mkstemp(path);
    close(file);
    memset(long_path, 'x', sizeof long_path);
    open_door(&door, NULL);
    CHECK_STATUS(ioserver_listen_unix(door.server, path, strlen(path), 0600), IOLOOP_EADDRINUSE);
    CHECK_INT(access(path, F_OK), 0);
    CHECK_STATUS(ioserver_listen_unix(door.server, "", 0, 0600), IOLOOP_EADDR);
    CHECK_STATUS(ioserver_listen_unix(door.server, long_path, 108, 0600), IOLOOP_EADDR);
    CHECK_STATUS(ioserver_listen_unix(door.server, "/tmp/a\0b", 8, 0600), IOLOOP_EADDR);
    close_door(&door);
    unlink(path);
}

static void inherited_socket(void) {
    struct door door;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), plain = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(listener, 10), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    open_door(&door, NULL);
    CHECK_STATUS(ioserver_listen_fd(door.server, plain), IOLOOP_EINVAL);
    CHECK_STATUS(ioserver_listen_fd(door.server, pair[0]), IOLOOP_EINVAL);
    CHECK_STATUS(ioserver_listen_fd(door.server, -1), IOLOOP_EINVAL);
    CHECK(fcntl(plain, F_GETFD) >= 0);
    CHECK_OK(ioserver_listen_fd(door.server, listener));
    int client = call_v4(ntohs(address.sin_port));
    CHECK(client >= 0);
    RUN_UNTIL(door.loop, door.count == 1);
    close_door(&door);
    CHECK_INT(fcntl(listener, F_GETFD), -1); /* it belonged to the server */
    close(plain);
    close(pair[0]);
    close(pair[1]);
    close(client);
}

static void pause_and_resume(void) {
    struct door door;
    open_tcp_door(&door, NULL);
    CHECK_OK(ioserver_pause(door.server));
    CHECK_OK(ioserver_pause(door.server));
    int client = call_v4(door.port); /* it waits in the system's queue */
    CHECK(client >= 0);
    run_idle(door.loop);
    CHECK_INT(door.count, 0);
    CHECK_OK(ioserver_resume(door.server));
    CHECK_OK(ioserver_resume(door.server));
    RUN_UNTIL(door.loop, door.count == 1);
    close_door(&door);
    close(client);
}

static void stop(void) {
    struct door door;
    struct record line = {0};
    open_tcp_door(&door, NULL);
    int client = call_v4(door.port);
    RUN_UNTIL(door.loop, door.count == 1);
    CHECK_OK(ioserver_stop(door.server));
    CHECK_INT(door.frees, 1);
    CHECK_OK(ioserver_stop(door.server));
    CHECK_INT(call_v4(door.port), -1);
    CHECK_STATUS(ioserver_pause(door.server), IOLOOP_ECLOSED);
    CHECK_STATUS(ioserver_resume(door.server), IOLOOP_ECLOSED);
    CHECK_STATUS(ioserver_listen(door.server, NULL, "127.0.0.1", 9, 0), IOLOOP_ECLOSED);
    /* Accepted streams go on, also when the server is gone. */
    CHECK_OK(READ_UNTIL(door.accepted[0], "\n", 0, &line));
    ioserver_free(door.server);
    CHECK_STATUS(ioserver_stop(door.server), IOLOOP_EHANDLE);
    CHECK_INT(write(client, "hello\n", 6), 6);
    RUN_UNTIL(door.loop, line.calls > 0);
    CHECK_READ(line, "hello\n");
    close_door(&door);
    close(client);
}

static void max_connections(void) {
    ioserver_options_t options;
    struct door door;
    int clients[5];
    CHECK_OK(ioserver_options_init(&options, sizeof options));
    options.max_connections = 2;
    open_tcp_door(&door, &options);
    for (int i = 0; i < 5; i++) CHECK((clients[i] = call_v4(door.port)) >= 0);
    RUN_UNTIL(door.loop, door.count == 2);
    run_idle(door.loop);
    CHECK_INT(door.count, 2);
    CHECK_INT(ioserver_connections(door.server), 2);
    uint64_t waits = stats_of(door.loop).waits;
    CHECK(ioloop_run_once(door.loop, 20 * MS) >= 0); /* those who wait must not keep the loop awake */
    CHECK(stats_of(door.loop).waits - waits <= 2);
    for (int closed = 0; closed < 3; closed++) {
        if (closed == 1)
            CHECK_OK(iostream_close(door.accepted[closed]));
        else
            iostream_free(door.accepted[closed]);
        RUN_UNTIL(door.loop, door.count == 3 + closed);
        CHECK_INT(ioserver_connections(door.server), 2);
    }
    close_door(&door);
    for (int i = 0; i < 5; i++) close(clients[i]);
}

/* No descriptor is left: it is told once, the loop stays quiet, and everybody is accepted in the end. */
static void H_D6_no_descriptor_left(void) {
    struct door door;
    struct rlimit before, low;
    int clients[8];
    if (SANITIZED) return;
    open_tcp_door(&door, NULL);
    run_idle(door.loop);
    for (int i = 0; i < 8; i++) CHECK((clients[i] = call_v4(door.port)) >= 0);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    int probe = dup(0);
    close(probe);
    low.rlim_cur = (rlim_t)probe; /* the lowest free number is the first that may not be used */
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    RUN_UNTIL(door.loop, door.failures > 0);
    CHECK_STATUS(door.failure, IOLOOP_ENFILE);
    uint64_t accepts_before = stats_of(door.loop).accepts;
    for (int64_t end = ioloop_clock_ns() + 100 * MS; ioloop_clock_ns() < end;)
        CHECK(ioloop_run_once(door.loop, 100 * MS) >= 0);
    CHECK(stats_of(door.loop).accepts - accepts_before <= 10);
    CHECK_INT(door.failures, 1);
    CHECK_INT(door.count, 0);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    RUN_UNTIL(door.loop, door.count == 8);
    close_door(&door);
    for (int i = 0; i < 8; i++) close(clients[i]);
}

TEST_MAIN(TEST(accepts), TEST(accept_budget), TEST(listens_on_v6), TEST(listens_on_a_name), TEST(listens_everywhere),
          TEST(listens_twice), TEST(refused), TEST(unix_path), TEST(unix_path_left_behind), TEST(unix_refused),
          TEST(inherited_socket), TEST(pause_and_resume), TEST(stop), TEST(max_connections),
          TEST(H_D6_no_descriptor_left))
