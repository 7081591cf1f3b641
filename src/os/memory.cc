// The system's allocator, behind base/memory.h.
#include "base/memory.h"

#include <cstdlib>

namespace ioloop::os {

void *system_allocate(size_t size) noexcept {
    // malloc(0) may be null, which here means that there is no memory.
    return std::malloc(size == 0 ? 1 : size);
}

void system_release(void *memory) noexcept { std::free(memory); }

}  // namespace ioloop::os
