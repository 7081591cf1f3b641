/* ioloop/base.h - what every other header of libioloop builds on: the export mark, status numbers, event bits,
 * version and features.
 *
 * Conventions of the whole API (docs/c-api.md explains them):
 *   - Fallible functions return int32_t: 0 or a count is success, a negative number is an error (IOLOOP_E...).
 *   - Arguments come in this order: the object, out_ parameters, inputs, then fn, ctx, free_ctx. A length follows
 *     its pointer. A NULL pointer is allowed where its length is 0.
 *   - On failure out_ parameters are untouched, except pointer ones, which become NULL.
 *   - Ownership words: takes (ours from now on, even if the call fails), borrows (until the call returns), keeps
 *     (you hold it valid until the stated event), gives (you free it with the named function).
 *   - Thread words: [loop] only on the thread that runs the loop (a loop that has not run yet belongs to whoever
 *     calls it; the last thread that ran it owns it afterwards), [any] any thread, [signal] also in signal handlers.
 *   - Every [loop] function returns IOLOOP_ETHREAD on a wrong thread, IOLOOP_EFORKED in a child of the process that
 *     made the loop, and IOLOOP_EHANDLE for a handle that is stale or of another kind; these three, and
 *     IOLOOP_EINTERNAL for a defect of the library itself, are not repeated in each comment. A NULL object is
 *     IOLOOP_EINVAL.
 *   - fn, ctx, free_ctx: fn is never called inside the call that registered it, only on the loop's thread. free_ctx
 *     (may be NULL) is called exactly once: after the last call of fn, at removal, close or free, or before the
 *     registering call returns if that call fails. fn must not throw, unwind or longjmp.
 *   - fn == NULL sends the result to the loop's queue instead, with ctx as its tag: see ioloop/event.h.
 *   - Times are int64_t nanoseconds of the monotonic clock; names end in _ns; IOLOOP_NEVER (-1) means no limit.
 *   - Option structs begin with their size; fill them with the x_options_init function, NULL means the defaults.
 *
 * This header is C99 and C++20, needs no macro to use, and is readable by LuaJIT after preprocessing.
 */
#ifndef IOLOOP_BASE_H
#define IOLOOP_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define IOLOOP_API __attribute__((visibility("default")))
#else
#define IOLOOP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the header; ioloop_version() tells the version of the library. */
enum {
    IOLOOP_VERSION_MAJOR = 0,
    IOLOOP_VERSION_MINOR = 1,
    IOLOOP_VERSION_PATCH = 0,
    IOLOOP_VERSION = 100 /* major * 10000 + minor * 100 + patch */
};

/* Status numbers. The same on every system, never reused; new ones may appear, so keep a default branch. */
enum {
    IOLOOP_OK = 0,
    IOLOOP_MORE = 1, /* a piece of a streaming read; further pieces follow */

    /* Misuse: nothing was changed. */
    IOLOOP_EINVAL = -1,  /* an argument is NULL, out of range, or of the wrong size */
    IOLOOP_ENOMEM = -2,  /* memory could not be had; the object is as before */
    IOLOOP_ENOTSUP = -3, /* not built in, or not possible for this kind of object */
    IOLOOP_ESTATE = -4,  /* not in this phase: nested start, connect twice, read on an unconnected stream */
    IOLOOP_EBUSY = -5,   /* an operation of this kind is already pending */
    IOLOOP_ENOENT = -6,  /* nothing is registered under this descriptor, token or signal */
    IOLOOP_EEXIST = -7,  /* already registered */
    IOLOOP_EHANDLE = -8, /* the handle is stale or of another kind */
    IOLOOP_ETHREAD = -9, /* called on a thread that does not own the loop */
    IOLOOP_EFORKED = -10, /* the loop belongs to the parent process */

    /* Ends of operations. */
    IOLOOP_ECLOSED = -20,    /* the stream, server or loop was closed on this side */
    IOLOOP_EEOF = -21,       /* the peer ended its side in good order before the operation could complete */
    IOLOOP_ERESET = -22,     /* the connection was broken: reset, aborted, or no longer reachable */
    IOLOOP_ETRUNCATED = -23, /* the transport ended without the secure layer's goodbye (TLS) */
    IOLOOP_ETIMEDOUT = -24,  /* the deadline passed */
    IOLOOP_ECANCELED = -25,  /* cancelled by its owner, or by the closing loop */
    IOLOOP_ETOOLONG = -26,   /* no match within max_bytes */
    IOLOOP_EFULL = -27,      /* a buffer, queue or table limit was reached */
    IOLOOP_EREGEX = -28,     /* the pattern needs more work or memory than its bound allows */

    /* Addresses and connecting. */
    IOLOOP_EREFUSED = -40,      /* nobody listens there */
    IOLOOP_EUNREACH = -41,      /* no route to host or network */
    IOLOOP_EADDR = -42,         /* not an address of a supported kind */
    IOLOOP_EADDRINUSE = -43,    /* the address is taken */
    IOLOOP_EADDRNOTAVAIL = -44, /* the address is not one of this machine */
    IOLOOP_EACCESS = -45,       /* permission denied */
    IOLOOP_ERESOLVE = -46,      /* the name could not be resolved */
    IOLOOP_ENFILE = -47,        /* no descriptor left, in the process or in the system */

    IOLOOP_ETLS = -50,     /* the secure layer failed; ask the object for the reason */
    IOLOOP_ESYS = -60,     /* any other system error; ask the object for its errno */
    IOLOOP_EINTERNAL = -61 /* a defect of the library */
};

/* Event bits of handlers: Tornado's values. ERROR is reported with READ or WRITE whether asked for or not; alone it
 * reports only errors and hang-ups; NONE pauses a handler entirely. */
enum {
    IOLOOP_NONE = 0x000,
    IOLOOP_READ = 0x001,
    IOLOOP_WRITE = 0x004,
    IOLOOP_ERROR = 0x018
};

/* "No limit", where an argument or option says that it is allowed. */
enum { IOLOOP_NEVER = -1 };

/* Features for ioloop_has_feature. */
enum {
    IOLOOP_FEATURE_REGEX = 1,
    IOLOOP_FEATURE_TLS = 2,
    IOLOOP_FEATURE_EPOLL = 3,
    IOLOOP_FEATURE_POLL = 4,
    IOLOOP_FEATURE_NATIVE_FD = 5 /* ioloop_native_fd works on the default poller */
};

typedef struct ioloop_handle ioloop_t;
typedef struct iostream_handle iostream_t;
typedef struct ioserver_handle ioserver_t;

/* Releases a ctx, or memory given to iostream_write_owned. Runs on the loop's thread, except where a registering
 * call on another thread fails. */
typedef void (*ioloop_free_fn)(void *ctx);

/* Why something failed, in full. Set size before the call; text is never NULL and stays valid until the next call
 * on the same object. */
typedef struct ioloop_error_info {
    uint32_t size;        /* sizeof(ioloop_error_info_t) */
    int32_t status;       /* IOLOOP_OK when nothing failed */
    int32_t system_errno; /* errno of the failing system call, 0 when there is none */
    int32_t reserved;
    uint64_t tls_code; /* reason code of the TLS engine, 0 when there is none */
    const char *text;
} ioloop_error_info_t;

/* The library's version as one number, major * 10000 + minor * 100 + patch.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * returns  : the number; compare with IOLOOP_VERSION
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_version(void);

/* The library's version as text, "0.1.0".
 *
 * owner    : static text, never NULL
 * thread   : [any] [signal]
 * since    : 0.1
 */
IOLOOP_API const char *ioloop_version_text(void);

/* Whether a feature is built in. The set of exported symbols is the same either way; what is missing returns
 * IOLOOP_ENOTSUP.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * returns  : 1 yes, 0 no or unknown feature number
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_has_feature(int32_t feature);

/* The short name of a status: "OK", "MORE", "ECLOSED"; "EUNKNOWN" for a number that is none.
 *
 * owner    : static text, never NULL
 * thread   : [any] [signal]
 * since    : 0.1
 */
IOLOOP_API const char *ioloop_status_name(int32_t status);

/* One sentence about a status, for people.
 *
 * owner    : static text, never NULL
 * thread   : [any] [signal]
 * since    : 0.1
 */
IOLOOP_API const char *ioloop_status_text(int32_t status);

/* Bytes of memory that the library holds now for live objects of the whole process: loops, streams, buffers,
 * operations. Pooled buffer chunks count until their loop is freed; slots kept for reuse do not.
 *
 * owner    : nothing
 * thread   : [any] [signal]
 * returns  : bytes, 0 when nothing is alive
 * since    : 0.1
 */
IOLOOP_API uint64_t ioloop_memory_bytes(void);

#ifdef __cplusplus
}
#endif

#endif
