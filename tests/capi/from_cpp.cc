// The C headers used from C++: the layout of the structs that are part of the ABI, and lambdas as callbacks.
#include <ioloop/ioloop.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

// Other languages read these by offset.
static_assert(sizeof(ioloop_event_t) == 64);
static_assert(offsetof(ioloop_event_t, type) == 0);
static_assert(offsetof(ioloop_event_t, status) == 4);
static_assert(offsetof(ioloop_event_t, tag) == 8);
static_assert(offsetof(ioloop_event_t, op) == 16);
static_assert(offsetof(ioloop_event_t, object) == 24);
static_assert(offsetof(ioloop_event_t, data) == 32);
static_assert(offsetof(ioloop_event_t, size) == 40);
static_assert(offsetof(ioloop_event_t, value) == 48);
static_assert(offsetof(ioloop_event_t, reserved) == 56);
static_assert(sizeof(ioloop_options_t) == 32);
static_assert(sizeof(iostream_options_t) == 48);
static_assert(sizeof(ioserver_options_t) == 24);
static_assert(sizeof(ioloop_error_info_t) == 32);
static_assert(sizeof(iostream_piece_t) == 16);

struct LoopFree {
    void operator()(ioloop_t *loop) const { ioloop_free(loop); }
};
using Loop = std::unique_ptr<ioloop_t, LoopFree>;

Loop new_loop() {
    const char *backend = std::getenv("IOLOOP_TEST_BACKEND");
    ioloop_options_t options;
    EXPECT_EQ(ioloop_options_init(&options, sizeof options), IOLOOP_OK);
    if (backend != nullptr && std::string_view(backend) == "poll") {
        options.backend = IOLOOP_BACKEND_POLL;
    }
    ioloop_t *loop = nullptr;
    EXPECT_EQ(ioloop_new(&loop, &options), IOLOOP_OK);
    return Loop(loop);
}

TEST(FromCpp, LambdasAreCallbacks) {
    Loop loop = new_loop();
    iostream_t *one = nullptr;
    iostream_t *other = nullptr;
    ASSERT_EQ(iostream_new_pair(&one, &other, loop.get(), nullptr), IOLOOP_OK);

    std::string line;
    auto on_line = [](void *ctx, iostream_t *, int32_t status, const uint8_t *data, size_t size) {
        EXPECT_EQ(status, IOLOOP_OK);
        static_cast<std::string *>(ctx)->assign(reinterpret_cast<const char *>(data), size);
    };
    ASSERT_EQ(iostream_read_until(other, "\n", 1, 0, on_line, &line, nullptr), IOLOOP_OK);
    ASSERT_EQ(iostream_write(one, "from C++\n", 9, nullptr, nullptr, nullptr), IOLOOP_OK);
    for (int turns = 0; line.empty() && turns < 100; turns++) {
        ASSERT_GE(ioloop_run_once(loop.get(), 100'000'000), 0);
    }
    EXPECT_EQ(line, "from C++\n");
}

// The owner of a C++ object gives it away with the function that deletes it.
TEST(FromCpp, ContextOwnsItsObject) {
    Loop loop = new_loop();
    auto counter = std::make_shared<int>(0);
    auto *owned = new std::shared_ptr<int>(counter);
    auto call = [](void *ctx) { ++**static_cast<std::shared_ptr<int> *>(ctx); };
    auto release = [](void *ctx) { delete static_cast<std::shared_ptr<int> *>(ctx); };
    ASSERT_EQ(ioloop_add_callback(loop.get(), call, owned, release), IOLOOP_OK);
    EXPECT_EQ(counter.use_count(), 2);
    ASSERT_EQ(ioloop_run_once(loop.get(), 0), 1);
    EXPECT_EQ(*counter, 1);
    EXPECT_EQ(counter.use_count(), 1);
}

}  // namespace
