#include "world.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sim {

namespace {
thread_local World *the_world = nullptr;
constexpr uint64_t most_calls = 3'000'000;
constexpr uint64_t longest_call = 2 * microsecond;

// Whether a call that succeeds gets something done, other than looking and telling what is wanted.
bool makes_progress(Op op) {
    switch (op) {
        case Op::read:
        case Op::write:
        case Op::socket:
        case Op::accept:
        case Op::connect:
        case Op::receive:
        case Op::send:
        case Op::shutdown:
        case Op::take_error:
        case Op::close:
        case Op::eventfd_drain:
            return true;
        default:
            return false;
    }
}
}  // namespace

World::World(uint64_t seed) : random(seed), faults(seed), net(*this) { the_world = this; }

World::~World() {
    // Files close while there is still a world to tell.
    for (size_t fd = 0; fd < descriptors.size(); ++fd) descriptors.close(static_cast<int>(fd));
    while (!events_.empty()) events_.pop();
    net.clear();
    the_world = nullptr;
}

World *World::active() { return the_world; }

World &World::current() {
    if (!the_world) {
        std::fputs("a system call outside any simulated world\n", stderr);
        std::abort();
    }
    return *the_world;
}

void World::at(int64_t when, std::function<void()> what) {
    // Equal moments in any order, but the same one in each run.
    const uint64_t order = (random.next() & 0xffffffff00000000u) | (next_event_++ & 0xffffffffu);
    events_.push({when < now ? now : when, order, std::move(what)});
}

bool World::step(int64_t limit) {
    if (events_.empty() || events_.top().when > limit) return false;
    if (events_.top().when > now) now = events_.top().when;
    auto what = std::move(const_cast<Event &>(events_.top()).what);
    events_.pop();
    what();
    return true;
}

void World::catch_up() {
    while (step(now)) {
    }
}

void World::sleep(int64_t time) {
    const int64_t until = now + time;
    while (step(until)) {
    }
    now = until;
}

void World::forget_readiness(const File &file) {
    for (Epoll *epoll : epolls) epoll->forget(file);
}

void World::plan_disturbance(Quirk quirk, int64_t until) {
    if (faults.rate(quirk) == 0) return;
    const int64_t gap = static_cast<int64_t>(faults.random.below(500) + 1) * millisecond;
    if (now + gap > until) return;
    after(gap, [this, quirk, until] {
        if (faults.rate(quirk) == 0) return;
        ++faults.injected;
        ++Faults::totals()[kind_of(quirk)];
        const int64_t length = static_cast<int64_t>(faults.random.between(1, 3000)) * millisecond;
        if (quirk == Quirk::reset) net.reset_some();
        if (quirk == Quirk::stall) net.stall_some(now + length);
        if (quirk == Quirk::partition) net.partition(now + length);
        if (quirk == Quirk::clock_jump) now += length;
        plan_disturbance(quirk, until);
    });
}

void World::disturb(int64_t horizon) {
    for (Quirk quirk : {Quirk::reset, Quirk::stall, Quirk::partition, Quirk::clock_jump}) {
        plan_disturbance(quirk, now + horizon);
    }
    descriptors.newest_first = faults.rate(Quirk::newest_descriptor) != 0;
    if (descriptors.newest_first) ++Faults::totals()[kind_of(Quirk::newest_descriptor)];
    if (faults.rate(Quirk::few_descriptors) != 0) {
        descriptors.limit = faults.random.between(3, 24);
        ++Faults::totals()[kind_of(Quirk::few_descriptors)];
    }
}

void World::heal() {
    faults.heal();
    descriptors.limit = 1000;
    net.heal();
}

void World::raise(int signum) {
    for (auto &hub : hubs) {
        if (!hub || !(hub->watched >> (signum - 1) & 1)) continue;
        ++hub->counts[signum];
        if (auto *event = descriptors.find_as<EventFd>(hub->wake_fd, FileType::event)) ++event->count;
    }
}

void World::fail(const std::string &what) {
    if (failure_.empty()) failure_ = what;
    if (verbose) std::fprintf(stderr, "!! %s\n", what.c_str());
}

int World::begin(Op op) {
    ++calls;
    ++calls_by_op[static_cast<size_t>(op)];
    if (calls > most_calls) {
        std::fprintf(stderr, "a world without end: more than %llu calls, the last is %s\n",
                     static_cast<unsigned long long>(most_calls), op_name(op));
        std::abort();
    }
    now += static_cast<int64_t>(random.below(longest_call));
    if (faults.strikes(Quirk::slow_call)) now += static_cast<int64_t>(faults.random.below(200)) * millisecond;
    catch_up();
    return faults.draw(op);
}

void World::end(Op op, int fd, int64_t value, int error) {
    note(static_cast<uint64_t>(op) | static_cast<uint64_t>(fd) << 8 | static_cast<uint64_t>(error) << 40);
    note(static_cast<uint64_t>(value) ^ static_cast<uint64_t>(now));
    if (error == 0 && makes_progress(op)) ++useful_;
    if (verbose) {
        std::fprintf(stderr, "%12.6f %s(%d) = %lld%s%s\n", static_cast<double>(now) / 1e9, op_name(op), fd,
                     static_cast<long long>(value), error ? " " : "", error ? strerrorname_np(error) : "");
    }
}

// A wait that told of something, after which nothing was done and nothing waited for, was for nothing.
void World::wait_ended(size_t events) {
    const bool idle = events != 0 && useful_ == 0 && last_wait_ >= 0 && now - last_wait_ < 100 * microsecond &&
                      faults.injected == injected_before_;
    spin_ = idle ? spin_ + 1 : 0;
    if (spin_ > longest_spin) longest_spin = spin_;
    if (spin_ > spin_limit) fail("G15 the loop wakes and does nothing, again and again");
    last_wait_ = now;
    useful_ = 0;
    injected_before_ = faults.injected;
}

}  // namespace sim
