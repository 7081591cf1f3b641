// Fuzz target: sequences of calls of the C ABI, with misuse. The game's handles, turns and results.
#include "capi_game.h"

#include <cstring>

namespace fuzz {

Game::Game(Input &input) : in_(input), memory_before_(ioloop_memory_bytes()) {
    FUZZ_CHECK(pipe2(pipe_, O_NONBLOCK | O_CLOEXEC) == 0);
    step_loop();
}

Game::~Game() {
    // Results that wait are dropped, not delivered; their ctx is released all the same.
    for (size_t i = 0; i < loops_.size(); ++i) {
        if (loops_[i].life != Life::stale) ioloop_free(loops_[i].handle);
    }
    close(pipe_[0]);
    close(pipe_[1]);
    FUZZ_CHECK(ctxs_ == 0);
    FUZZ_CHECK(ioloop_memory_bytes() == memory_before_);
}

template <class Handle>
Game::Choice<Handle> Game::choose(const std::vector<Known<Handle>> &known, void *other_kind) {
    const size_t how = in_.pick(16);
    if (how == 0) return {nullptr, Choice<Handle>::bad};
    if (how == 1 && other_kind) return {static_cast<Handle *>(other_kind), Choice<Handle>::bad};
    if (known.empty()) return {nullptr, Choice<Handle>::bad};
    // The newest most often.
    const size_t back = how < 10 ? std::min<size_t>(in_.pick(2), known.size() - 1) : in_.pick(known.size());
    const auto &each = known[known.size() - 1 - back];
    const auto what = each.life == Life::good    ? Choice<Handle>::good
                      : each.life == Life::stale ? Choice<Handle>::bad
                                                 : Choice<Handle>::unsure;
    return {each.handle, what};
}

Game::Choice<ioloop_t> Game::loop() { return choose(loops_, streams_.empty() ? nullptr : streams_[0].handle); }
Game::Choice<iostream_t> Game::stream() { return choose(streams_, loops_.empty() ? nullptr : loops_[0].handle); }
Game::Choice<ioserver_t> Game::server() { return choose(servers_, streams_.empty() ? nullptr : streams_[0].handle); }

void Game::known_status(int64_t status) {
    if (status >= 0) return;
    FUZZ_CHECK(status > INT32_MIN && status != IOLOOP_EINTERNAL && status != IOLOOP_ENOMEM);
    FUZZ_CHECK(std::strcmp(ioloop_status_name(static_cast<int32_t>(status)), "EUNKNOWN") != 0);
}

Game::Ctx *Game::ctx(iostream_t *stream) {
    ++ctxs_;
    return new Ctx{this, stream};
}

void Game::forget(void *ctx) {
    auto *mine = static_cast<Ctx *>(ctx);
    if (!mine) return;
    --mine->game->ctxs_;
    delete mine;
}

// A callback: goes on with the program.
void Game::inside(void *ctx) {
    FUZZ_CHECK(running_ > 0);
    FUZZ_CHECK(static_cast<Ctx *>(ctx)->game == this);
    if (depth_ > 0) return;
    ++depth_;
    for (size_t n = in_.pick(4); n > 0; --n) step();
    --depth_;
    FUZZ_CHECK(static_cast<Ctx *>(ctx)->game == this);
}

void Game::on_callback(void *ctx) { static_cast<Ctx *>(ctx)->game->inside(ctx); }
void Game::on_handler(void *ctx, int, uint32_t events) {
    FUZZ_CHECK(events != 0 && (events & ~uint32_t{IOLOOP_READ | IOLOOP_WRITE | IOLOOP_ERROR}) == 0);
    on_callback(ctx);
}
void Game::on_signal(void *ctx, int32_t, uint64_t) { on_callback(ctx); }
void Game::on_read(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size) {
    known_status(status);
    FUZZ_CHECK(stream && (data || size == 0));
    // Every byte is there.
    static volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum = static_cast<uint8_t>(sum + data[i]);
    on_callback(ctx);
}
void Game::on_read_into(void *ctx, iostream_t *, int32_t status, size_t size) {
    known_status(status);
    FUZZ_CHECK(status == IOLOOP_OK || size == 0);
    on_callback(ctx);
}
void Game::on_end(void *ctx, iostream_t *, int32_t status) {
    known_status(status);
    on_callback(ctx);
}
void Game::on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream) {
    Game &game = *static_cast<Ctx *>(ctx)->game;
    FUZZ_CHECK((status == IOLOOP_OK) == (stream != nullptr));
    for (auto &each : game.servers_) {
        if (each.handle == server && stream) game.add_stream(stream, each.loop);
    }
    on_callback(ctx);
}

void Game::step() {
    switch (in_.pick(16)) {
        case 0: return step_loop();
        case 1:
        case 2:
        case 3: return step_turn();
        case 4: return step_timeout();
        case 5: return step_handler();
        case 6: return step_new_stream();
        case 7: return step_connect();
        case 8:
        case 9: return step_read();
        case 10:
        case 11: return step_write();
        case 12: return step_close();
        case 13: return step_ask();
        default: return step_server();
    }
}

void Game::step_loop() {
    ioloop_options_t options;
    ioloop_options_init(&options, sizeof options);
    options.backend = static_cast<uint32_t>(in_.pick(3));
    options.chunk_size = 4096;
    options.max_pooled_chunks = static_cast<uint32_t>(in_.pick(4));
    if (in_.pick(4) == 0) options.turn_callbacks = 1 + static_cast<uint32_t>(in_.pick(3));
    if (in_.pick(8) == 0) options.max_posted = static_cast<uint32_t>(in_.pick(3));
    if (in_.pick(16) == 0) spoil(options);
    ioloop_t *made = nullptr;
    if (loops_.size() >= 3) return;
    const int32_t status = ioloop_new(&made, &options);
    known_status(status);
    FUZZ_CHECK((status == IOLOOP_OK) == (made != nullptr));
    if (made) loops_.push_back({made, made, Life::good});
}

// Runs a turn, stops, posts, closes.
void Game::step_turn() {
    auto choice = loop();
    switch (in_.pick(10)) {
        case 0: return expect(choice, ioloop_stop(choice.handle));
        case 1: return expect(choice, ioloop_wake(choice.handle));
        case 2:
            expect(choice, ioloop_add_callback(choice.handle, pull() ? nullptr : on_callback, ctx(), forget));
            return;
        case 3:
            if (in_.pick(4) != 0) return;
            expect(choice, ioloop_close(choice.handle, in_.pick(8) == 0 ? 0xf0 : 0));
            return;
        case 4:
            if (in_.pick(8) != 0) return;
            ioloop_free(choice.handle);
            return freed(choice.handle);
        case 5: return poll(choice.handle);
        case 6: {
            ++running_;
            if (ioloop_stop(choice.handle) == IOLOOP_OK) (void)ioloop_start(choice.handle);
            --running_;
            return;
        }
        default: {
            ++running_;
            const int32_t count = ioloop_run_once(choice.handle, 0);
            --running_;
            if (depth_ > 0 && choice.what == Choice<ioloop_t>::good) return known_status(count);
            return expect(choice, count);
        }
    }
}

void Game::poll(ioloop_t *loop) {
    ioloop_event_t events[8];
    ++running_;
    const int32_t count = ioloop_poll(loop, events, static_cast<uint32_t>(in_.pick(9)), 0);
    --running_;
    known_status(count);
    for (int32_t i = 0; i < count; ++i) {
        const ioloop_event_t &event = events[i];
        FUZZ_CHECK(event.type >= IOLOOP_EVENT_HANDLER && event.type <= IOLOOP_EVENT_LOOP_CLOSED);
        known_status(event.status);
        static volatile uint8_t sum = 0;
        for (uint64_t k = 0; event.data && k < event.size; ++k) sum = static_cast<uint8_t>(sum + event.data[k]);
        if (event.type != IOLOOP_EVENT_ACCEPT || !event.object) continue;
        add_stream(static_cast<iostream_t *>(event.object), loop);
    }
}

void Game::freed(ioloop_t *loop) {
    const Life life = running_ > 0 ? Life::unsure : Life::stale;
    auto mark = [&](auto &known) {
        for (auto &each : known) {
            if (each.loop == loop && each.life == Life::good) each.life = life;
        }
    };
    mark(streams_);
    mark(servers_);
    mark(loops_);
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    bool open_before[64];
    for (int fd = 0; fd < 64; ++fd) open_before[fd] = fcntl(fd, F_GETFD) >= 0;
    {
        fuzz::Game game(input);
        for (int i = 0; i < 300 && !input.empty(); ++i) game.step();
    }
    for (int fd = 0; fd < 64; ++fd) FUZZ_CHECK(open_before[fd] == (fcntl(fd, F_GETFD) >= 0));
    return 0;
}
