// The C ABI of ioloop/stream.h: reading and writing.
#include "boundary.h"

using namespace ioloop;
using namespace ioloop::capi;

namespace {

using ReadCall = UserCall<ReadOp::AnyFn>;
using Kind = ReadRequest::Kind;

template <class Fn>
ReadCall any(Fn fn, void *ctx, ioloop_free_fn free_ctx) {
    return {reinterpret_cast<ReadOp::AnyFn>(fn), ctx, free_ctx};
}

// Checks, sets the request up with f, starts it. valid: whether the arguments make sense.
template <class F>
int32_t read(iostream_t *stream, const ReadCall &call, bool valid, F f) noexcept {
    return with_call(stream, call, [&](Stream &object) -> int32_t {
        Status status = valid ? object.check_read() : IOLOOP_EINVAL;
        if (status == IOLOOP_OK) status = f(object);
        return status == IOLOOP_OK ? object.start_read(call) : refuse(call, status);
    });
}

int32_t write_call(iostream_t *stream, const iostream_piece_t *pieces, size_t count, iostream_write_fn fn, void *ctx,
                   ioloop_free_fn free_ctx) noexcept {
    UserCall<iostream_write_fn> call{fn, ctx, free_ctx};
    return with_call(stream, call, [&](Stream &object) -> int32_t {
        if (count > 65536 || (!pieces && count != 0)) return refuse(call, IOLOOP_EINVAL);
        for (size_t i = 0; i < count; ++i) {
            if (!pieces[i].data && pieces[i].size != 0) return refuse(call, IOLOOP_EINVAL);
        }
        const iostream_piece_t nothing{nullptr, 0};
        return count != 0 ? object.write(pieces, count, call) : object.write(&nothing, 1, call);
    });
}

}  // namespace

extern "C" {

int32_t iostream_read_until(iostream_t *stream, const void *delimiter, size_t delimiter_size, size_t max_bytes,
                            iostream_read_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), delimiter && delimiter_size != 0, [&](Stream &object) {
        return object.request().set_until(static_cast<const uint8_t *>(delimiter), delimiter_size, max_bytes);
    });
}

int32_t iostream_read_until_regex(iostream_t *stream, const char *pattern, size_t pattern_size, size_t max_bytes,
                                  iostream_read_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), pattern || pattern_size == 0, [&](Stream &object) {
        return object.request().set_regex(pattern, pattern_size, max_bytes);
    });
}

int32_t iostream_read_bytes(iostream_t *stream, size_t size, iostream_read_fn fn, void *ctx,
                            ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), true, [&](Stream &object) -> int32_t {
        if (size > object.max_read_buffer()) return IOLOOP_EFULL;
        return object.request().set_size(Kind::bytes, size), IOLOOP_OK;
    });
}

int32_t iostream_read_partial(iostream_t *stream, size_t max_bytes, iostream_read_fn fn, void *ctx,
                              ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), max_bytes != 0, [&](Stream &object) -> int32_t {
        return object.request().set_size(Kind::partial, max_bytes), IOLOOP_OK;
    });
}

int32_t iostream_read_into(iostream_t *stream, void *buffer, size_t size, iostream_read_into_fn fn, void *ctx,
                           ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), buffer || size == 0, [&](Stream &object) -> int32_t {
        return object.request().set_into(Kind::into, buffer, size), IOLOOP_OK;
    });
}

int32_t iostream_read_into_partial(iostream_t *stream, void *buffer, size_t size, iostream_read_into_fn fn, void *ctx,
                                   ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), buffer && size != 0, [&](Stream &object) -> int32_t {
        return object.request().set_into(Kind::into_partial, buffer, size), IOLOOP_OK;
    });
}

int32_t iostream_read_until_close(iostream_t *stream, iostream_read_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), true, [&](Stream &object) -> int32_t {
        return object.request().set_size(Kind::until_close, 0), IOLOOP_OK;
    });
}

int32_t iostream_read_chunks(iostream_t *stream, uint64_t max_bytes, iostream_read_fn fn, void *ctx,
                             ioloop_free_fn free_ctx) {
    return read(stream, any(fn, ctx, free_ctx), true, [&](Stream &object) -> int32_t {
        return object.request().set_size(Kind::chunks, max_bytes), IOLOOP_OK;
    });
}

int32_t iostream_cancel_read(iostream_t *stream) {
    return with(stream, [](Stream &object) { return object.cancel_read(); });
}

int32_t iostream_peek(iostream_t *stream, const uint8_t **out_data, size_t *out_size, size_t min_bytes) {
    if (out_data) *out_data = nullptr;
    return with(stream, [&](Stream &object) -> int32_t {
        return out_data && out_size ? object.peek(out_data, out_size, min_bytes) : IOLOOP_EINVAL;
    });
}

int32_t iostream_consume(iostream_t *stream, size_t size) {
    return with(stream, [&](Stream &object) { return object.consume(size); });
}

int32_t iostream_write(iostream_t *stream, const void *data, size_t size, iostream_write_fn fn, void *ctx,
                       ioloop_free_fn free_ctx) {
    const iostream_piece_t piece{data, size};
    return write_call(stream, &piece, 1, fn, ctx, free_ctx);
}

int32_t iostream_write_owned(iostream_t *stream, const void *data, size_t size, ioloop_free_fn release,
                             void *release_ctx, iostream_write_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<iostream_write_fn> call{fn, ctx, free_ctx};
    bool reached = false;
    const int32_t status = with_call(stream, call, [&](Stream &object) -> int32_t {
        if (!release || (!data && size != 0)) return refuse(call, IOLOOP_EINVAL);
        reached = true;
        return object.write_owned(data, size, release, release_ctx, call);
    });
    if (!reached && release) release(release_ctx);
    return status;
}

int32_t iostream_writev(iostream_t *stream, const iostream_piece_t *pieces, size_t count, iostream_write_fn fn,
                        void *ctx, ioloop_free_fn free_ctx) {
    return write_call(stream, pieces, count, fn, ctx, free_ctx);
}

int32_t iostream_flush(iostream_t *stream) {
    return with(stream, [](Stream &object) { return object.flush_now(); });
}

int32_t iostream_close_write(iostream_t *stream, iostream_write_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<iostream_write_fn> call{fn, ctx, free_ctx};
    return with_call(stream, call, [&](Stream &object) { return object.close_write(call); });
}

}  // extern "C"
