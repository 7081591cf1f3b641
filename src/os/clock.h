// Time and chance.
#pragma once

#include <cstdint>

namespace ioloop::os {

int64_t monotonic_ns();
uint64_t random_u64();

}  // namespace ioloop::os
