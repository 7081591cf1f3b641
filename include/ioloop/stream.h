/* ioloop/stream.h - a buffered non-blocking stream over a TCP or Unix socket or a pipe.
 *
 * Reading: one read at a time. A read is pending from the call that accepts it until its result has been delivered;
 * the next one may be started inside that callback. Data given to a callback is borrowed until the callback returns;
 * data in an event until the next ioloop_poll. A read that fails, times out or is cancelled leaves the bytes that
 * arrived in the buffer, where a later read finds them, also after the stream has closed.
 *
 * Writing: writes are sent in order. Inside callbacks they are gathered and sent together when the stream's turn
 * ends; outside, before the loop waits. A write ends when the system has taken its last byte.
 *
 * Six ends are told apart in every result: the peer's orderly end (IOLOOP_EEOF), a broken connection
 * (IOLOOP_ERESET), a truncated secure stream (IOLOOP_ETRUNCATED), a limit (IOLOOP_ETOOLONG, IOLOOP_EFULL), a
 * deadline (IOLOOP_ETIMEDOUT) and this side's close (IOLOOP_ECLOSED).
 */
#ifndef IOLOOP_STREAM_H
#define IOLOOP_STREAM_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IOSTREAM_HALF_OPEN = 1 /* flag: the peer's end of data does not close the stream; writing goes on */
};

/* Which deadline iostream_set_timeout sets. */
enum {
    IOSTREAM_TIMEOUT_READ = 1,   /* from the start of a read to its result */
    IOSTREAM_TIMEOUT_WRITE = 2,  /* from a write to its last byte taken by the system */
    IOSTREAM_TIMEOUT_CONNECT = 3 /* from iostream_connect to its result */
};

typedef struct iostream_options {
    uint32_t size;              /* sizeof(iostream_options_t) */
    uint32_t flags;             /* IOSTREAM_HALF_OPEN; default 0 */
    uint64_t max_read_buffer;   /* bytes held unread; default 16 MiB; at least 1 */
    uint64_t max_write_buffer;  /* bytes held unsent; default 16 MiB; UINT64_MAX for no limit */
    int64_t read_timeout_ns;    /* default IOLOOP_NEVER */
    int64_t write_timeout_ns;   /* default IOLOOP_NEVER */
    int64_t connect_timeout_ns; /* default 30 s */
} iostream_options_t;

/* status: IOLOOP_OK with the data asked for; IOLOOP_MORE with a piece; or an error, with data only where the read
 * says so. */
typedef void (*iostream_read_fn)(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size);
/* size: bytes now in the caller's buffer; on an error 0, and the bytes are back in the stream. */
typedef void (*iostream_read_into_fn)(void *ctx, iostream_t *stream, int32_t status, size_t size);
typedef void (*iostream_write_fn)(void *ctx, iostream_t *stream, int32_t status);
typedef void (*iostream_connect_fn)(void *ctx, iostream_t *stream, int32_t status);
/* reason: IOLOOP_ECLOSED for a close on this side, IOLOOP_EEOF, IOLOOP_ERESET, IOLOOP_ETIMEDOUT, ... */
typedef void (*iostream_close_fn)(void *ctx, iostream_t *stream, int32_t reason);

/* Fills options with the defaults named at each member.
 *
 * owner    : borrows options
 * thread   : [any]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL when options is NULL or size is not a size this library knows
 * units    : size in bytes: sizeof(iostream_options_t)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_options_init(iostream_options_t *options, size_t size);

/* Fills options with Tornado's values: 100 MiB to read, no limit to write, no connect timeout.
 *
 * owner    : borrows options
 * thread   : [any]
 * returns  : as iostream_options_init
 * source   : BaseIOStream(max_buffer_size, max_write_buffer_size)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_options_init_tornado(iostream_options_t *options, size_t size);

/* Makes a stream. With a descriptor (a socket, connected or not, or one end of a pipe) the stream owns it and makes
 * it non-blocking and close-on-exec; with fd -1 the stream waits for iostream_connect.
 *
 * owner    : gives *out_stream (iostream_free); takes fd if the call succeeds; borrows options
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for bad options or fd below -1; IOLOOP_ENOTSUP when fd is a regular file or
 *            a directory; IOLOOP_ECLOSED when the loop is closed; IOLOOP_ENOMEM; IOLOOP_ESYS when fd is not open
 * source   : tornado.iostream.IOStream(socket), PipeIOStream(fd)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_new(iostream_t **out_stream, ioloop_t *loop, int fd, const iostream_options_t *options);

/* Makes two streams connected to each other, over a pair of Unix sockets.
 *
 * owner    : gives both (iostream_free); borrows options
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL; IOLOOP_ENFILE; IOLOOP_ENOMEM; IOLOOP_ECLOSED
 * source   : socketpair(2)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_new_pair(iostream_t **out_stream, iostream_t **out_other, ioloop_t *loop,
                                     const iostream_options_t *options);

/* Closes the stream if it is open and frees it. What is pending is dropped: no fn is called any more, every free_ctx
 * is, at the end of the turn at the latest. NULL and stale handles are ignored.
 *
 * owner    : takes stream
 * thread   : [loop], inside callbacks: yes, also its own
 * since    : 0.1
 */
IOLOOP_API void iostream_free(iostream_t *stream);

/* Connects to a numeric IPv4 or IPv6 address ("127.0.0.1", "::1", "fe80::1%eth0"). Names are not looked up here.
 * Writes may follow at once; they are sent after the connection stands. If the connection fails, the stream closes.
 *
 * owner    : borrows host; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn with IOLOOP_OK, IOLOOP_EREFUSED, IOLOOP_EUNREACH, IOLOOP_ETIMEDOUT, IOLOOP_ECLOSED,
 *            IOLOOP_EADDRNOTAVAIL, IOLOOP_ERESET, IOLOOP_EACCESS or IOLOOP_ESYS; at once: IOLOOP_EADDR when host is
 *            no such address; IOLOOP_EINVAL for port 0; IOLOOP_ESTATE when the stream is connected or connecting;
 *            IOLOOP_ECLOSED; IOLOOP_ENFILE; IOLOOP_ENOMEM
 * units    : host_size in bytes; port in host order
 * source   : IOStream.connect; connect(2)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_connect(iostream_t *stream, const char *host, size_t host_size, uint16_t port,
                                    iostream_connect_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Connects to a Unix socket: a path, or an abstract name if the first byte is 0.
 *
 * owner    : borrows path; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_connect; IOLOOP_EADDR for an empty path, one of more than 107 bytes, or a 0 byte inside;
 *            IOLOOP_EREFUSED also when no such socket exists
 * source   : unix(7)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_connect_unix(iostream_t *stream, const char *path, size_t path_size,
                                         iostream_connect_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Reads up to and including the first delimiter.
 *
 * owner    : borrows delimiter; takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn with IOLOOP_OK and the bytes, IOLOOP_ETOOLONG when the match would end beyond
 *            max_bytes, IOLOOP_EFULL when the read buffer is full without a match, IOLOOP_EEOF, IOLOOP_ERESET,
 *            IOLOOP_ETIMEDOUT, IOLOOP_ECLOSED, IOLOOP_ECANCELED or IOLOOP_ENOMEM; at once: IOLOOP_EINVAL for an
 *            empty delimiter; IOLOOP_EBUSY while a read is pending; IOLOOP_ESTATE before a connection;
 *            IOLOOP_ENOMEM. On a closed stream the read succeeds as long as the buffer satisfies it
 * units    : max_bytes counts the delimiter; 0 means as much as the read buffer holds
 * source   : IOStream.read_until
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_until(iostream_t *stream, const void *delimiter, size_t delimiter_size,
                                       size_t max_bytes, iostream_read_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Reads up to the end of the first match of a PCRE2 pattern, searched in what has arrived so far, as bytes.
 *
 * owner    : borrows pattern; takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_read_until; IOLOOP_EREGEX through fn when the search exceeds its bound; at once:
 *            IOLOOP_EINVAL for a pattern that does not compile or is longer than 4096 bytes; IOLOOP_ENOTSUP without
 *            the regex feature
 * units    : max_bytes counts the match; 0 means as much as the read buffer holds
 * source   : IOStream.read_until_regex; pcre2api(3)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_until_regex(iostream_t *stream, const char *pattern, size_t pattern_size,
                                             size_t max_bytes, iostream_read_fn fn, void *ctx,
                                             ioloop_free_fn free_ctx);

/* Reads exactly size bytes. 0 succeeds with no bytes, also on a closed stream.
 *
 * owner    : takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn with IOLOOP_OK and the bytes or an error as of iostream_read_until; at once:
 *            IOLOOP_EFULL when size is more than the read buffer may hold; IOLOOP_EBUSY; IOLOOP_ESTATE
 * units    : size in bytes
 * source   : IOStream.read_bytes
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_bytes(iostream_t *stream, size_t size, iostream_read_fn fn, void *ctx,
                                       ioloop_free_fn free_ctx);

/* Reads what has arrived, at least 1 and at most max_bytes bytes.
 *
 * owner    : takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_read_bytes; at once: IOLOOP_EINVAL for max_bytes 0
 * units    : max_bytes: SIZE_MAX for whatever there is
 * source   : IOStream.read_bytes(partial=True)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_partial(iostream_t *stream, size_t max_bytes, iostream_read_fn fn, void *ctx,
                                         ioloop_free_fn free_ctx);

/* Fills the caller's buffer with exactly size bytes, received straight into it where possible. The read buffer's
 * limit does not apply.
 *
 * owner    : keeps buffer until fn was called, or the read cancelled, or the stream freed; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_read_bytes; fn's size is size. At the pull queue the event has size and no data
 * units    : size in bytes
 * source   : IOStream.read_into
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_into(iostream_t *stream, void *buffer, size_t size, iostream_read_into_fn fn,
                                      void *ctx, ioloop_free_fn free_ctx);

/* Puts what has arrived into the caller's buffer, at least 1 and at most size bytes.
 *
 * owner    : keeps buffer until fn was called, or the read cancelled, or the stream freed; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_read_into; at once: IOLOOP_EINVAL for size 0
 * units    : size in bytes
 * source   : IOStream.read_into(partial=True)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_into_partial(iostream_t *stream, void *buffer, size_t size,
                                              iostream_read_into_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Reads everything until the stream ends. Ends with IOLOOP_OK at the peer's orderly end; on any other end the status
 * tells it, and the bytes that came are delivered all the same. Ends with IOLOOP_EFULL, and no bytes, when the read
 * buffer is full; they stay in the buffer.
 *
 * owner    : takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn; at once: IOLOOP_EBUSY; IOLOOP_ESTATE. On a closed stream fn gets the rest of the
 *            buffer, then nothing, with IOLOOP_OK
 * source   : IOStream.read_until_close
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_until_close(iostream_t *stream, iostream_read_fn fn, void *ctx,
                                             ioloop_free_fn free_ctx);

/* Delivers bytes in pieces as they arrive: fn with IOLOOP_MORE for each piece, then once with IOLOOP_OK and no bytes
 * when max_bytes have been delivered, or the stream ended in good order. The next piece waits until this one has been
 * delivered, so a slow consumer slows the peer.
 *
 * owner    : takes ctx; lends data until fn returns
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn as said; with IOLOOP_EEOF when max_bytes is given and the stream ended before; other
 *            ends as of iostream_read_until; at once: IOLOOP_EBUSY; IOLOOP_ESTATE
 * units    : max_bytes in all; UINT64_MAX until the end of the stream
 * source   : read_bytes and read_until_close with streaming_callback (Tornado 2.1 to 5.1)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_read_chunks(iostream_t *stream, uint64_t max_bytes, iostream_read_fn fn, void *ctx,
                                        ioloop_free_fn free_ctx);

/* Cancels the pending read, also one whose result has not been delivered yet. With fn, fn is not called; without, an
 * event with IOLOOP_ECANCELED follows. All bytes, those in a buffer of iostream_read_into too, are back in the
 * stream.
 *
 * owner    : runs free_ctx before it returns
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT when no read is pending; IOLOOP_ENOMEM when bytes of iostream_read_into cannot
 *            be taken back, or the event has no room: the read stays
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_cancel_read(iostream_t *stream);

/* Shows the first bytes of the read buffer, in one piece, without taking them.
 *
 * owner    : lends *out_data until the next call on the stream, the next turn, or the end of the callback
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; *out_size is at least min_bytes if so many have arrived, less if not; IOLOOP_ENOMEM;
 *            IOLOOP_EBUSY while the result of a read waits to be delivered
 * units    : min_bytes: how many must be in one piece; 0 for whatever already is
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_peek(iostream_t *stream, const uint8_t **out_data, size_t *out_size, size_t min_bytes);

/* Drops the first bytes of the read buffer.
 *
 * owner    : ends the loan of iostream_peek
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL when size is more than is buffered; IOLOOP_EBUSY while a read is pending
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_consume(iostream_t *stream, size_t size);

/* Queues a copy of the data. With fn NULL and ctx NULL nothing is reported.
 *
 * owner    : borrows data; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn with IOLOOP_OK when the system has taken the last byte, or IOLOOP_ERESET,
 *            IOLOOP_ETIMEDOUT, IOLOOP_ECLOSED; at once: IOLOOP_EFULL beyond the write buffer's limit, nothing is
 *            queued; IOLOOP_ECLOSED; IOLOOP_ESTATE when not connected and not connecting, or after
 *            iostream_close_write; IOLOOP_ENOMEM. A write of 0 bytes ends when those before it have
 * units    : size in bytes
 * source   : IOStream.write; send(2)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_write(iostream_t *stream, const void *data, size_t size, iostream_write_fn fn, void *ctx,
                                  ioloop_free_fn free_ctx);

/* Queues the data itself, without a copy; release(release_ctx) is called exactly once, when the library needs the
 * bytes no longer, in whatever way the write ends, or before this call returns if it fails.
 *
 * owner    : takes data until release is called; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_write; IOLOOP_EINVAL when release is NULL
 * units    : size in bytes
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_write_owned(iostream_t *stream, const void *data, size_t size, ioloop_free_fn release,
                                        void *release_ctx, iostream_write_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* One piece of a gathered write. */
typedef struct iostream_piece {
    const void *data;
    size_t size;
} iostream_piece_t;

/* Queues copies of several pieces as one write.
 *
 * owner    : borrows pieces and what they point to; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : as iostream_write, for the sum of the pieces
 * units    : count of pieces, at most 65536
 * source   : writev(2)
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_writev(iostream_t *stream, const iostream_piece_t *pieces, size_t count,
                                   iostream_write_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Sends what is queued now, if the system takes it, instead of at the end of the turn.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : bytes still unsent, at most INT32_MAX; IOLOOP_ECLOSED; IOLOOP_ESTATE while not connected
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_flush(iostream_t *stream);

/* Ends this side's data after everything queued has been sent; reading goes on. fn and ctx as of iostream_write.
 *
 * owner    : takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, then fn as of iostream_write; at once: IOLOOP_ESTATE when already called or not connected;
 *            IOLOOP_ENOTSUP on a pipe's reading end; IOLOOP_ECLOSED; IOLOOP_ENOMEM
 * source   : shutdown(2) with SHUT_WR
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_close_write(iostream_t *stream, iostream_write_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Closes the stream now. Unsent data is discarded; received data stays readable. A pending read that the buffer
 * satisfies succeeds, other operations end with IOLOOP_ECLOSED, then the close callback is called. Idempotent.
 *
 * owner    : the handle stays valid until iostream_free
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK, also when already closed
 * source   : IOStream.close
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_close(iostream_t *stream);

/* Closes the stream in good order: sends what is queued, ends this side's data, reads and drops what the peer still
 * sends (at most 1 MiB) until the peer ends too, then closes. A pending read ends with IOLOOP_ECLOSED at once. The
 * close callback tells the result: IOLOOP_ECLOSED when all went well, IOLOOP_ETIMEDOUT or IOLOOP_ERESET if not.
 *
 * owner    : the handle stays valid until iostream_free
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK, also when already closed or closing; IOLOOP_EINVAL for a timeout below IOLOOP_NEVER
 * units    : timeout_ns for all of it; IOLOOP_NEVER for no limit
 * source   : nginx's lingering close; RFC 9112 section 9.6
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_close_graceful(iostream_t *stream, int64_t timeout_ns);

/* Calls fn once when the stream has closed, for whatever reason, after all other callbacks of the stream. Replaces
 * the one set before; fn NULL and ctx NULL remove it; fn NULL with a ctx asks for an event. On a closed stream it is
 * called in the next turn.
 *
 * owner    : takes ctx; runs the free_ctx of the one replaced before it returns
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ESTATE when the previous one has been queued for delivery already
 * source   : IOStream.set_close_callback
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_set_close_callback(iostream_t *stream, iostream_close_fn fn, void *ctx,
                                               ioloop_free_fn free_ctx);

/* Sets a deadline for operations that start from now on.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for an unknown deadline or a time below IOLOOP_NEVER
 * units    : timeout_ns per operation; IOLOOP_NEVER for none
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_set_timeout(iostream_t *stream, uint32_t which, int64_t timeout_ns);

/* Sets both buffer limits. Lowering one below what is buffered drops nothing.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for a read limit of 0
 * units    : bytes; UINT64_MAX for no limit
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_set_limits(iostream_t *stream, uint64_t max_read_buffer, uint64_t max_write_buffer);

/* Switches Nagle's algorithm off (1) or on (0). Off the mark on streams that are no TCP connection: does nothing.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK, also where it does nothing; IOLOOP_EINVAL for another value
 * source   : IOStream.set_nodelay; tcp(7), TCP_NODELAY
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_set_nodelay(iostream_t *stream, int32_t on);

/* The descriptor, for socket options and the like.
 *
 * owner    : stays the stream's; do not close it
 * thread   : [loop]
 * returns  : the descriptor; IOLOOP_ECLOSED when there is none
 * source   : IOStream.fileno
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_fileno(iostream_t *stream);

/* Whether a read is pending.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : 1 or 0
 * source   : IOStream.reading
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_reading(iostream_t *stream);

/* Whether data waits to be sent.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : 1 or 0
 * source   : IOStream.writing
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_writing(iostream_t *stream);

/* Whether the stream has closed.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : 1 or 0
 * source   : IOStream.closed
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_closed(iostream_t *stream);

/* Bytes received and not yet read.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : bytes, 0 for a handle that is none
 * since    : 0.1
 */
IOLOOP_API uint64_t iostream_read_buffered(iostream_t *stream);

/* Bytes written and not yet sent.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : bytes, 0 for a handle that is none
 * since    : 0.1
 */
IOLOOP_API uint64_t iostream_write_buffered(iostream_t *stream);

/* Why the stream closed, or its last call failed.
 *
 * owner    : borrows out_info, whose size member says how much to fill
 * thread   : [loop]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL
 * source   : IOStream.error
 * since    : 0.1
 */
IOLOOP_API int32_t iostream_error(iostream_t *stream, ioloop_error_info_t *out_info);

#ifdef __cplusplus
}
#endif

#endif
