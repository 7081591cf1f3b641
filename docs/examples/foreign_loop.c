/* foreign_loop [PORT] - sends every line back, as a guest in somebody else's event loop: a plain poll(2) loop, which
 * has work of its own. Each line typed on the terminal makes it print how many connections there are. */
#define _POSIX_C_SOURCE 200809L

#include <ioloop/ioloop.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_line(void *ctx, iostream_t *stream, int32_t status, const uint8_t *line, size_t size) {
    if (status != IOLOOP_OK || iostream_write(stream, line, size, NULL, NULL, NULL) != IOLOOP_OK ||
        iostream_read_until(stream, "\n", 1, 0, on_line, ctx, NULL) != IOLOOP_OK)
        iostream_free(stream);
}

static void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    (void)server;
    on_line(ctx, stream, status, NULL, 0); /* begins as if an empty line had come */
}

static void on_signal(void *running, int32_t signum, uint64_t count) {
    (void)signum, (void)count;
    *(int *)running = 0;
}

/* The foreign loop's own work. Without a terminal there is none: poll(2) passes over a descriptor of -1. */
static void on_terminal(struct pollfd *terminal, ioserver_t *server) {
    char typed[256];
    ssize_t size = read(terminal->fd, typed, sizeof typed);
    for (ssize_t i = 0; i < size; i++)
        if (typed[i] == '\n') printf("%d connections\n", ioserver_connections(server));
    fflush(stdout);
    if (size <= 0) terminal->fd = -1;
}

/* poll(2) counts in milliseconds. Rounded up, so that it never returns just before the deadline. */
static int poll_timeout(ioloop_t *loop) {
    int64_t timeout_ns = ioloop_next_timeout_ns(loop);
    if (timeout_ns < 0) return -1;
    int64_t timeout_ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    return timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
}

static void run(ioloop_t *loop, int loop_fd, ioserver_t *server, const int *running) {
    enum { TERMINAL, LOOP };
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = loop_fd, .events = POLLIN}};
    while (*running) {
        if (poll(watched, 2, poll_timeout(loop)) > 0 && watched[TERMINAL].revents != 0)
            on_terminal(&watched[TERMINAL], server);
        ioloop_run_once(loop, 0);
    }
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8888;
    int running = 1;
    ioloop_t *loop;
    ioserver_t *server;
    if (ioloop_new(&loop, NULL) || ioserver_new(&server, loop, NULL, NULL, on_accept, NULL, NULL) ||
        ioserver_listen(server, &port, "127.0.0.1", 9, port)) {
        fprintf(stderr, "foreign_loop: cannot listen on port %u\n", port);
        return EXIT_FAILURE;
    }
    ioloop_add_signal(loop, SIGINT, on_signal, &running, NULL);
    ioloop_add_signal(loop, SIGTERM, on_signal, &running, NULL);
    int loop_fd = ioloop_native_fd(loop);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
    run(loop, loop_fd, server, &running);
    ioloop_free(loop);
    return EXIT_SUCCESS;
}
