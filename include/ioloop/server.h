/* ioloop/server.h - accepting connections: Tornado's TCPServer, for TCP and Unix sockets. */
#ifndef IOLOOP_SERVER_H
#define IOLOOP_SERVER_H

#include "base.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ioserver_options {
    uint32_t size;            /* sizeof(ioserver_options_t) */
    uint32_t backlog;         /* connections the system queues; default 4096, the system's own bound applies */
    uint32_t accept_budget;   /* connections taken in one turn per socket; default 16 */
    uint32_t max_connections; /* accepted streams open at once; more wait in the system's queue; default 0, no limit */
    uint32_t max_undelivered; /* accepted streams waiting in the pull queue; default 256 */
    uint32_t reserved;        /* 0 */
} ioserver_options_t;

/* A new connection. status is IOLOOP_OK and stream is yours; or, rarely, IOLOOP_ENFILE or IOLOOP_ENOMEM with stream
 * NULL: accepting pauses by itself and goes on after 10 ms, doubling to 1 s, or when a descriptor of ours closes. It
 * is reported once per such pause, not per attempt. */
typedef void (*ioserver_accept_fn)(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream);

/* Fills options with the defaults named at each member.
 *
 * owner    : borrows options
 * thread   : [any]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL when options is NULL or size is not a size this library knows
 * units    : size in bytes: sizeof(ioserver_options_t)
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_options_init(ioserver_options_t *options, size_t size);

/* Makes a server that hands every connection to fn, or to the pull queue. It listens nowhere yet.
 *
 * owner    : gives *out_server (ioserver_free); borrows both options, stream_options are those of accepted streams;
 *            takes ctx
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for bad options; IOLOOP_ECLOSED; IOLOOP_ENOMEM
 * source   : tornado.tcpserver.TCPServer
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_new(ioserver_t **out_server, ioloop_t *loop, const ioserver_options_t *options,
                                const iostream_options_t *stream_options, ioserver_accept_fn fn, void *ctx,
                                ioloop_free_fn free_ctx);

/* Listens on a port of every address of host, v4 and v6; may be called several times. An empty host is every address
 * of the machine. Port 0 chooses a free port, the same for all addresses.
 *
 * owner    : borrows host
 * thread   : [loop], inside callbacks: yes
 * blocks   : while the system looks up a name; never for a numeric or empty host
 * returns  : IOLOOP_OK, *out_port (may be NULL) is the port; IOLOOP_ERESOLVE; IOLOOP_EADDR for a host with a 0 byte
 *            or of more than 253 bytes; IOLOOP_EADDRINUSE; IOLOOP_EADDRNOTAVAIL; IOLOOP_EACCESS; IOLOOP_ENFILE;
 *            IOLOOP_ECLOSED; IOLOOP_ENOMEM; IOLOOP_ESYS. On failure no socket stays open
 * units    : host_size in bytes; port in host order
 * source   : TCPServer.listen, tornado.netutil.bind_sockets
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_listen(ioserver_t *server, uint16_t *out_port, const char *host, size_t host_size,
                                   uint16_t port);

/* Listens on a Unix socket: a path, or an abstract name if the first byte is 0. A socket file that exists and is not
 * answered any more is replaced; the mode is set before anybody can connect; the file is removed when the server
 * stops, if it is still ours.
 *
 * owner    : borrows path
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EADDR for an empty path, one of more than 107 bytes, or a 0 byte inside;
 *            IOLOOP_EADDRINUSE when the socket is answered, or a file of another type is there; IOLOOP_EACCESS;
 *            IOLOOP_ENFILE; IOLOOP_ECLOSED; IOLOOP_ENOMEM; IOLOOP_ESYS
 * units    : mode: permission bits, 0600 is usual; unused for abstract names
 * source   : tornado.netutil.bind_unix_socket; unix(7)
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_listen_unix(ioserver_t *server, const char *path, size_t path_size, uint32_t mode);

/* Accepts on a socket that listens already, as inherited from a service manager.
 *
 * owner    : takes fd if the call succeeds
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL when fd is no listening stream socket; IOLOOP_ECLOSED; IOLOOP_ENOMEM
 * source   : TCPServer.add_socket; sd_listen_fds(3)
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_listen_fd(ioserver_t *server, int fd);

/* Stops accepting for a while; connections wait in the system's queue. Idempotent.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ECLOSED when stopped
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_pause(ioserver_t *server);

/* Accepts again after ioserver_pause. Idempotent.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ECLOSED when stopped
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_resume(ioserver_t *server);

/* Closes the listening sockets; fn is not called again. Accepted streams go on. Idempotent.
 *
 * owner    : runs free_ctx before it returns (inside fn itself: after fn returned)
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK, also when already stopped
 * source   : TCPServer.stop
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_stop(ioserver_t *server);

/* Stops the server and frees it. Streams accepted and not yet delivered are closed. NULL and stale handles are
 * ignored.
 *
 * owner    : takes server
 * thread   : [loop], inside callbacks: yes, also its own
 * since    : 0.1
 */
IOLOOP_API void ioserver_free(ioserver_t *server);

/* Accepted streams that are open now.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : the number, at most INT32_MAX; a negative status on misuse
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_connections(ioserver_t *server);

/* Why the last failing call on this server failed, or why accepting pauses.
 *
 * owner    : borrows out_info, whose size member says how much to fill
 * thread   : [loop]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL
 * since    : 0.1
 */
IOLOOP_API int32_t ioserver_error(ioserver_t *server, ioloop_error_info_t *out_info);

#ifdef __cplusplus
}
#endif

#endif
