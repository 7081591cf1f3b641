/* ioloop/event.h - the pull queue: results as flat records instead of callbacks.
 *
 * Any operation given fn == NULL delivers its result here, with its ctx as the tag. The slot is reserved when the
 * operation is accepted, so nothing can be dropped; results come in the same order as callbacks would. A write, and
 * a half-close, with fn == NULL and ctx == NULL reports nothing. A loop used only this way never calls back.
 */
#ifndef IOLOOP_EVENT_H
#define IOLOOP_EVENT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of events. New ones may appear, so keep a default branch. */
enum {
    IOLOOP_EVENT_HANDLER = 1,     /* value: ready bits; op: the descriptor */
    IOLOOP_EVENT_CALLBACK = 2,    /* of ioloop_add_callback */
    IOLOOP_EVENT_TIMEOUT = 3,     /* op: the timeout's token */
    IOLOOP_EVENT_SIGNAL = 4,      /* op: the signal number; value: how often it came */
    IOLOOP_EVENT_READ = 5,        /* object: the stream; data, size: the bytes (size alone for read_into) */
    IOLOOP_EVENT_WRITE = 6,       /* object: the stream; value: bytes of this write */
    IOLOOP_EVENT_CONNECT = 7,     /* object: the stream */
    IOLOOP_EVENT_CLOSE = 8,       /* object: the stream; status: why it closed */
    IOLOOP_EVENT_ACCEPT = 9,      /* object: the new stream, yours to free */
    IOLOOP_EVENT_LOOP_CLOSED = 10 /* after ioloop_close: nothing follows */
};

/* One result: 64 bytes, no pointer to anything whose type depends on another member. */
typedef struct ioloop_event {
    uint32_t type;       /* IOLOOP_EVENT_... */
    int32_t status;      /* IOLOOP_OK, IOLOOP_MORE or an error */
    uint64_t tag;        /* the ctx given with the operation */
    uint64_t op;         /* see the types */
    void *object;        /* see the types; NULL otherwise */
    const uint8_t *data; /* borrowed until the next ioloop_poll on the loop, or until the stream is freed */
    uint64_t size;       /* bytes at data */
    uint64_t value;      /* see the types */
    uint64_t reserved;   /* 0 */
} ioloop_event_t;

/* Takes up to capacity results (65536 at most) from the queue; runs turns until there is at least one, or timeout_ns
 * passed, or the loop was stopped or woken. Calls of callbacks registered with a function happen inside, as in
 * ioloop_run_once.
 *
 * owner    : borrows events; what their data members point to is the library's, until the next call
 * thread   : any one thread, which owns the loop from now on; not inside callbacks
 * blocks   : until an event, the timeout, ioloop_stop or ioloop_wake
 * returns  : the number of events filled; IOLOOP_ESTATE when the loop is running already; IOLOOP_EINVAL for
 *            capacity 0 or a timeout below IOLOOP_NEVER; IOLOOP_ECLOSED when the loop is closed and its last event
 *            has been taken; IOLOOP_ENOMEM; IOLOOP_ESYS
 * units    : timeout_ns: 0 does not wait, IOLOOP_NEVER waits without limit
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_poll(ioloop_t *loop, ioloop_event_t *events, uint32_t capacity, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif
