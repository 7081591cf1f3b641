// The C ABI of ioloop/stream.h: making streams, connecting, closing, asking.
#include "boundary.h"
#include "os/address.h"
#include "os/error.h"
#include "os/socket.h"

using namespace ioloop;
using namespace ioloop::capi;

namespace {

constexpr uint64_t mebibyte = uint64_t{1} << 20;

iostream_options_t default_options() {
    iostream_options_t options{};
    options.size = sizeof options;
    options.max_read_buffer = 16 * mebibyte;
    options.max_write_buffer = 16 * mebibyte;
    options.read_timeout_ns = IOLOOP_NEVER;
    options.write_timeout_ns = IOLOOP_NEVER;
    options.connect_timeout_ns = 30'000'000'000;
    return options;
}

iostream_t *handle(Stream *stream) { return static_cast<iostream_t *>(handle_of(stream)); }

int32_t connect_to(Stream &stream, bool parsed, const os::Address &address, UserCall<iostream_connect_fn> call) {
    return parsed ? stream.connect(address, call) : refuse(call, IOLOOP_EADDR);
}

}  // namespace

namespace ioloop::capi {

bool read_stream_options(iostream_options_t *out, const iostream_options_t *given) {
    *out = default_options();
    return read_options(out, given) && !(out->flags & ~uint32_t{IOSTREAM_HALF_OPEN}) && out->max_read_buffer != 0 &&
           out->read_timeout_ns >= IOLOOP_NEVER && out->write_timeout_ns >= IOLOOP_NEVER &&
           out->connect_timeout_ns >= IOLOOP_NEVER;
}

}  // namespace ioloop::capi

extern "C" {

int32_t iostream_options_init(iostream_options_t *options, size_t size) {
    return write_options(options, size, default_options());
}

int32_t iostream_options_init_tornado(iostream_options_t *options, size_t size) {
    iostream_options_t tornado = default_options();
    tornado.max_read_buffer = 100 * mebibyte;
    tornado.max_write_buffer = UINT64_MAX;
    tornado.connect_timeout_ns = IOLOOP_NEVER;
    return write_options(options, size, tornado);
}

int32_t iostream_new(iostream_t **out_stream, ioloop_t *loop, int fd, const iostream_options_t *given) {
    if (!out_stream) return IOLOOP_EINVAL;
    *out_stream = nullptr;
    return with(loop, [&](Loop &object) -> int32_t {
        iostream_options_t options;
        if (fd < -1 || !read_stream_options(&options, given)) return IOLOOP_EINVAL;
        if (object.closed()) return IOLOOP_ECLOSED;
        ConfigRef config;
        if (!config.make_new(options)) return IOLOOP_ENOMEM;
        os::UniqueFd owned(fd);
        Stream *stream = nullptr;
        Status status = Stream::create(&stream, object, owned, config);
        if (status != IOLOOP_OK) {
            owned.release();  // it stays the caller's
            return status;
        }
        *out_stream = handle(stream);
        return IOLOOP_OK;
    });
}

int32_t iostream_new_pair(iostream_t **out_stream, iostream_t **out_other, ioloop_t *loop,
                          const iostream_options_t *given) {
    if (!out_stream || !out_other) return IOLOOP_EINVAL;
    *out_stream = *out_other = nullptr;
    return with(loop, [&](Loop &object) -> int32_t {
        iostream_options_t options;
        if (!read_stream_options(&options, given)) return IOLOOP_EINVAL;
        if (object.closed()) return IOLOOP_ECLOSED;
        ConfigRef config;
        if (!config.make_new(options)) return IOLOOP_ENOMEM;
        auto sockets = os::open_socket_pair();
        if (!sockets.ok()) {
            object.remember_error(os::to_status(sockets.error), sockets.error);
            return object.last_status;
        }
        Stream *first = nullptr, *second = nullptr;
        Status status = Stream::create(&first, object, sockets.value.first, config);
        if (status == IOLOOP_OK) status = Stream::create(&second, object, sockets.value.second, config);
        if (status != IOLOOP_OK) {
            if (first) first->free();
            return status;
        }
        *out_stream = handle(first);
        *out_other = handle(second);
        return IOLOOP_OK;
    });
}

void iostream_free(iostream_t *stream) {
    with(stream, [](Stream &object) -> int32_t { return object.free(), IOLOOP_OK; });
}

int32_t iostream_connect(iostream_t *stream, const char *host, size_t host_size, uint16_t port,
                         iostream_connect_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<iostream_connect_fn> call{fn, ctx, free_ctx};
    return with_call(stream, call, [&](Stream &object) -> int32_t {
        if (port == 0 || (!host && host_size != 0)) return refuse(call, IOLOOP_EINVAL);
        os::Address address;
        const bool parsed = os::parse_numeric({host, host_size}, port, &address);
        return connect_to(object, parsed, address, call);
    });
}

int32_t iostream_connect_unix(iostream_t *stream, const char *path, size_t path_size, iostream_connect_fn fn,
                              void *ctx, ioloop_free_fn free_ctx) {
    UserCall<iostream_connect_fn> call{fn, ctx, free_ctx};
    return with_call(stream, call, [&](Stream &object) -> int32_t {
        if (!path && path_size != 0) return refuse(call, IOLOOP_EINVAL);
        os::Address address;
        const bool parsed = os::parse_local({path, path_size}, &address);
        return connect_to(object, parsed, address, call);
    });
}

int32_t iostream_close(iostream_t *stream) {
    return with(stream, [](Stream &object) -> int32_t { return object.close(IOLOOP_ECLOSED), IOLOOP_OK; });
}

int32_t iostream_close_graceful(iostream_t *stream, int64_t timeout_ns) {
    return with(stream, [&](Stream &object) { return object.close_graceful(timeout_ns); });
}

int32_t iostream_set_close_callback(iostream_t *stream, iostream_close_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<iostream_close_fn> call{fn, ctx, free_ctx};
    return with_call(stream, call, [&](Stream &object) { return object.set_close_callback(call); });
}

int32_t iostream_set_timeout(iostream_t *stream, uint32_t which, int64_t timeout_ns) {
    return with(stream, [&](Stream &object) { return object.set_timeout(which, timeout_ns); });
}

int32_t iostream_set_limits(iostream_t *stream, uint64_t max_read_buffer, uint64_t max_write_buffer) {
    return with(stream, [&](Stream &object) { return object.set_limits(max_read_buffer, max_write_buffer); });
}

int32_t iostream_set_nodelay(iostream_t *stream, int32_t on) {
    return with(stream, [&](Stream &object) -> int32_t {
        return on == 0 || on == 1 ? object.set_nodelay(on == 1) : IOLOOP_EINVAL;
    });
}

int32_t iostream_fileno(iostream_t *stream) {
    return with(stream, [](Stream &object) -> int32_t { return object.fd() >= 0 ? object.fd() : IOLOOP_ECLOSED; });
}

int32_t iostream_reading(iostream_t *stream) {
    return with(stream, [](Stream &object) -> int32_t { return object.reading(); });
}

int32_t iostream_writing(iostream_t *stream) {
    return with(stream, [](Stream &object) -> int32_t { return object.writing(); });
}

int32_t iostream_closed(iostream_t *stream) {
    return with(stream, [](Stream &object) -> int32_t { return object.closed(); });
}

uint64_t iostream_read_buffered(iostream_t *stream) {
    uint64_t bytes = 0;
    with(stream, [&](Stream &object) -> int32_t { return bytes = object.read_buffered(), IOLOOP_OK; });
    return bytes;
}

uint64_t iostream_write_buffered(iostream_t *stream) {
    uint64_t bytes = 0;
    with(stream, [&](Stream &object) -> int32_t { return bytes = object.write_buffered(), IOLOOP_OK; });
    return bytes;
}

int32_t iostream_error(iostream_t *stream, ioloop_error_info_t *out_info) {
    return with(stream, [&](Stream &object) { return fill_error(out_info, object.last_status, object.last_errno); });
}

}  // extern "C"
