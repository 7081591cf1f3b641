// The simulated world of one thread: clock, events to come, descriptors, network, faults, and what is counted. All
// calls through src/os end here while a World lives. The same seed gives the same world, call for call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "descriptors.h"
#include "faults.h"
#include "net.h"
#include "os/address.h"
#include "os/file.h"
#include "pollers.h"
#include "random.h"

namespace sim {

inline constexpr int64_t microsecond = 1'000, millisecond = 1'000'000, second = 1'000'000'000;

class World {
public:
    explicit World(uint64_t seed);
    World(const World &) = delete;
    World &operator=(const World &) = delete;
    ~World();
    static World &current();
    static World *active();

    // ---- Time ----
    int64_t now = second;
    // Runs what has been planned for a moment; order among equals is drawn.
    void at(int64_t when, std::function<void()> what);
    void after(int64_t delay, std::function<void()> what) { at(now + delay, std::move(what)); }
    // Jumps to the next event not later than limit; false if there is none.
    bool step(int64_t limit);
    void catch_up();  // runs what is due
    void sleep(int64_t time);
    bool quiet() const { return events_.empty(); }

    // ---- Parts ----
    Random random;
    Faults faults;
    DescriptorTable descriptors;
    Network net;
    std::vector<Epoll *> epolls;
    void forget_readiness(const File &file);
    // Starts the disturbances that come by themselves: resets, stalls, partitions, within so much time.
    void disturb(int64_t horizon);
    // Faults, partitions and stalls end.
    void heal();

    // ---- The rest of a process ----
    std::map<std::string, os::FileIdentity> files;
    std::map<std::string, std::vector<os::Address>> names;  // the resolver's
    uint32_t fork_generation = 0;
    uintptr_t thread = 1;
    uint64_t next_inode = 1;
    struct Hub {
        int wake_fd = -1;
        uint64_t watched = 0;
        uint64_t counts[65] = {};
    };
    std::vector<std::unique_ptr<Hub>> hubs;
    void raise(int signum);  // a signal arrives

    // ---- What is seen ----
    uint64_t calls = 0;
    uint64_t calls_by_op[static_cast<size_t>(Op::count)] = {};
    uint64_t bad_descriptors = 0;  // calls on a closed one
    uint64_t trace = 0;            // a hash of everything that happened
    void note(uint64_t value) { trace = mix(trace ^ value) + 0x9e3779b97f4a7c15u; }
    bool deadlocked = false;  // a wait without limit, and nothing will ever happen
    std::function<void()> on_deadlock;
    void fail(const std::string &what);  // keeps the first
    const std::string &failure() const { return failure_; }
    bool verbose = false;  // prints every call

    // Of every call: what happens before, and what is told after.
    int begin(Op op);
    void end(Op op, int fd, int64_t value, int error);
    // Waking over and over without anything to do.
    void wait_ended(size_t events);
    uint64_t longest_spin = 0;
    static constexpr uint64_t spin_limit = 10;

private:
    struct Event {
        int64_t when;
        uint64_t order;
        std::function<void()> what;
        bool operator<(const Event &other) const {
            return when != other.when ? when > other.when : order > other.order;
        }
    };
    void plan_disturbance(Quirk quirk, int64_t until);

    std::priority_queue<Event> events_;
    std::string failure_;
    uint64_t next_event_ = 0;
    uint64_t spin_ = 0;
    uint64_t useful_ = 0;  // calls that did something since the last wait
    int64_t last_wait_ = -1;
    uint64_t injected_before_ = 0;
};

}  // namespace sim
