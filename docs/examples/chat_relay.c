/* chat_relay [PORT [ECHO_PORT]] - a chat room whose every word goes through an echo server.
 *
 * The first line a member sends is its name. What it says after that goes, as "NAME: text", through one stream to the
 * echo server, and what comes back from there goes to all members; so do "* NAME joined" and "* NAME left". */
#include <ioloop/ioloop.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1024, MAX_NAME = 32, MAX_UNSENT = 256 * 1024 };

static const int64_t CLOSE_TIMEOUT_NS = 5000000000;

struct room {
    ioloop_t *loop;
    ioserver_t *server;
    iostream_t *echo;
    struct member *members;
    uint16_t port;
    int failed;
};

/* In the room from the line with its name until its stream has closed. */
struct member {
    struct room *room;
    iostream_t *stream;
    struct member *next, **link;
    size_t name_size;
    char name[MAX_NAME];
};

static void fail(struct room *room, const char *what, int32_t status) {
    fprintf(stderr, "chat_relay: %s: %s\n", what, ioloop_status_text(status));
    room->failed = 1;
    ioloop_stop(room->loop);
}

static int32_t say(const struct member *member, const uint8_t *text, size_t size) {
    const iostream_piece_t pieces[] = {{member->name, member->name_size}, {": ", 2}, {text, size}, {"\n", 1}};
    return iostream_writev(member->room->echo, pieces, 4, NULL, NULL, NULL);
}

static int32_t announce(const struct member *member, const char *news) {
    const iostream_piece_t pieces[] = {{"* ", 2}, {member->name, member->name_size}, {news, strlen(news)}};
    return iostream_writev(member->room->echo, pieces, 3, NULL, NULL, NULL);
}

static int32_t join(struct member *member, const uint8_t *name, size_t size) {
    if (size > MAX_NAME) return IOLOOP_ETOOLONG;
    memcpy(member->name, name, size);
    member->name_size = size;
    member->next = member->room->members;
    member->link = &member->room->members;
    if (member->next != NULL) member->next->link = &member->next;
    member->room->members = member;
    return announce(member, " joined\n");
}

static void leave(struct member *member) {
    *member->link = member->next;
    if (member->next != NULL) member->next->link = member->link;
    announce(member, " left\n");
}

/* Takes one line of a member; empty ones are passed over. */
static int32_t hear(struct member *member, const uint8_t *line, size_t size) {
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) size--;
    if (size == 0) return IOLOOP_OK;
    return member->name_size == 0 ? join(member, line, size) : say(member, line, size);
}

static void on_member_line(void *ctx, iostream_t *stream, int32_t status, const uint8_t *line, size_t size) {
    static const char too_long[] = "! that was too long\n";
    struct member *member = ctx;
    if (status == IOLOOP_OK) status = hear(member, line, size);
    if (status == IOLOOP_OK) status = iostream_read_until(stream, "\n", 1, MAX_LINE, on_member_line, member, NULL);
    if (status == IOLOOP_ETOOLONG) {
        iostream_write(stream, too_long, sizeof too_long - 1, NULL, NULL, NULL);
        iostream_close_graceful(stream, CLOSE_TIMEOUT_NS);
    } else if (status != IOLOOP_OK) {
        iostream_close(stream);
    }
}

static void on_member_closed(void *ctx, iostream_t *stream, int32_t reason) {
    struct member *member = ctx;
    (void)reason;
    if (member->name_size > 0) leave(member);
    iostream_free(stream);
}

/* The close callback owns the member: the library frees it after the last call, also when the loop is freed. */
static void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    struct member *member = status == IOLOOP_OK ? calloc(1, sizeof *member) : NULL;
    (void)server;
    if (member == NULL) {
        iostream_free(stream);
        return;
    }
    member->room = ctx;
    member->stream = stream;
    iostream_set_nodelay(stream, 1);
    if (iostream_set_close_callback(stream, on_member_closed, member, free) != IOLOOP_OK ||
        iostream_read_until(stream, "\n", 1, MAX_LINE, on_member_line, member, NULL) != IOLOOP_OK)
        iostream_free(stream);
}

static int32_t read_echo(struct room *room);

/* A member that does not read what it is sent is dropped when no more fits into its stream. */
static void on_echo_line(void *ctx, iostream_t *stream, int32_t status, const uint8_t *line, size_t size) {
    struct room *room = ctx;
    (void)stream;
    if (status == IOLOOP_OK) {
        for (struct member *member = room->members; member != NULL; member = member->next)
            if (iostream_write(member->stream, line, size, NULL, NULL, NULL) == IOLOOP_EFULL)
                iostream_close(member->stream);
        status = read_echo(room);
    }
    if (status != IOLOOP_OK) fail(room, "the echo server is gone", status);
}

static int32_t read_echo(struct room *room) {
    return iostream_read_until(room->echo, "\n", 1, 0, on_echo_line, room, NULL);
}

/* The room opens when the echo server is there. */
static void on_echo_connected(void *ctx, iostream_t *stream, int32_t status) {
    struct room *room = ctx;
    if (status == IOLOOP_OK) status = read_echo(room);
    if (status != IOLOOP_OK) {
        fail(room, "there is no echo server", status);
        return;
    }
    iostream_set_nodelay(stream, 1); /* words are small and must not wait for each other */
    status = ioserver_listen(room->server, &room->port, "127.0.0.1", 9, room->port);
    if (status != IOLOOP_OK) {
        fail(room, "cannot listen", status);
        return;
    }
    printf("listening on 127.0.0.1:%u\n", room->port);
    fflush(stdout);
}

static void on_signal(void *loop, int32_t signum, uint64_t count) {
    (void)signum, (void)count;
    ioloop_stop(loop);
}

int main(int argc, char **argv) {
    struct room room = {.port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8889};
    uint16_t echo_port = argc > 2 ? (uint16_t)atoi(argv[2]) : 8888;
    iostream_options_t options;
    iostream_options_init(&options, sizeof options);
    options.max_write_buffer = MAX_UNSENT;
    if (ioloop_new(&room.loop, NULL) || ioserver_new(&room.server, room.loop, NULL, &options, on_accept, &room, NULL) ||
        iostream_new(&room.echo, room.loop, -1, NULL) ||
        iostream_connect(room.echo, "127.0.0.1", 9, echo_port, on_echo_connected, &room, NULL)) {
        fprintf(stderr, "chat_relay: cannot begin\n");
        return EXIT_FAILURE;
    }
    ioloop_add_signal(room.loop, SIGINT, on_signal, room.loop, NULL);
    ioloop_add_signal(room.loop, SIGTERM, on_signal, room.loop, NULL);
    ioloop_start(room.loop);
    ioloop_free(room.loop);
    return room.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
