// Which process and which thread is running.
#pragma once

#include <cstdint>

namespace ioloop::os {

// Changes in a forked child: compare with the value kept at creation. Costs one load.
uint32_t fork_generation();
// Different for every living thread, never 0. Costs one load.
uintptr_t thread_id();
// Lets other threads run, for those who wait for one in the middle of a few instructions.
void yield_thread();

}  // namespace ioloop::os
