// The C ABI of ioloop/server.h.
#include "boundary.h"

using namespace ioloop;
using namespace ioloop::capi;

namespace {

ioserver_options_t default_options() {
    ioserver_options_t options{};
    options.size = sizeof options;
    options.backlog = 4096;
    options.accept_budget = 16;
    options.max_undelivered = 256;
    return options;
}

bool good(const ioserver_options_t &options) {
    return options.backlog != 0 && options.backlog <= INT32_MAX && options.accept_budget != 0 &&
           options.max_undelivered != 0 && options.reserved == 0;
}

}  // namespace

extern "C" {

int32_t ioserver_options_init(ioserver_options_t *options, size_t size) {
    return write_options(options, size, default_options());
}

int32_t ioserver_new(ioserver_t **out_server, ioloop_t *loop, const ioserver_options_t *given,
                     const iostream_options_t *stream_options, ioserver_accept_fn fn, void *ctx,
                     ioloop_free_fn free_ctx) {
    UserCall<ioserver_accept_fn> call{fn, ctx, free_ctx};
    if (!out_server) return refuse(call, IOLOOP_EINVAL);
    *out_server = nullptr;
    return with_call(loop, call, [&](Loop &object) -> int32_t {
        ioserver_options_t options = default_options();
        iostream_options_t accepted;
        if (!read_options(&options, given) || !good(options) || !read_stream_options(&accepted, stream_options)) {
            return refuse(call, IOLOOP_EINVAL);
        }
        if (object.closed()) return refuse(call, IOLOOP_ECLOSED);
        ConfigRef config;
        if (!config.make_new(accepted)) return refuse(call, IOLOOP_ENOMEM);
        Server *server = nullptr;
        Status status = Server::create(&server, object, options, config, call);
        if (status == IOLOOP_OK) *out_server = static_cast<ioserver_t *>(handle_of(server));
        return status;
    });
}

int32_t ioserver_listen(ioserver_t *server, uint16_t *out_port, const char *host, size_t host_size, uint16_t port) {
    return with(server, [&](Server &object) -> int32_t {
        if (!host && host_size != 0) return IOLOOP_EINVAL;
        return object.listen(out_port, {host ? host : "", host_size}, port);
    });
}

int32_t ioserver_listen_unix(ioserver_t *server, const char *path, size_t path_size, uint32_t mode) {
    return with(server, [&](Server &object) -> int32_t {
        if ((!path && path_size != 0) || mode > 07777) return IOLOOP_EINVAL;
        return object.listen_unix({path ? path : "", path_size}, mode);
    });
}

int32_t ioserver_listen_fd(ioserver_t *server, int fd) {
    return with(server, [&](Server &object) { return object.listen_fd(fd); });
}

int32_t ioserver_pause(ioserver_t *server) {
    return with(server, [](Server &object) { return object.pause(true); });
}

int32_t ioserver_resume(ioserver_t *server) {
    return with(server, [](Server &object) { return object.pause(false); });
}

int32_t ioserver_stop(ioserver_t *server) {
    return with(server, [](Server &object) -> int32_t { return object.stop(), IOLOOP_OK; });
}

void ioserver_free(ioserver_t *server) {
    with(server, [](Server &object) -> int32_t { return object.free(), IOLOOP_OK; });
}

int32_t ioserver_connections(ioserver_t *server) {
    return with(server, [](Server &object) -> int32_t {
        return object.connections() > INT32_MAX ? INT32_MAX : static_cast<int32_t>(object.connections());
    });
}

int32_t ioserver_error(ioserver_t *server, ioloop_error_info_t *out_info) {
    return with(server, [&](Server &object) { return fill_error(out_info, object.last_status, object.last_errno); });
}

}  // extern "C"
