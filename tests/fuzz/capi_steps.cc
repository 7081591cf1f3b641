// The game's calls on timeouts, handlers, streams and servers.
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "capi_game.h"

namespace fuzz {

namespace {

template <class Known>
void mark_stale(Known &known, const void *handle) {
    for (auto &each : known) {
        if (each.handle == handle) each.life = decltype(each.life)::stale;
    }
}

}  // namespace

void Game::step_timeout() {
    auto choice = loop();
    auto token = [&]() -> uint64_t {
        if (timeouts_.empty() || in_.pick(8) == 0) return in_.magnitude();
        return timeouts_[in_.pick(timeouts_.size())];
    };
    uint64_t made = 0;
    switch (in_.pick(4)) {
        case 0: {
            const int64_t at = in_.pick(4) == 0 ? -some_time() : some_time();
            known_status(ioloop_call_at(choice.handle, &made, at, pull() ? nullptr : on_callback, ctx(), forget));
            break;
        }
        case 1:
            known_status(ioloop_call_later(choice.handle, &made, some_time(), on_callback, ctx(), forget));
            break;
        case 2: return known_status(ioloop_update_timeout(choice.handle, token(), some_time()));
        default: return known_status(ioloop_remove_timeout(choice.handle, token()));
    }
    FUZZ_CHECK(made < uint64_t{1} << 53);
    if (made != 0) timeouts_.push_back(made);
}

void Game::step_handler() {
    auto choice = loop();
    const int fd = in_.pick(8) == 0 ? static_cast<int>(in_.pick(70)) - 2 : pipe_[in_.pick(2)];
    const bool own = fd == pipe_[0] || fd == pipe_[1];
    const auto events = static_cast<uint32_t>(in_.pick(32));
    switch (in_.pick(6)) {
        case 0:
        case 1:
            if (!own) return;
            return expect(choice, ioloop_add_handler(choice.handle, fd, events & (IOLOOP_READ | IOLOOP_WRITE),
                                                     pull() ? nullptr : on_handler, ctx(), forget));
        case 2: return known_status(ioloop_update_handler(choice.handle, fd, events));
        case 3:
            if (!own) return;
            return expect(choice, ioloop_remove_handler(choice.handle, fd));
        case 4: {
            char bytes[16] = {};
            const ssize_t n = in_.pick(2) ? write(pipe_[1], bytes, 7) : read(pipe_[0], bytes, sizeof bytes);
            return (void)n;
        }
        default: {
            const int signum = in_.pick(4) == 0 ? static_cast<int>(in_.pick(80)) - 4 : SIGUSR1;
            // The fuzzer's own signals stay what they are.
            if (signum != SIGUSR1 && signum > 0 && signum < 65 && signum != SIGKILL) return;
            if (in_.pick(2)) return known_status(ioloop_remove_signal(choice.handle, signum));
            return known_status(ioloop_add_signal(choice.handle, signum, pull() ? nullptr : on_signal, ctx(), forget));
        }
    }
}

void Game::step_new_stream() {
    auto choice = loop();
    iostream_options_t options;
    iostream_options_init(&options, sizeof options);
    if (in_.pick(3) == 0) options.flags = IOSTREAM_HALF_OPEN;
    if (in_.pick(3) == 0) options.max_read_buffer = 1 + in_.pick(5000);
    if (in_.pick(3) == 0) options.max_write_buffer = in_.pick(5000);
    if (in_.pick(4) == 0) options.read_timeout_ns = some_time();
    if (in_.pick(4) == 0) options.write_timeout_ns = some_time();
    if (in_.pick(16) == 0) spoil(options);
    if (streams_.size() > 12) return;
    iostream_t *made = nullptr, *other = nullptr;
    if (in_.pick(3) != 0) {
        const int32_t status = iostream_new_pair(&made, &other, choice.handle, &options);
        FUZZ_CHECK((status == IOLOOP_OK) == (made && other));
        expect(choice, status);
    } else {
        int pair[2] = {-1, -1};
        const size_t how = in_.pick(4);
        if (how < 2) FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        if (how == 2) pair[0] = static_cast<int>(in_.pick(3)) - 3;
        const int32_t status = iostream_new(&made, choice.handle, pair[0], how == 1 ? nullptr : &options);
        FUZZ_CHECK((status == IOLOOP_OK) == (made != nullptr));
        expect(choice, status);
        if (pair[0] >= 0 && status != IOLOOP_OK) close(pair[0]);
        // Without a peer it sees the end at once.
        if (pair[1] >= 0) close(pair[1]);
    }
    if (made) add_stream(made, choice.handle);
    if (other) add_stream(other, choice.handle);
}

void Game::step_connect() {
    auto choice = stream();
    if (in_.pick(2)) {
        std::string name = std::string(1, '\0') + "ioloop-fuzz-" + std::to_string(getpid());
        if (in_.pick(8) == 0) name = in_.bytes(120);
        // A file is never made: a path that is no such name cannot be connected to.
        return expect(choice, iostream_connect_unix(choice.handle, name.data(), name.size(), pull() ? nullptr : on_end,
                                                    ctx(), forget));
    }
    static const char *const hosts[] = {"127.0.0.1", "::1", "127.0.0.1", "127.1", "", "name", "1.2.3.4.5"};
    const std::string host = hosts[in_.pick(std::size(hosts))];
    expect(choice, iostream_connect(choice.handle, host.data(), host.size(), in_.pick(8) ? port_ : uint16_t{0},
                                    pull() ? nullptr : on_end, ctx(), forget));
}

void Game::step_read() {
    auto choice = stream();
    iostream_t *s = choice.handle;
    iostream_read_fn fn = pull() ? nullptr : on_read;
    iostream_read_into_fn into = fn ? on_read_into : nullptr;
    const size_t size = some_size();
    switch (in_.pick(10)) {
        case 0: {
            const std::string delimiter = in_.bytes(in_.pick(12));
            return expect(choice, iostream_read_until(s, delimiter.data(), delimiter.size(), in_.pick(40), fn, ctx(),
                                                      forget));
        }
        case 1: {
            static const char *const patterns[] = {"\n", "a+b", "(", "(a+)+$", ".*", ""};
            const char *pattern = patterns[in_.pick(std::size(patterns))];
            return expect(choice, iostream_read_until_regex(s, pattern, std::strlen(pattern), in_.pick(40), fn, ctx(),
                                                            forget));
        }
        case 2: return expect(choice, iostream_read_bytes(s, size, fn, ctx(), forget));
        case 3: return expect(choice, iostream_read_partial(s, size, fn, ctx(), forget));
        case 4:
        case 5: {
            const size_t room = in_.pick(20000);
            memory_.emplace_back(room, '?');
            char *place = room == 0 ? nullptr : memory_.back().data();
            return expect(choice, in_.pick(2) ? iostream_read_into(s, place, room, into, ctx(), forget)
                                              : iostream_read_into_partial(s, place, room, into, ctx(), forget));
        }
        case 6: return expect(choice, iostream_read_until_close(s, fn, ctx(), forget));
        case 7: return expect(choice, iostream_read_chunks(s, in_.pick(2) ? UINT64_MAX : size, fn, ctx(), forget));
        case 8: return expect(choice, iostream_cancel_read(s));
        default: {
            const uint8_t *data = nullptr;
            size_t there = 0;
            const int32_t status = iostream_peek(s, &data, &there, in_.pick(2000));
            expect(choice, status);
            if (status != IOLOOP_OK) return;
            FUZZ_CHECK(there <= iostream_read_buffered(s));
            FUZZ_CHECK(iostream_consume(s, in_.pick(there + 1)) <= 0);
        }
    }
}

void Game::step_write() {
    auto choice = stream();
    iostream_t *s = choice.handle;
    static const std::string text(20000, 'a');
    const size_t size = in_.pick(4) == 0 ? in_.pick(20000) : in_.pick(50);
    iostream_write_fn fn = pull() ? nullptr : on_end;
    // Both NULL: nobody wants to hear of it.
    Ctx *mine = !fn && in_.pick(2) ? nullptr : ctx();
    switch (in_.pick(6)) {
        case 0: return expect(choice, iostream_close_write(s, fn, mine, forget));
        case 1: {
            char *own = static_cast<char *>(std::malloc(size + 1));
            std::memset(own, '\n', size + 1);
            return expect(choice, iostream_write_owned(s, own, size, std::free, own, fn, mine, forget));
        }
        case 2: {
            iostream_piece_t pieces[5];
            const size_t count = in_.pick(6);
            for (auto &piece : pieces) piece = {text.data(), in_.pick(3000)};
            return expect(choice, iostream_writev(s, pieces, count, fn, mine, forget));
        }
        case 3:
            forget(mine);
            return expect(choice, iostream_flush(s));
        default: return expect(choice, iostream_write(s, text.data(), size, fn, mine, forget));
    }
}

void Game::step_close() {
    auto choice = stream();
    iostream_t *s = choice.handle;
    switch (in_.pick(6)) {
        case 0: return expect(choice, iostream_close(s));
        case 1: return expect(choice, iostream_close_graceful(s, static_cast<int64_t>(in_.pick(4)) * 1000 - 2));
        case 2: {
            iostream_close_fn fn = pull() ? nullptr : on_end;
            Ctx *mine = !fn && in_.pick(2) ? nullptr : ctx(s);
            return expect(choice, iostream_set_close_callback(s, fn, mine, forget));
        }
        case 3: return expect(choice, iostream_set_timeout(s, static_cast<uint32_t>(in_.pick(5)), some_time() - 1));
        case 4: return expect(choice, iostream_set_limits(s, in_.pick(4000), in_.pick(4000)));
        default:
            if (in_.pick(3) != 0) return;
            iostream_free(s);
            mark_stale(streams_, s);
    }
}

void Game::step_ask() {
    auto choice = stream();
    auto of_loop = loop();
    iostream_t *s = choice.handle;
    switch (in_.pick(10)) {
        case 0: return expect(choice, iostream_reading(s));
        case 1: return expect(choice, iostream_writing(s));
        case 2: return expect(choice, iostream_closed(s));
        case 3: return expect(choice, iostream_fileno(s));
        case 4: return expect(choice, iostream_set_nodelay(s, static_cast<int32_t>(in_.pick(4)) - 1));
        case 5:
            if (choice.what != Choice<iostream_t>::bad) return;
            FUZZ_CHECK(iostream_read_buffered(s) == 0 && iostream_write_buffered(s) == 0);
            return;
        case 6: {
            ioloop_error_info_t info{};
            info.size = static_cast<uint32_t>(in_.pick(2) ? sizeof info : in_.pick(sizeof info));
            return known_status(in_.pick(2) ? iostream_error(s, &info) : ioloop_error(of_loop.handle, &info));
        }
        case 7: {
            ioloop_stats_t stats{};
            stats.size = static_cast<uint32_t>(in_.pick(2) ? sizeof stats : in_.pick(sizeof stats));
            return known_status(ioloop_get_stats(of_loop.handle, &stats));
        }
        case 8:
            if (of_loop.handle && in_.pick(4) == 0) return known_status(ioloop_native_fd(of_loop.handle));
            return;
        default: known_status(ioloop_next_timeout_ns(of_loop.handle));
    }
}

void Game::step_server() {
    auto choice = server();
    ioserver_t *s = choice.handle;
    switch (in_.pick(10)) {
        case 0: {
            auto on = loop();
            if (servers_.size() > 3) return;
            ioserver_options_t options;
            ioserver_options_init(&options, sizeof options);
            options.max_connections = static_cast<uint32_t>(in_.pick(3));
            options.max_undelivered = static_cast<uint32_t>(1 + in_.pick(3));
            if (in_.pick(16) == 0) spoil(options);
            ioserver_t *made = nullptr;
            const int32_t status =
                ioserver_new(&made, on.handle, &options, nullptr, pull() ? nullptr : on_accept, ctx(), forget);
            FUZZ_CHECK((status == IOLOOP_OK) == (made != nullptr));
            expect(on, status);
            if (made) servers_.push_back({made, on.handle, Life::good});
            return;
        }
        case 1:
        case 2: {
            const std::string name = std::string(1, '\0') + "ioloop-fuzz-" + std::to_string(getpid());
            return expect(choice, ioserver_listen_unix(s, name.data(), name.size(), 0600));
        }
        case 3: {
            static const char *const hosts[] = {"127.0.0.1", "::1", "1.2.3.4"};
            const char *host = hosts[in_.pick(std::size(hosts))];
            uint16_t port = 0;
            const int32_t status = ioserver_listen(s, &port, host, std::strlen(host), 0);
            if (status == IOLOOP_OK) port_ = port;
            return expect(choice, status);
        }
        case 4: return expect(choice, ioserver_pause(s));
        case 5: return expect(choice, ioserver_resume(s));
        case 6: return expect(choice, ioserver_stop(s));
        case 7: return expect(choice, ioserver_connections(s));
        case 8: return known_status(ioserver_listen_fd(s, pipe_[0]));
        default:
            if (in_.pick(3) != 0) return;
            ioserver_free(s);
            mark_stale(servers_, s);
    }
}

}  // namespace fuzz
