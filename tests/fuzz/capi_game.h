// A program of calls of the C ABI, made of fuzz bytes: good, stale, NULL and foreign handles, odd sizes, calls inside
// callbacks. What must hold whatever is called: a status that is documented, every ctx released once, no memory and
// no descriptor left.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <vector>

#include "input.h"
#include "ioloop/ioloop.h"

namespace fuzz {

class Game {
public:
    explicit Game(Input &input);
    Game(const Game &) = delete;
    Game &operator=(const Game &) = delete;
    ~Game();
    void step();

private:
    struct Ctx {
        Game *game;
        iostream_t *stream;
    };
    // A handle that was given out. Of a loop that is freed inside its own callback the handles live a little longer.
    enum class Life { good, unsure, stale };
    template <class Handle>
    struct Known {
        Handle *handle;
        ioloop_t *loop;
        Life life;
    };
    // A handle to use, and what a call with it must say.
    template <class Handle>
    struct Choice {
        Handle *handle;
        enum { good, unsure, bad } what;
    };

    Choice<ioloop_t> loop();
    Choice<iostream_t> stream();
    Choice<ioserver_t> server();
    template <class Handle>
    Choice<Handle> choose(const std::vector<Known<Handle>> &known, void *other_kind);
    template <class Handle>
    void expect(Choice<Handle> choice, int64_t status);
    static void known_status(int64_t status);

    // ctx for a call: released by forget, or null.
    Ctx *ctx(iostream_t *stream = nullptr);
    static void forget(void *ctx);
    void inside(void *ctx);
    bool pull() { return in_.pick(3) == 0; }
    static void on_callback(void *ctx);
    static void on_handler(void *ctx, int fd, uint32_t events);
    static void on_signal(void *ctx, int32_t signum, uint64_t count);
    static void on_read(void *ctx, iostream_t *stream, int32_t status, const uint8_t *data, size_t size);
    static void on_read_into(void *ctx, iostream_t *stream, int32_t status, size_t size);
    static void on_end(void *ctx, iostream_t *stream, int32_t status);
    static void on_accept(void *ctx, ioserver_t *server, int32_t status, iostream_t *stream);

    void step_loop();
    void step_turn();
    void step_timeout();
    void step_handler();
    void step_new_stream();
    void step_connect();
    void step_read();
    void step_write();
    void step_close();
    void step_ask();
    void step_server();
    void poll(ioloop_t *loop);
    void freed(ioloop_t *loop);
    void add_stream(iostream_t *stream, ioloop_t *loop) { streams_.push_back({stream, loop, Life::good}); }
    int64_t some_time() { return in_.pick(4) == 0 ? static_cast<int64_t>(in_.magnitude()) : int64_t{0}; }
    size_t some_size() { return in_.pick(8) == 0 ? static_cast<size_t>(in_.magnitude()) : in_.pick(3000); }

    // Any values, in a struct that is not larger than its size says.
    template <class Options>
    void spoil(Options &options) {
        auto *bytes = reinterpret_cast<unsigned char *>(&options);
        std::fill_n(bytes, in_.pick(sizeof options), in_.byte());
        options.size = static_cast<uint32_t>(in_.pick(sizeof options + 1));
    }

    Input &in_;
    std::vector<Known<ioloop_t>> loops_;
    std::vector<Known<iostream_t>> streams_;
    std::vector<Known<ioserver_t>> servers_;
    std::deque<std::string> memory_;  // what calls keep until they end
    std::vector<uint64_t> timeouts_;
    uint16_t port_ = 1;
    int depth_ = 0;    // of callbacks
    int running_ = 0;  // turns begun
    int ctxs_ = 0;     // not yet released
    int pipe_[2];
    uint64_t memory_before_;
};

template <class Handle>
void Game::expect(Choice<Handle> choice, int64_t status) {
    known_status(status);
    if (choice.what == Choice<Handle>::good) FUZZ_CHECK(status != IOLOOP_EHANDLE);
    if (choice.what != Choice<Handle>::bad) return;
    FUZZ_CHECK(status == (choice.handle ? IOLOOP_EHANDLE : IOLOOP_EINVAL));
}

}  // namespace fuzz
