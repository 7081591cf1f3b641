/* ioloop/loop.h - the event loop: handlers, timeouts, callbacks, signals, running, embedding.
 *
 * One loop belongs to one thread; several loops in one process know nothing of each other. The order of one turn is
 * in docs/architecture.md. Conventions, and the errors common to all functions: ioloop/base.h.
 */
#ifndef IOLOOP_LOOP_H
#define IOLOOP_LOOP_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IOLOOP_BACKEND_AUTO = 0, /* epoll where there is one, else poll */
    IOLOOP_BACKEND_EPOLL = 1,
    IOLOOP_BACKEND_POLL = 2
};

typedef struct ioloop_options {
    uint32_t size;               /* sizeof(ioloop_options_t) */
    uint32_t backend;            /* IOLOOP_BACKEND_...; default AUTO */
    uint32_t chunk_size;         /* bytes of a pooled buffer chunk, 4096 to 1048576; default 65536 */
    uint32_t max_pooled_chunks;  /* free chunks kept for reuse; default 64 */
    uint32_t turn_read_bytes;    /* bytes one stream may receive in one turn; default 262144 */
    uint32_t turn_callbacks;     /* completions one stream may deliver in one turn; default 16384 */
    uint32_t max_posted;         /* callbacks queued by other threads and not yet taken; default 1048576 */
    uint32_t reserved;           /* 0 */
} ioloop_options_t;

typedef struct ioloop_stats {
    uint32_t size; /* sizeof(ioloop_stats_t) */
    uint32_t reserved;
    uint64_t turns;            /* turns run */
    uint64_t waits;            /* calls of the poller's wait */
    uint64_t idle_wakeups;     /* waits that returned events of which none led to any work */
    uint64_t interest_changes; /* changes told to the kernel (epoll_ctl) */
    uint64_t handlers;         /* descriptors registered now */
    uint64_t timeouts;         /* timeouts of ioloop_call_at and ioloop_call_later armed now */
    uint64_t callbacks_run;    /* queued callbacks run */
    uint64_t timeouts_fired;
    uint64_t completions;      /* operations ended, both ways of delivery */
    uint64_t receives;         /* receive calls of streams */
    uint64_t sends;            /* send calls of streams */
    uint64_t accepts;          /* accept calls of servers */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t bytes_examined; /* looked at by delimiter and regex searches */
    uint64_t bytes_copied;   /* moved inside buffers: merges, carries, copies into a caller's buffer */
    uint64_t chunks_pooled;  /* free chunks held now */
    uint64_t posted;         /* callbacks taken over from other threads and signal handlers */
} ioloop_stats_t;

typedef void (*ioloop_callback_fn)(void *ctx);
/* events: the ready bits out of IOLOOP_READ, IOLOOP_WRITE, IOLOOP_ERROR. */
typedef void (*ioloop_handler_fn)(void *ctx, int fd, uint32_t events);
/* count: how often the signal arrived since the last call, at least 1. */
typedef void (*ioloop_signal_fn)(void *ctx, int32_t signum, uint64_t count);

/* Fills options with the defaults named at each member.
 *
 * owner    : borrows options
 * thread   : [any]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL when options is NULL or size is not a size this library knows
 * units    : size in bytes: sizeof(ioloop_options_t)
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_options_init(ioloop_options_t *options, size_t size);

/* Makes a loop. It holds an epoll descriptor and an eventfd (or only the latter, with poll).
 *
 * owner    : gives *out_loop (ioloop_free); borrows options
 * thread   : [any]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for bad options; IOLOOP_ENOTSUP when the chosen backend is not built in;
 *            IOLOOP_ENFILE, IOLOOP_ENOMEM, IOLOOP_ESYS
 * source   : tornado.ioloop.IOLoop(); epoll_create1(2), eventfd(2)
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_new(ioloop_t **out_loop, const ioloop_options_t *options);

enum {
    IOLOOP_CLOSE_FDS = 1 /* also close the descriptors of all handlers */
};

/* Ends everything on the loop: streams and servers close, handlers, timeouts and signals are removed, operations
 * end with IOLOOP_ECANCELED. Their callbacks run, and their events are queued, in the turns that follow; the last
 * event is IOLOOP_EVENT_LOOP_CLOSED. From now on the loop accepts nothing new.
 *
 * owner    : the handle and the handles of its streams and servers stay valid until ioloop_free
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK, also when already closed; IOLOOP_EINVAL for unknown flags
 * source   : IOLoop.close(all_fds)
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_close(ioloop_t *loop, uint32_t flags);

/* Frees the loop with all its streams and servers. What is still pending is dropped: no fn is called any more, every
 * free_ctx is. Their handles are stale afterwards. NULL and stale handles are ignored. Inside a callback of this
 * very loop the call closes the loop and the memory goes when the outermost turn ends.
 *
 * owner    : takes loop
 * thread   : [loop]; in a forked child: yes, it releases the child's descriptors and leaves the parent's loop alone
 * blocks   : until calls of ioloop_add_callback in progress on other threads have returned
 * since    : 0.1
 */
IOLOOP_API void ioloop_free(ioloop_t *loop);

/* Runs turns until ioloop_stop. A stop that came before makes it return at once, without running anything.
 *
 * owner    : nothing
 * thread   : any one thread, which owns the loop from now on
 * blocks   : until stopped
 * returns  : IOLOOP_OK when stopped; IOLOOP_ESTATE when the loop is running already; IOLOOP_ECLOSED when the loop is
 *            closed and everything has been delivered; IOLOOP_ESYS when the poller fails
 * source   : IOLoop.start
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_start(ioloop_t *loop);

/* Makes ioloop_start return at the end of its turn. Sticky: without a running start, the next one returns at once.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * blocks   : never
 * returns  : IOLOOP_OK
 * source   : IOLoop.stop
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_stop(ioloop_t *loop);

/* Runs one turn: queued callbacks, due timeouts, one wait of at most timeout_ns, ready handlers and streams.
 *
 * owner    : nothing
 * thread   : any one thread, which owns the loop from now on; not inside callbacks
 * blocks   : until something happened or timeout_ns passed
 * returns  : the number of callbacks, timeouts, handler and stream dispatches of the turn; IOLOOP_ESTATE when the
 *            loop is running already; IOLOOP_EINVAL for a timeout below IOLOOP_NEVER; IOLOOP_ECLOSED as for
 *            ioloop_start; IOLOOP_ESYS
 * units    : timeout_ns: 0 does not wait, IOLOOP_NEVER waits without limit
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_run_once(ioloop_t *loop, int64_t timeout_ns);

/* Whether ioloop_start, ioloop_run_once or ioloop_poll is at work on the loop.
 *
 * owner    : nothing
 * thread   : [any]
 * returns  : 1 or 0
 * source   : IOLoop.running
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_running(ioloop_t *loop);

/* Makes a waiting loop start its next turn.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * returns  : IOLOOP_OK; IOLOOP_ECLOSED
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_wake(ioloop_t *loop);

/* Calls fn whenever one of the wanted events holds for the descriptor (level-triggered), until removed. Remove the
 * handler before you close the descriptor.
 *
 * owner    : keeps fd open until removal, does not own it; takes ctx
 * thread   : [loop], inside callbacks: yes
 * blocks   : never
 * returns  : IOLOOP_OK; IOLOOP_EEXIST when the descriptor has a handler (it stays); IOLOOP_EINVAL for bits beyond
 *            READ|WRITE|ERROR or a negative fd; IOLOOP_ENOTSUP for a regular file (EPERM); IOLOOP_ECLOSED;
 *            IOLOOP_ENOMEM; IOLOOP_ESYS for a closed descriptor and the rest
 * source   : IOLoop.add_handler; epoll_ctl(2)
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_add_handler(ioloop_t *loop, int fd, uint32_t events, ioloop_handler_fn fn, void *ctx,
                                      ioloop_free_fn free_ctx);

/* Replaces the events wanted for a descriptor. Told to the kernel before the next wait, and only if they changed.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT; IOLOOP_EINVAL for unknown bits; IOLOOP_ECLOSED
 * source   : IOLoop.update_handler
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_update_handler(ioloop_t *loop, int fd, uint32_t events);

/* Removes the handler of a descriptor. fn is not called again, not even for an event already reported by the kernel.
 *
 * owner    : runs free_ctx before it returns (inside fn itself: after fn returned)
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT, which callers may ignore
 * source   : IOLoop.remove_handler
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_remove_handler(ioloop_t *loop, int fd);

/* Calls fn once in the next turn, in the order of the calls. Wakes a waiting loop.
 *
 * owner    : takes ctx
 * thread   : [any], inside callbacks: yes (a callback added by a callback runs in the next turn)
 * blocks   : never
 * returns  : IOLOOP_OK; IOLOOP_EFULL beyond max_posted; IOLOOP_ECLOSED; IOLOOP_ENOMEM
 * source   : IOLoop.add_callback
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_add_callback(ioloop_t *loop, ioloop_callback_fn fn, void *ctx, ioloop_free_fn free_ctx);

/* Like ioloop_add_callback, for signal handlers: allocates nothing and takes no lock. 256 such callbacks may wait.
 *
 * owner    : keeps ctx until fn ran
 * thread   : [any] [signal]
 * blocks   : never
 * returns  : IOLOOP_OK; IOLOOP_EFULL; IOLOOP_ECLOSED
 * source   : IOLoop.add_callback_from_signal; signal-safety(7)
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_add_callback_from_signal(ioloop_t *loop, ioloop_callback_fn fn, void *ctx);

/* Calls fn once, not before deadline_ns of ioloop_clock_ns. Equal deadlines fire in the order of the calls; a
 * timeout made by a callback never fires in the same turn, even if its deadline has passed.
 *
 * owner    : takes ctx; *out_timeout (may be NULL) is a token below 2^53, never 0
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for a negative deadline; IOLOOP_ENOMEM; IOLOOP_EFULL beyond 16 million armed
 *            timeouts; IOLOOP_ECLOSED
 * units    : deadline_ns on the monotonic clock
 * source   : IOLoop.call_at
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_call_at(ioloop_t *loop, uint64_t *out_timeout, int64_t deadline_ns, ioloop_callback_fn fn,
                                  void *ctx, ioloop_free_fn free_ctx);

/* Calls fn once, delay_ns from now. As ioloop_call_at otherwise.
 *
 * owner    : takes ctx; *out_timeout (may be NULL) is a token below 2^53, never 0
 * thread   : [loop], inside callbacks: yes
 * returns  : as ioloop_call_at; IOLOOP_EINVAL for a negative delay
 * units    : delay_ns from the present reading of the clock, not from the cached one
 * source   : IOLoop.call_later
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_call_later(ioloop_t *loop, uint64_t *out_timeout, int64_t delay_ns, ioloop_callback_fn fn,
                                     void *ctx, ioloop_free_fn free_ctx);

/* Moves an armed timeout to another deadline; among equals it now comes last.
 *
 * owner    : nothing
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT when it fired or was removed; IOLOOP_EINVAL for a negative deadline
 * units    : deadline_ns on the monotonic clock
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_update_timeout(ioloop_t *loop, uint64_t timeout, int64_t deadline_ns);

/* Cancels a timeout, also one that is due in this very turn. With fn, fn will not run; without, an event with
 * IOLOOP_ECANCELED follows.
 *
 * owner    : runs free_ctx before it returns
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT when it fired or was removed, which callers may ignore
 * source   : IOLoop.remove_timeout
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_remove_timeout(ioloop_t *loop, uint64_t timeout);

/* Calls fn on the loop whenever the process receives the signal, until removed. The previous action comes back when
 * the last loop has removed it; a previous handler function goes on being called. At most 64 loops watch signals.
 *
 * owner    : takes ctx
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for a number that cannot be caught, or that
 *            reports a fault of the program (SIGSEGV and its like); IOLOOP_EEXIST when this loop watches it
 *            already; IOLOOP_EFULL; IOLOOP_ENOMEM; IOLOOP_ECLOSED
 * source   : sigaction(2); asyncio's add_signal_handler
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_add_signal(ioloop_t *loop, int32_t signum, ioloop_signal_fn fn, void *ctx,
                                     ioloop_free_fn free_ctx);

/* Stops watching a signal.
 *
 * owner    : runs free_ctx before it returns (inside fn itself: after fn returned)
 * thread   : [loop], inside callbacks: yes
 * returns  : IOLOOP_OK; IOLOOP_ENOENT
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_remove_signal(ioloop_t *loop, int32_t signum);

/* The clock that timeouts use, read now.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * returns  : nanoseconds, monotonic
 * source   : IOLoop.time; clock_gettime(2), CLOCK_MONOTONIC
 * since    : 0.1
 */
IOLOOP_API int64_t ioloop_clock_ns(void);

/* The clock as the loop read it last: once a turn, after the wait.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : nanoseconds, monotonic; a negative status on misuse
 * since    : 0.1
 */
IOLOOP_API int64_t ioloop_now_ns(ioloop_t *loop);

/* A descriptor that becomes readable when the loop has something to do: ready descriptors, due timeouts, queued
 * callbacks. Watch it in a foreign loop and call ioloop_run_once(loop, 0) or ioloop_poll(loop, events, n, 0) then.
 *
 * owner    : the descriptor stays the loop's; do not read, write or close it
 * thread   : [loop]
 * returns  : the descriptor; IOLOOP_ENOTSUP with the poll backend; IOLOOP_ENFILE; IOLOOP_ESYS
 * source   : uv_backend_fd, sd_event_get_fd
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_native_fd(ioloop_t *loop);

/* How long a foreign loop may wait before it must run a turn.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : nanoseconds from now; 0 when something is queued or due; IOLOOP_NEVER when only descriptors can wake the
 *            loop; another negative status on misuse
 * since    : 0.1
 */
IOLOOP_API int64_t ioloop_next_timeout_ns(ioloop_t *loop);

/* The poller in use: "epoll" or "poll".
 *
 * owner    : static text; "" for a handle that is none
 * thread   : [any]
 * since    : 0.1
 */
IOLOOP_API const char *ioloop_backend_name(ioloop_t *loop);

/* Copies the loop's counters.
 *
 * owner    : borrows out_stats, whose size member says how much to fill
 * thread   : [loop]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL for a size this library does not know
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_get_stats(ioloop_t *loop, ioloop_stats_t *out_stats);

/* Why the last failing call on this loop failed.
 *
 * owner    : borrows out_info, whose size member says how much to fill
 * thread   : [loop]
 * returns  : IOLOOP_OK; IOLOOP_EINVAL
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_error(ioloop_t *loop, ioloop_error_info_t *out_info);

#ifdef __cplusplus
}
#endif

#endif
