// What error numbers of the system mean to the core. The only place that knows errno values.
#pragma once

#include "base/result.h"

namespace ioloop::os {

// For those above that have to name an error themselves: no memory, and a file that cannot be waited for.
extern const int out_of_memory;
extern const int cannot_poll;

// The status a user sees for an errno. 0 gives IOLOOP_OK; what has no number of its own gives IOLOOP_ESYS.
Status to_status(int error);

// One static sentence, never null.
const char *error_text(int error);

bool would_block(int error);
bool interrupted(int error);
bool connect_in_progress(int error);
bool already_connected(int error);
// A Unix address that nobody has bound.
bool no_such_file(int error);
// The connection is gone: reset, aborted, broken pipe, timed out, unreachable.
bool connection_lost(int error);
// No descriptor or memory left for a new connection: accepting must back off.
bool exhausted(int error);
// An error of the connection that accept would have returned, not of the listener: go on with the next one.
bool accept_may_go_on(int error);
// The system is short of buffers for the moment: try the send again later.
bool short_of_buffers(int error);

// Calls f again as long as a signal interrupts it.
template <class F>
auto retry(F f) {
    auto result = f();
    while (interrupted(result.error)) result = f();
    return result;
}

}  // namespace ioloop::os
