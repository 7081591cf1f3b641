/* message_server [PORT] - sends back every message. A message ends in "that is all!", which is part of it; a message
 * that is only that ends the connection. Line breaks before a message do not count, so that it can be typed. */
#include <ioloop/ioloop.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define ENDING "that is all!"
enum { ENDING_SIZE = sizeof ENDING - 1 };

static const int64_t CLOSE_TIMEOUT_NS = 5000000000;

static void on_message(void *ctx, iostream_t *stream, int32_t status, const uint8_t *message, size_t size);

static int32_t read_message(iostream_t *stream) {
    return iostream_read_until(stream, ENDING, ENDING_SIZE, 0, on_message, NULL, NULL);
}

static int is_only_the_ending(const uint8_t *message, size_t size) {
    size_t line_breaks = 0;
    while (message[line_breaks] == '\r' || message[line_breaks] == '\n') line_breaks++;
    return size - line_breaks == ENDING_SIZE;
}

/* Whatever comes between us and the next message ends the connection, but only after the answers have been sent. */
static void on_message(void *ctx, iostream_t *stream, int32_t status, const uint8_t *message, size_t size) {
    (void)ctx;
    if (status != IOLOOP_OK || is_only_the_ending(message, size) ||
        iostream_write(stream, message, size, NULL, NULL, NULL) != IOLOOP_OK || read_message(stream) != IOLOOP_OK)
        iostream_close_graceful(stream, CLOSE_TIMEOUT_NS);
}

static void on_close(void *ctx, iostream_t *stream, int32_t reason) {
    (void)ctx, (void)reason;
    iostream_free(stream);
}

static void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    (void)ctx, (void)server;
    if (status == IOLOOP_OK && (iostream_set_close_callback(stream, on_close, NULL, NULL) || read_message(stream)))
        iostream_free(stream);
}

static void on_signal(void *loop, int32_t signum, uint64_t count) {
    (void)signum, (void)count;
    ioloop_stop(loop);
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8888;
    iostream_options_t options;
    ioloop_t *loop;
    ioserver_t *server;
    iostream_options_init(&options, sizeof options);
    options.flags = IOSTREAM_HALF_OPEN; /* a peer that has said everything may still want its answers */
    if (ioloop_new(&loop, NULL) || ioserver_new(&server, loop, NULL, &options, on_accept, NULL, NULL) ||
        ioserver_listen(server, &port, "127.0.0.1", 9, port)) {
        fprintf(stderr, "message_server: cannot listen on port %u\n", port);
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
