// Defines the two functions of the seam below base/memory.h, so that the linker takes these and not the real ones.
#include "failing_memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "base/memory.h"

namespace ioloop {

namespace {

std::atomic<bool> armed{false};
std::atomic<bool> once{false};
std::atomic<int64_t> good_left{0};
std::atomic<int64_t> failures{0};

}  // namespace

FailingMemory::FailingMemory(int64_t good, Fails mode) {
    good_left = good;
    once = mode == Fails::once;
    failures = 0;
    armed = true;
}

FailingMemory::~FailingMemory() { armed = false; }

bool FailingMemory::failed() const { return failures > 0; }

namespace os {

void *system_allocate(size_t size) noexcept {
    if (armed && good_left-- <= 0 && (!once || failures == 0)) {
        ++failures;
        return nullptr;
    }
    void *memory = std::malloc(size ? size : 1);
    if (memory) std::memset(memory, 0xa5, size);
    return memory;
}

void system_release(void *memory) noexcept { std::free(memory); }

}  // namespace os

}  // namespace ioloop
