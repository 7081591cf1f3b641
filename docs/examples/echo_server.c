/* echo_server [PORT] - sends every line back. */
#include <ioloop/ioloop.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void on_line(void *ctx, iostream_t *stream, int32_t status, const uint8_t *line, size_t size) {
    if (status != IOLOOP_OK || iostream_write(stream, line, size, NULL, NULL, NULL) != IOLOOP_OK ||
        iostream_read_until(stream, "\n", 1, 0, on_line, ctx, NULL) != IOLOOP_OK)
        iostream_free(stream);
}

static void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    (void)server;
    on_line(ctx, stream, status, NULL, 0); /* begins as if an empty line had come */
}

static void on_signal(void *loop, int32_t signum, uint64_t count) {
    (void)signum, (void)count;
    ioloop_stop(loop);
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8888;
    ioloop_t *loop;
    ioserver_t *server;
    if (ioloop_new(&loop, NULL) || ioserver_new(&server, loop, NULL, NULL, on_accept, NULL, NULL) ||
        ioserver_listen(server, &port, "127.0.0.1", 9, port)) {
        fprintf(stderr, "echo_server: cannot listen on port %u\n", port);
        return EXIT_FAILURE;
    }
    ioloop_add_signal(loop, SIGINT, on_signal, loop, NULL);
    ioloop_add_signal(loop, SIGTERM, on_signal, loop, NULL);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
    ioloop_start(loop);
    ioloop_free(loop);
    return EXIT_SUCCESS;
}
