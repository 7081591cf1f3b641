// The pool behind the public handles against a map: what lives is found alive, what was freed is stale, and a freed
// slot comes back only after 1,024 others.
#include <map>
#include <vector>

#include "base/memory.h"
#include "base/object_pool.h"
#include "input.h"

using namespace ioloop;

namespace {

constexpr uint32_t magic = 0x5a5a0001;

struct Thing {
    static ObjectPool pool;
    uint64_t content[3];
};

constinit ObjectPool Thing::pool{sizeof(HandleHeader) + sizeof(Thing), magic};

// Slots live as long as the process, and so does what is known of them.
struct Freed {
    uint64_t when;
};
std::map<void *, Freed> freed;
uint64_t freed_count = 0;

class Pair {
public:
    explicit Pair(fuzz::Input &input) : in_(input), before_(memory_in_use()) {}

    void take() {
        void *memory = Thing::pool.take();
        FUZZ_CHECK(memory && reinterpret_cast<uintptr_t>(memory) % alignof(HandleHeader) == 0);
        FUZZ_CHECK(!alive(memory, magic));
        if (auto known = freed.find(memory); known != freed.end()) {
            FUZZ_CHECK(freed_count - known->second.when >= handle_quarantine);
            freed.erase(known);
        }
        auto *thing = new (object_memory(memory)) Thing;
        const uint64_t tag = ++tags_;
        for (uint64_t &each : thing->content) each = tag;
        set_alive(thing, true);
        FUZZ_CHECK(handle_of(thing) == memory && object_of<Thing>(memory) == thing);
        live_.emplace_back(memory, tag);
    }
    void give() {
        if (live_.empty()) return;
        std::swap(live_[in_.pick(live_.size())], live_.back());
        auto [memory, tag] = live_.back();
        live_.pop_back();
        auto *thing = object_of<Thing>(memory);
        for (uint64_t each : thing->content) FUZZ_CHECK(each == tag);
        set_alive(thing, false);
        thing->~Thing();
        freed[memory] = {freed_count++};
        last_ = memory;
        Thing::pool.give(memory);
    }
    void step() {
        const size_t what = in_.pick(8);
        size_t times = what < 6 ? 1 : in_.pick(8) == 0 ? 1100 : in_.pick(40);
        if (what % 2 == 0) {
            while (times-- > 0) take();
        } else {
            while (times-- > 0) give();
        }
        if (what == 5) check();
    }
    void check() {
        for (auto &[memory, tag] : live_) {
            FUZZ_CHECK(alive(memory, magic) && !alive(memory, magic + 1));
            FUZZ_CHECK(object_of<Thing>(memory)->content[2] == tag);
        }
        size_t looks = 100;
        for (auto each = freed.lower_bound(last_); each != freed.end() && looks > 0; ++each, --looks) {
            FUZZ_CHECK(!alive(each->first, magic));
        }
        FUZZ_CHECK(!alive(nullptr, magic));
        FUZZ_CHECK(memory_in_use() == before_ + live_.size() * (sizeof(HandleHeader) + sizeof(Thing)));
    }
    void finish() {
        check();
        while (!live_.empty()) give();
        check();
    }

private:
    fuzz::Input &in_;
    uint64_t before_;
    uint64_t tags_ = 0;
    void *last_ = nullptr;  // given
    std::vector<std::pair<void *, uint64_t>> live_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    Pair pair(input);
    for (int i = 0; i < 60 && !input.empty(); ++i) pair.step();
    pair.finish();
    return 0;
}
