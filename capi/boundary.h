// What every function of the C ABI does first: checks its handle and options, and lets no exception out.
#pragma once

#include <cstring>
#include <new>
#include <type_traits>

#include "base/object_pool.h"
#include "ioloop/ioloop.h"
#include "loop/loop.h"
#include "stream/server.h"
#include "stream/stream.h"

namespace ioloop::capi {

inline Loop *loop_of(Loop &loop) { return &loop; }
inline Loop *loop_of(Stream &stream) { return &stream.loop(); }
inline Loop *loop_of(Server &server) { return &server.loop(); }

template <class Handle>
struct ObjectOf;
template <>
struct ObjectOf<ioloop_t> {
    using type = Loop;
};
template <>
struct ObjectOf<iostream_t> {
    using type = Stream;
};
template <>
struct ObjectOf<ioserver_t> {
    using type = Server;
};

// Whether the handle may be used here and now: IOLOOP_OK, or why not.
template <class Handle>
Status check(Handle *handle) {
    using Object = typename ObjectOf<Handle>::type;
    if (!handle) return IOLOOP_EINVAL;
    if (!alive(handle, Object::pool.magic())) return IOLOOP_EHANDLE;
    return loop_of(*object_of<Object>(handle))->check_caller();
}

// Runs f(object) if the handle is good. Whatever f throws becomes a status.
template <class Handle, class F>
auto with(Handle *handle, F f) noexcept {
    using Object = typename ObjectOf<Handle>::type;
    using Value = std::conditional_t<std::is_same_v<std::invoke_result_t<F, Object &>, int64_t>, int64_t, int32_t>;
    const Status status = check(handle);
    if (status != IOLOOP_OK) return Value{status};
    try {
        return Value{f(*object_of<Object>(handle))};
    } catch (const std::bad_alloc &) {
        return Value{IOLOOP_ENOMEM};
    } catch (...) {
        return Value{IOLOOP_EINTERNAL};
    }
}

// The same where a call was given: its ctx is dropped if f is not reached. f disposes of it otherwise.
template <class Handle, class Fn, class F>
int32_t with_call(Handle *handle, const UserCall<Fn> &call, F f) noexcept {
    bool reached = false;
    const int32_t status = with(handle, [&](auto &object) {
        reached = true;
        return f(object);
    });
    if (!reached && call.free_ctx) call.free_ctx(call.ctx);
    return status;
}

// A refused call: drops the ctx, gives the status.
template <class Fn>
int32_t refuse(UserCall<Fn> call, Status status) {
    call.drop();
    return status;
}

// Sizes of structs that can be told from garbage: from the size member and what follows it up to a page.
inline constexpr size_t smallest_struct = 8;
inline constexpr size_t largest_struct = 4096;

// Reads an option struct: `given` may be shorter than ours (the rest keeps its default), or longer if what we do not
// know is zero. False when it is neither.
template <class Options>
bool read_options(Options *out, const Options *given) {
    if (!given) return true;
    const size_t size = given->size;
    if (size < smallest_struct || size > largest_struct) return false;
    const auto *bytes = reinterpret_cast<const unsigned char *>(given);
    for (size_t i = sizeof(Options); i < size; ++i) {
        if (bytes[i] != 0) return false;
    }
    std::memcpy(out, given, size < sizeof(Options) ? size : sizeof(Options));
    out->size = sizeof(Options);
    return true;
}

// Writes the defaults into the user's struct, which may be of an older or a newer header.
template <class Options>
int32_t write_options(Options *out, size_t size, const Options &defaults) {
    if (!out || size < smallest_struct || size > largest_struct) return IOLOOP_EINVAL;
    std::memset(out, 0, size);
    std::memcpy(out, &defaults, size < sizeof(Options) ? size : sizeof(Options));
    out->size = static_cast<uint32_t>(size);
    return IOLOOP_OK;
}

bool read_stream_options(iostream_options_t *out, const iostream_options_t *given);
int32_t fill_error(ioloop_error_info_t *out, Status status, int system_errno);

}  // namespace ioloop::capi
