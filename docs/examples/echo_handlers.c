/* echo_handlers [PORT] - sends everything back, on handlers alone: the loop tells when a descriptor is ready, all else
 * is done here. A connection wants to read while its buffer is empty and to write while it is not. */
#define _POSIX_C_SOURCE 200809L

#include <ioloop/ioloop.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t ACCEPT_PAUSE_NS = 100000000;

struct listener {
    ioloop_t *loop;
    int fd;
};

struct connection {
    ioloop_t *loop;
    int fd;
    size_t sent, size;
    char buffer[16384];
};

static int would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* The handler owns its connection: whatever ends the handler, the descriptor and the memory go with it. */
static void free_connection(void *ctx) {
    struct connection *connection = ctx;
    close(connection->fd);
    free(connection);
}

/* Returns 0 when the connection is over. */
static int receive(struct connection *connection) {
    ssize_t size = recv(connection->fd, connection->buffer, sizeof connection->buffer, 0);
    if (size <= 0) return size < 0 && would_block();
    connection->sent = 0;
    connection->size = (size_t)size;
    return 1;
}

static int send_rest(struct connection *connection) {
    ssize_t size =
        send(connection->fd, connection->buffer + connection->sent, connection->size - connection->sent, MSG_NOSIGNAL);
    if (size < 0) return would_block();
    connection->sent += (size_t)size;
    return 1;
}

/* A connection that ended or broke shows it in what receiving or sending returns, so the events need no look. */
static void on_ready(void *ctx, int fd, uint32_t events) {
    struct connection *connection = ctx;
    ioloop_t *loop = connection->loop;
    int alive = connection->sent < connection->size || receive(connection);
    if (alive && connection->sent < connection->size) alive = send_rest(connection);
    (void)events;
    if (!alive)
        ioloop_remove_handler(loop, fd);
    else
        ioloop_update_handler(loop, fd, connection->sent < connection->size ? IOLOOP_WRITE : IOLOOP_READ);
}

static void accept_again(void *ctx) {
    struct listener *listener = ctx;
    ioloop_update_handler(listener->loop, listener->fd, IOLOOP_READ);
}

/* The connection waits on in the system's queue and the listener stays ready: without a pause this would spin. */
static void pause_accepting(struct listener *listener) {
    if (ioloop_call_later(listener->loop, NULL, ACCEPT_PAUSE_NS, accept_again, listener, NULL) == IOLOOP_OK)
        ioloop_update_handler(listener->loop, listener->fd, IOLOOP_NONE);
}

static void on_connection(void *ctx, int listener_fd, uint32_t events) {
    struct listener *listener = ctx;
    struct connection *connection;
    int fd = accept(listener_fd, NULL, NULL);
    (void)events;
    if (fd < 0) {
        if (!would_block() && errno != ECONNABORTED) pause_accepting(listener);
        return;
    }
    connection = malloc(sizeof *connection);
    if (connection == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        free(connection);
        close(fd);
        return;
    }
    connection->loop = listener->loop;
    connection->fd = fd;
    connection->sent = connection->size = 0;
    ioloop_add_handler(listener->loop, fd, IOLOOP_READ, on_ready, connection, free_connection);
}

/* Returns the descriptor, or -1; *port becomes the port it got. */
static int listen_on(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr *generic = (struct sockaddr *)&address;
    socklen_t size = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, generic, size) == 0 &&
        listen(fd, SOMAXCONN) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && getsockname(fd, generic, &size) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    close(fd);
    return -1;
}

static void on_signal(void *loop, int32_t signum, uint64_t count) {
    (void)signum, (void)count;
    ioloop_stop(loop);
}

int main(int argc, char **argv) {
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8888;
    struct listener listener = {NULL, listen_on(&port)};
    if (listener.fd < 0 || ioloop_new(&listener.loop, NULL) ||
        ioloop_add_handler(listener.loop, listener.fd, IOLOOP_READ, on_connection, &listener, NULL)) {
        fprintf(stderr, "echo_handlers: cannot listen on port %u\n", port);
        return EXIT_FAILURE;
    }
    ioloop_add_signal(listener.loop, SIGINT, on_signal, listener.loop, NULL);
    ioloop_add_signal(listener.loop, SIGTERM, on_signal, listener.loop, NULL);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
    ioloop_start(listener.loop);
    ioloop_free(listener.loop);
    close(listener.fd);
    return EXIT_SUCCESS;
}
