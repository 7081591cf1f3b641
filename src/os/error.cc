#include "os/error.h"

#include <errno.h>
#include <string.h>

#include "ioloop/base.h"

namespace ioloop::os {

const int out_of_memory = ENOMEM;
const int cannot_poll = EPERM;

Status to_status(int error) {
    switch (error) {
        case 0: return IOLOOP_OK;
        case ENOMEM:
        case ENOBUFS: return IOLOOP_ENOMEM;
        case EOPNOTSUPP:
        case ENOSYS: return IOLOOP_ENOTSUP;
        case ENOENT: return IOLOOP_ENOENT;
        case EEXIST: return IOLOOP_EEXIST;
        case ECANCELED: return IOLOOP_ECANCELED;
        case ECONNRESET:
        case ECONNABORTED:
        case ENETRESET:
        case EPIPE:
        case ENOTCONN:
        case ESHUTDOWN: return IOLOOP_ERESET;
        case ETIMEDOUT: return IOLOOP_ETIMEDOUT;
        case ECONNREFUSED: return IOLOOP_EREFUSED;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN:
        case ENONET: return IOLOOP_EUNREACH;
        case EAFNOSUPPORT:
        case EDESTADDRREQ: return IOLOOP_EADDR;
        case EADDRINUSE: return IOLOOP_EADDRINUSE;
        case EADDRNOTAVAIL: return IOLOOP_EADDRNOTAVAIL;
        case EACCES:
        case EPERM: return IOLOOP_EACCESS;
        case EMFILE:
        case ENFILE: return IOLOOP_ENFILE;
        default: return IOLOOP_ESYS;
    }
}

const char *error_text(int error) {
    if (error == 0) return "no error";
    // The one call whose text is static and independent of the locale.
    const char *text = strerrordesc_np(error);
    return text ? text : "unknown system error";
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

bool interrupted(int error) { return error == EINTR; }

bool connect_in_progress(int error) {
    // An interrupted connect goes on in the background; asking again would only tell EALREADY.
    return error == EINPROGRESS || error == EALREADY || error == EINTR;
}

bool already_connected(int error) { return error == EISCONN; }

bool no_such_file(int error) { return error == ENOENT; }

bool connection_lost(int error) {
    switch (error) {
        case ECONNRESET:
        case ECONNABORTED:
        case ENETRESET:
        case EPIPE:
        case ENOTCONN:
        case ESHUTDOWN:
        case ETIMEDOUT:
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN: return true;
        default: return false;
    }
}

bool exhausted(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

bool accept_may_go_on(int error) {
    switch (error) {
        case ECONNABORTED:
        case ECONNRESET:
        case EPROTO:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case EPERM:  // a firewall rule
        case ETIMEDOUT:
        case ENONET:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH: return true;
        default: return false;
    }
}

bool short_of_buffers(int error) { return error == ENOBUFS || error == ENOMEM; }

}  // namespace ioloop::os
