// The small headers of src/os, and the allocator, over the simulated world.
#include <netdb.h>

#include <cstdlib>

#include "base/memory.h"
#include "call.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/resolve.h"
#include "os/signals.h"

namespace ioloop::os {

using namespace sim;

void *system_allocate(size_t size) noexcept {
    World *world = World::active();
    if (world && world->faults.deny_memory()) return nullptr;
    return std::malloc(size == 0 ? 1 : size);
}

void system_release(void *memory) noexcept { std::free(memory); }

int64_t monotonic_ns() {
    World &world = World::current();
    world.now += static_cast<int64_t>(world.random.below(100));
    return world.now;
}

uint64_t random_u64() { return World::current().random.next(); }

uint32_t fork_generation() {
    World *world = World::active();
    return world ? world->fork_generation : 0;
}

uintptr_t thread_id() {
    World *world = World::active();
    return world ? world->thread : 1;
}

void yield_thread() { World::current().sleep(microsecond); }

Result<FileIdentity> file_identity(const std::string &path) {
    return simulate<FileIdentity>(Op::file_identity, -1, [&](World &world, int injected) -> Result<FileIdentity> {
        if (injected != 0) return Result<FileIdentity>::failure(injected);
        auto found = world.files.find(path);
        if (found == world.files.end()) return Result<FileIdentity>::failure(ENOENT);
        return {found->second, 0};
    });
}

Result<Nothing> remove_file(const std::string &path) {
    return simulate<Nothing>(Op::remove_file, -1, [&](World &world, int injected) {
        if (injected != 0) return outcome(injected);
        return outcome(world.files.erase(path) ? 0 : ENOENT);
    });
}

Result<Nothing> set_file_mode(const std::string &path, uint32_t) {
    return simulate<Nothing>(Op::set_mode, -1, [&](World &world, int injected) {
        if (injected != 0) return outcome(injected);
        return outcome(world.files.count(path) ? 0 : ENOENT);
    });
}

Result<std::vector<Address>> resolve_passive(const std::string &host, uint16_t port) {
    using Addresses = Result<std::vector<Address>>;
    return simulate<std::vector<Address>>(Op::resolve, -1, [&](World &world, int injected) -> Addresses {
        if (injected != 0) return Addresses::failure(injected);
        Address numeric;
        if (parse_numeric(host, port, &numeric)) return {{numeric}, 0};
        auto found = world.names.find(host);
        if (found == world.names.end()) return Addresses::failure(EAI_NONAME);
        Addresses result{found->second, 0};
        for (Address &address : result.value) address.set_port(port);
        return result;
    });
}

// ---- Signals ----

SignalHub::~SignalHub() {
    for (int signum = 1; signum < signal_limit; ++signum) {
        if (watched_ >> (signum - 1) & 1) unwatch(signum);
    }
}

Result<Nothing> SignalHub::watch(int signum, int wake_fd) {
    return simulate<Nothing>(Op::watch_signal, wake_fd, [&](World &world, int injected) {
        const bool fault_signal = signum == 11 || signum == 7 || signum == 8 || signum == 4;
        if (signum <= 0 || signum >= signal_limit || fault_signal || signum == 9 || signum == 19)
            return outcome(EINVAL);
        if (watched_ >> (signum - 1) & 1) return outcome(EEXIST);
        if (injected != 0) return outcome(injected);
        if (slot_ < 0) {
            size_t slot = 0;
            while (slot < world.hubs.size() && world.hubs[slot]) ++slot;
            if (slot == static_cast<size_t>(signal_hub_limit)) return outcome(ENFILE);
            if (slot == world.hubs.size()) world.hubs.emplace_back();
            world.hubs[slot] = std::make_unique<World::Hub>();
            slot_ = static_cast<int>(slot);
        }
        World::Hub &hub = *world.hubs[static_cast<size_t>(slot_)];
        hub.wake_fd = wake_fd;
        hub.counts[signum] = 0;
        watched_ |= uint64_t{1} << (signum - 1);
        hub.watched = watched_;
        return outcome(0);
    });
}

Result<Nothing> SignalHub::unwatch(int signum) {
    return simulate<Nothing>(Op::unwatch_signal, -1, [&](World &world, int) {
        if (signum <= 0 || signum >= signal_limit || !(watched_ >> (signum - 1) & 1)) return outcome(ENOENT);
        watched_ &= ~(uint64_t{1} << (signum - 1));
        auto &hub = world.hubs[static_cast<size_t>(slot_)];
        hub->watched = watched_;
        hub->counts[signum] = 0;
        if (watched_ == 0) {
            hub = nullptr;
            slot_ = -1;
        }
        return outcome(0);
    });
}

uint64_t SignalHub::take(int signum) {
    if (slot_ < 0 || signum <= 0 || signum >= signal_limit) return 0;
    return std::exchange(World::current().hubs[static_cast<size_t>(slot_)]->counts[signum], 0);
}

bool SignalHub::any_pending() const {
    if (slot_ < 0) return false;
    for (uint64_t count : World::current().hubs[static_cast<size_t>(slot_)]->counts) {
        if (count != 0) return true;
    }
    return false;
}

}  // namespace ioloop::os
