#include "os/process.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>

namespace ioloop::os {
namespace {

std::atomic<uint32_t> generation{0};

void after_fork_in_child() { generation.fetch_add(1, std::memory_order_relaxed); }

// Reached through a fixed offset: never allocated on first use, so that signal handlers may ask.
thread_local char thread_mark __attribute__((tls_model("initial-exec")));

}  // namespace

uint32_t fork_generation() {
    static const bool registered = pthread_atfork(nullptr, nullptr, after_fork_in_child) == 0;
    // Without memory for the registration the process id tells the same, at the price of a system call.
    return registered ? generation.load(std::memory_order_relaxed) : static_cast<uint32_t>(getpid());
}

uintptr_t thread_id() { return reinterpret_cast<uintptr_t>(&thread_mark); }

void yield_thread() { sched_yield(); }

}  // namespace ioloop::os
