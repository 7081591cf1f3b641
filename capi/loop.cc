// The C ABI of ioloop/loop.h and ioloop/event.h.
#include "boundary.h"
#include "os/clock.h"
#include "os/error.h"

using namespace ioloop;
using namespace ioloop::capi;

namespace {

constexpr uint32_t most_events = 65536;
constexpr uint32_t handler_bits = IOLOOP_READ | IOLOOP_WRITE | IOLOOP_ERROR;

ioloop_options_t default_options() {
    ioloop_options_t options{};
    options.size = sizeof options;
    options.backend = IOLOOP_BACKEND_AUTO;
    options.chunk_size = 65536;
    options.max_pooled_chunks = 64;
    options.turn_read_bytes = 262144;
    options.turn_callbacks = 16384;
    options.max_posted = 1048576;
    return options;
}

bool good(const ioloop_options_t &options) {
    return options.backend <= IOLOOP_BACKEND_POLL && options.chunk_size >= 4096 && options.chunk_size <= 1048576 &&
           options.turn_read_bytes != 0 && options.turn_callbacks != 0 && options.max_posted != 0 &&
           options.max_posted <= 0x40000000 && options.reserved == 0;
}

// For functions of any thread: the handle only.
Loop *any_thread(ioloop_t *loop) {
    return alive(loop, Loop::pool.magic()) ? object_of<Loop>(loop) : nullptr;
}

int32_t bad_handle(const ioloop_t *loop) { return loop ? IOLOOP_EHANDLE : IOLOOP_EINVAL; }

template <class F>
int32_t run(ioloop_t *loop, F f) noexcept {
    Loop *object = any_thread(loop);
    if (!object) return bad_handle(loop);
    try {
        return f(*object);
    } catch (const std::bad_alloc &) {
        return IOLOOP_ENOMEM;
    } catch (...) {
        return IOLOOP_EINTERNAL;
    }
}

}  // namespace

extern "C" {

int32_t ioloop_options_init(ioloop_options_t *options, size_t size) {
    return write_options(options, size, default_options());
}

int32_t ioloop_new(ioloop_t **out_loop, const ioloop_options_t *given) {
    if (!out_loop) return IOLOOP_EINVAL;
    *out_loop = nullptr;
    ioloop_options_t options = default_options();
    if (!read_options(&options, given) || !good(options)) return IOLOOP_EINVAL;
    Loop *loop = nullptr;
    int system_errno = 0;
    Status status = Loop::create(&loop, options, &system_errno);
    if (status == IOLOOP_OK) *out_loop = static_cast<ioloop_t *>(handle_of(loop));
    return status;
}

int32_t ioloop_close(ioloop_t *loop, uint32_t flags) {
    return with(loop, [&](Loop &object) -> int32_t {
        if (flags & ~uint32_t{IOLOOP_CLOSE_FDS}) return IOLOOP_EINVAL;
        object.close(flags & IOLOOP_CLOSE_FDS, IOLOOP_ECANCELED);
        return IOLOOP_OK;
    });
}

void ioloop_free(ioloop_t *loop) {
    Loop *object = any_thread(loop);
    if (object && object->check_caller() != IOLOOP_ETHREAD) object->free();
}

int32_t ioloop_start(ioloop_t *loop) {
    return run(loop, [](Loop &object) { return object.start(); });
}

int32_t ioloop_stop(ioloop_t *loop) {
    Loop *object = any_thread(loop);
    return object ? object->stop() : bad_handle(loop);
}

int32_t ioloop_run_once(ioloop_t *loop, int64_t timeout_ns) {
    if (timeout_ns < IOLOOP_NEVER) return IOLOOP_EINVAL;
    return run(loop, [&](Loop &object) { return object.run_once(timeout_ns); });
}

int32_t ioloop_poll(ioloop_t *loop, ioloop_event_t *events, uint32_t capacity, int64_t timeout_ns) {
    if (!events || capacity == 0 || timeout_ns < IOLOOP_NEVER) return IOLOOP_EINVAL;
    const uint32_t most = capacity < most_events ? capacity : most_events;
    return run(loop, [&](Loop &object) { return object.poll(events, most, timeout_ns); });
}

int32_t ioloop_running(ioloop_t *loop) {
    Loop *object = any_thread(loop);
    return object ? object->running() : bad_handle(loop);
}

int32_t ioloop_wake(ioloop_t *loop) {
    Loop *object = any_thread(loop);
    return object ? object->inbox.wake() : bad_handle(loop);
}

int32_t ioloop_add_handler(ioloop_t *loop, int fd, uint32_t events, ioloop_handler_fn fn, void *ctx,
                           ioloop_free_fn free_ctx) {
    UserCall<ioloop_handler_fn> call{fn, ctx, free_ctx};
    return with_call(loop, call, [&](Loop &object) -> int32_t {
        if (fd < 0 || events & ~handler_bits) return refuse(call, IOLOOP_EINVAL);
        if (object.closed()) return refuse(call, IOLOOP_ECLOSED);
        return object.handlers.add(fd, events, call);
    });
}

int32_t ioloop_update_handler(ioloop_t *loop, int fd, uint32_t events) {
    return with(loop, [&](Loop &object) -> int32_t {
        if (events & ~handler_bits) return IOLOOP_EINVAL;
        return object.closed() ? IOLOOP_ECLOSED : object.handlers.update(fd, events);
    });
}

int32_t ioloop_remove_handler(ioloop_t *loop, int fd) {
    return with(loop, [&](Loop &object) { return object.handlers.remove(fd); });
}

int32_t ioloop_add_callback(ioloop_t *loop, ioloop_callback_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<ioloop_callback_fn> call{fn, ctx, free_ctx};
    Loop *object = any_thread(loop);
    return object ? object->post(call) : refuse(call, bad_handle(loop));
}

int32_t ioloop_add_callback_from_signal(ioloop_t *loop, ioloop_callback_fn fn, void *ctx) {
    Loop *object = any_thread(loop);
    return object ? object->inbox.post_from_signal(fn, ctx) : bad_handle(loop);
}

int32_t ioloop_call_at(ioloop_t *loop, uint64_t *out_timeout, int64_t deadline_ns, ioloop_callback_fn fn, void *ctx,
                       ioloop_free_fn free_ctx) {
    UserCall<ioloop_callback_fn> call{fn, ctx, free_ctx};
    return with_call(loop, call, [&](Loop &object) -> int32_t {
        if (deadline_ns < 0) return refuse(call, IOLOOP_EINVAL);
        if (object.closed()) return refuse(call, IOLOOP_ECLOSED);
        return object.timeouts.call_at(out_timeout, deadline_ns, call);
    });
}

int32_t ioloop_call_later(ioloop_t *loop, uint64_t *out_timeout, int64_t delay_ns, ioloop_callback_fn fn, void *ctx,
                          ioloop_free_fn free_ctx) {
    UserCall<ioloop_callback_fn> call{fn, ctx, free_ctx};
    return with_call(loop, call, [&](Loop &object) -> int32_t {
        if (delay_ns < 0) return refuse(call, IOLOOP_EINVAL);
        if (object.closed()) return refuse(call, IOLOOP_ECLOSED);
        const int64_t now = os::monotonic_ns();
        return object.timeouts.call_at(out_timeout, delay_ns > INT64_MAX - now ? INT64_MAX : now + delay_ns, call);
    });
}

int32_t ioloop_update_timeout(ioloop_t *loop, uint64_t timeout, int64_t deadline_ns) {
    return with(loop, [&](Loop &object) -> int32_t {
        return deadline_ns < 0 ? IOLOOP_EINVAL : object.timeouts.update(timeout, deadline_ns);
    });
}

int32_t ioloop_remove_timeout(ioloop_t *loop, uint64_t timeout) {
    return with(loop, [&](Loop &object) { return object.timeouts.remove(timeout); });
}

int32_t ioloop_add_signal(ioloop_t *loop, int32_t signum, ioloop_signal_fn fn, void *ctx, ioloop_free_fn free_ctx) {
    UserCall<ioloop_signal_fn> call{fn, ctx, free_ctx};
    return with_call(loop, call, [&](Loop &object) -> int32_t {
        return object.closed() ? refuse(call, IOLOOP_ECLOSED) : object.signals.add(signum, call);
    });
}

int32_t ioloop_remove_signal(ioloop_t *loop, int32_t signum) {
    return with(loop, [&](Loop &object) { return object.signals.remove(signum); });
}

int64_t ioloop_clock_ns(void) { return os::monotonic_ns(); }

int64_t ioloop_now_ns(ioloop_t *loop) {
    return with(loop, [](Loop &object) { return object.now_ns(); });
}

int32_t ioloop_native_fd(ioloop_t *loop) {
    return with(loop, [](Loop &object) { return object.native_fd(); });
}

int64_t ioloop_next_timeout_ns(ioloop_t *loop) {
    return with(loop, [](Loop &object) { return object.next_timeout_ns(); });
}

const char *ioloop_backend_name(ioloop_t *loop) {
    Loop *object = any_thread(loop);
    return object ? object->backend_name() : "";
}

int32_t ioloop_get_stats(ioloop_t *loop, ioloop_stats_t *out_stats) {
    return with(loop, [&](Loop &object) -> int32_t {
        if (!out_stats || out_stats->size < 16 || out_stats->size > sizeof *out_stats) return IOLOOP_EINVAL;
        object.fill_stats(out_stats);
        return IOLOOP_OK;
    });
}

int32_t ioloop_error(ioloop_t *loop, ioloop_error_info_t *out_info) {
    return with(loop, [&](Loop &object) { return fill_error(out_info, object.last_status, object.last_errno); });
}

}  // extern "C"
