/* pull_queue [PORT] - sends every line back, without a single callback: every operation is given NULL for a function,
 * so its result goes to the loop's queue, under the tag given with the operation. */
#include <ioloop/ioloop.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 };

/* What a result is for. A tag is any number or address; 0 asks a write not to report at all. */
enum { CONNECTION = 1, LINE = 2, QUIT = 3 };

static void *tag(uintptr_t number) { return (void *)number; }

static void read_line(iostream_t *stream) {
    if (iostream_read_until(stream, "\n", 1, 0, NULL, tag(LINE), NULL) != IOLOOP_OK) iostream_free(stream);
}

static void on_line(const ioloop_event_t *event) {
    iostream_t *stream = event->object;
    if (event->status == IOLOOP_OK && iostream_write(stream, event->data, event->size, NULL, NULL, NULL) == IOLOOP_OK)
        read_line(stream);
    else
        iostream_free(stream);
}

/* Returns 0 when it is time to end. */
static int on_event(const ioloop_event_t *event) {
    switch (event->tag) {
        case CONNECTION:
            if (event->status == IOLOOP_OK) read_line(event->object);
            return 1;
        case LINE:
            on_line(event);
            return 1;
        default:
            return 0;
    }
}

static void run(ioloop_t *loop) {
    ioloop_event_t events[BATCH];
    int32_t count;
    while ((count = ioloop_poll(loop, events, BATCH, IOLOOP_NEVER)) >= 0)
        for (int32_t i = 0; i < count; i++)
            if (!on_event(&events[i])) return;
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8888;
    ioloop_t *loop;
    ioserver_t *server;
    if (ioloop_new(&loop, NULL) || ioserver_new(&server, loop, NULL, NULL, NULL, tag(CONNECTION), NULL) ||
        ioserver_listen(server, &port, "127.0.0.1", 9, port)) {
        fprintf(stderr, "pull_queue: cannot listen on port %u\n", port);
        return EXIT_FAILURE;
    }
    ioloop_add_signal(loop, SIGINT, NULL, tag(QUIT), NULL);
    ioloop_add_signal(loop, SIGTERM, NULL, tag(QUIT), NULL);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
    run(loop);
    ioloop_free(loop);
    return EXIT_SUCCESS;
}
