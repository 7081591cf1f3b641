// Version, features and status texts of the C ABI.
#include "ioloop/base.h"

#include <cstring>

#include "base/memory.h"
#include "boundary.h"
#include "os/error.h"

namespace {

struct StatusEntry {
    int32_t status;
    const char *name;
    const char *text;
};

constexpr StatusEntry entries[] = {
    {IOLOOP_OK, "OK", "success"},
    {IOLOOP_MORE, "MORE", "a piece; further pieces follow"},
    {IOLOOP_EINVAL, "EINVAL", "invalid argument"},
    {IOLOOP_ENOMEM, "ENOMEM", "out of memory"},
    {IOLOOP_ENOTSUP, "ENOTSUP", "not supported by this build or this object"},
    {IOLOOP_ESTATE, "ESTATE", "not possible in this phase"},
    {IOLOOP_EBUSY, "EBUSY", "an operation of this kind is already pending"},
    {IOLOOP_ENOENT, "ENOENT", "nothing is registered under this name"},
    {IOLOOP_EEXIST, "EEXIST", "already registered"},
    {IOLOOP_EHANDLE, "EHANDLE", "stale handle, or a handle of another kind"},
    {IOLOOP_ETHREAD, "ETHREAD", "called on a thread that does not own the loop"},
    {IOLOOP_EFORKED, "EFORKED", "the loop belongs to the parent process"},
    {IOLOOP_ECLOSED, "ECLOSED", "closed on this side"},
    {IOLOOP_EEOF, "EEOF", "the peer ended its data"},
    {IOLOOP_ERESET, "ERESET", "connection broken"},
    {IOLOOP_ETRUNCATED, "ETRUNCATED", "the secure stream ended without a goodbye"},
    {IOLOOP_ETIMEDOUT, "ETIMEDOUT", "the deadline passed"},
    {IOLOOP_ECANCELED, "ECANCELED", "cancelled"},
    {IOLOOP_ETOOLONG, "ETOOLONG", "no match within the limit of this read"},
    {IOLOOP_EFULL, "EFULL", "a buffer, queue or table is full"},
    {IOLOOP_EREGEX, "EREGEX", "the pattern needs more work than its bound allows"},
    {IOLOOP_EREFUSED, "EREFUSED", "connection refused"},
    {IOLOOP_EUNREACH, "EUNREACH", "host or network unreachable"},
    {IOLOOP_EADDR, "EADDR", "not a usable address"},
    {IOLOOP_EADDRINUSE, "EADDRINUSE", "address in use"},
    {IOLOOP_EADDRNOTAVAIL, "EADDRNOTAVAIL", "not an address of this machine"},
    {IOLOOP_EACCESS, "EACCESS", "permission denied"},
    {IOLOOP_ERESOLVE, "ERESOLVE", "the name could not be resolved"},
    {IOLOOP_ENFILE, "ENFILE", "no descriptor left"},
    {IOLOOP_ETLS, "ETLS", "the secure layer failed"},
    {IOLOOP_ESYS, "ESYS", "system error"},
    {IOLOOP_EINTERNAL, "EINTERNAL", "internal error of the library"},
};

const StatusEntry *find(int32_t status) {
    for (const StatusEntry &entry : entries) {
        if (entry.status == status) return &entry;
    }
    return nullptr;
}

}  // namespace

namespace ioloop::capi {

int32_t fill_error(ioloop_error_info_t *out, Status status, int system_errno) {
    if (!out || out->size < smallest_struct || out->size > largest_struct) return IOLOOP_EINVAL;
    ioloop_error_info_t info{};
    info.size = out->size;
    info.status = status;
    info.system_errno = system_errno;
    info.text = system_errno != 0 ? os::error_text(system_errno) : ioloop_status_text(status);
    const size_t size = out->size;
    std::memset(out, 0, size);
    std::memcpy(out, &info, size < sizeof info ? size : sizeof info);
    return IOLOOP_OK;
}

}  // namespace ioloop::capi

extern "C" {

int32_t ioloop_version(void) { return IOLOOP_VERSION; }

const char *ioloop_version_text(void) { return IOLOOP_VERSION_TEXT; }

int32_t ioloop_has_feature(int32_t feature) {
    switch (feature) {
#if defined(IOLOOP_REGEX)
        case IOLOOP_FEATURE_REGEX:
#endif
        case IOLOOP_FEATURE_EPOLL:
        case IOLOOP_FEATURE_POLL:
        case IOLOOP_FEATURE_NATIVE_FD:
            return 1;
        default:
            return 0;
    }
}

const char *ioloop_status_name(int32_t status) {
    const StatusEntry *entry = find(status);
    return entry ? entry->name : "EUNKNOWN";
}

const char *ioloop_status_text(int32_t status) {
    const StatusEntry *entry = find(status);
    return entry ? entry->text : "unknown status";
}

uint64_t ioloop_memory_bytes(void) { return ioloop::memory_in_use(); }

}  // extern "C"
