// src/os/readiness.h over the simulated world: this is where time goes on.
#include "os/readiness.h"

#include <algorithm>

#include "call.h"

namespace ioloop::os {

using namespace sim;

namespace {

// Lets the world go on until look() finds something or the time is over. At most `limit` are found.
template <class F>
size_t wait_until(World &world, int64_t timeout_ns, F look) {
    const int64_t deadline = timeout_ns < 0 ? INT64_MAX : world.now + timeout_ns;
    for (;;) {
        if (size_t found = look()) {
            if (timeout_ns != 0 && world.faults.strikes(Quirk::late_wake)) {
                world.sleep(static_cast<int64_t>(world.faults.random.below(20'000'000)));
                found = std::max(look(), found);
            }
            return found;
        }
        if (timeout_ns == 0) return 0;
        if (world.step(deadline)) continue;
        if (deadline != INT64_MAX) {
            world.now = std::max(world.now, deadline);
            if (world.faults.strikes(Quirk::late_wake))
                world.sleep(static_cast<int64_t>(world.faults.random.below(20'000'000)));
            return look();
        }
        world.deadlocked = true;
        if (world.on_deadlock) world.on_deadlock();
        if (!world.on_deadlock) world.fail("deadlock: a wait without limit, and nothing will ever happen");
        return 0;
    }
}

// Entries that claim to be readable without any reason.
void add_spurious(World &world, const Epoll &epoll, std::vector<EpollEvent> &events) {
    if (!world.faults.strikes(Quirk::spurious_ready) || epoll.entries.empty()) return;
    const Epoll::Entry &entry = epoll.entries[world.faults.random.below(epoll.entries.size())];
    if (!(entry.events & ready_in) || entry.file->readiness() & ready_in) return;
    for (EpollEvent &event : events) {
        if (event.token == entry.token) return;
    }
    events.push_back({ready_in, entry.token});
}

std::vector<EpollEvent> batch(World &world, const Epoll &epoll, size_t capacity) {
    std::vector<EpollEvent> events = epoll.ready();
    add_spurious(world, epoll, events);
    if (events.size() > 1 && (events.size() > capacity || world.faults.strikes(Quirk::mixed_order))) {
        for (size_t i = events.size() - 1; i > 0; --i) std::swap(events[i], events[world.faults.random.below(i + 1)]);
    }
    if (events.size() > 1 && world.faults.strikes(Quirk::small_batch)) {
        events.resize(world.faults.random.between(1, events.size() - 1));
    }
    if (events.size() > capacity) events.resize(capacity);
    return events;
}

}  // namespace

Result<UniqueFd> epoll_open() {
    return simulate<UniqueFd>(Op::epoll_open, -1, [](World &world, int injected) {
        if (injected != 0 || world.descriptors.full()) return Result<UniqueFd>::failure(injected ? injected : EMFILE);
        return open_file(world, 0, std::make_shared<Epoll>());
    });
}

Result<Nothing> epoll_change(int epoll_fd, EpollChange change, int fd, uint32_t events, uint64_t token) {
    const Op op = change == EpollChange::add      ? Op::epoll_add
                  : change == EpollChange::modify ? Op::epoll_modify
                                                  : Op::epoll_remove;
    return simulate_on<Nothing>(op, fd, [=](World &world, File &) {
        auto *epoll = world.descriptors.find_as<Epoll>(epoll_fd, FileType::epoll);
        if (!epoll) ++world.bad_descriptors;
        return outcome(epoll ? epoll->change(change, fd, events, token) : EBADF);
    });
}

Result<int> epoll_wait(int epoll_fd, EpollEvent *events, int capacity, int64_t timeout_ns) {
    return simulate<int>(Op::epoll_wait, epoll_fd, [=](World &world, int injected) {
        if (injected != 0) return Result<int>::failure(injected);
        auto epoll = std::static_pointer_cast<Epoll>(world.descriptors.share(epoll_fd));
        if (!epoll || epoll->type != FileType::epoll) {
            ++world.bad_descriptors;
            return Result<int>::failure(EBADF);
        }
        std::vector<EpollEvent> found;
        wait_until(world, timeout_ns, [&] {
            found = batch(world, *epoll, static_cast<size_t>(capacity));
            return found.size();
        });
        std::copy(found.begin(), found.end(), events);
        world.wait_ended(found.size());
        return Result<int>{static_cast<int>(found.size()), 0};
    });
}

Result<int> poll(PollEntry *entries, size_t count, int64_t timeout_ns) {
    return simulate<int>(Op::poll, -1, [=](World &world, int injected) {
        if (injected != 0) return Result<int>::failure(injected);
        const size_t found = wait_until(world, timeout_ns, [&] {
            size_t ready = 0;
            for (size_t i = 0; i < count; ++i) {
                const File *file = world.descriptors.find(entries[i].fd);
                const auto wanted = static_cast<uint32_t>(static_cast<uint16_t>(entries[i].events));
                uint32_t bits = file ? visible(file->readiness(), wanted) : ready_nval;
                if (bits == 0 && wanted & ready_in && world.faults.strikes(Quirk::spurious_ready)) bits = ready_in;
                entries[i].ready = static_cast<short>(bits);
                ready += bits != 0;
            }
            return ready;
        });
        world.wait_ended(found);
        return Result<int>{static_cast<int>(found), 0};
    });
}

Result<UniqueFd> eventfd_open() {
    return simulate<UniqueFd>(Op::eventfd, -1, [](World &world, int injected) {
        return open_file(world, injected, std::make_shared<EventFd>());
    });
}

void eventfd_signal(int fd) {
    simulate_on<Nothing>(Op::eventfd_signal, fd, [](World &, File &file) {
        ++static_cast<EventFd &>(file).count;
        return Result<Nothing>{};
    });
}

// Timers are drained the same way.
void eventfd_drain(int fd) {
    simulate_on<Nothing>(Op::eventfd_drain, fd, [](World &world, File &file) {
        if (file.type == FileType::event) {
            uint64_t &count = static_cast<EventFd &>(file).count;
            return outcome(std::exchange(count, 0) != 0 ? 0 : EAGAIN);
        }
        int64_t &deadline = static_cast<TimerFd &>(file).deadline;
        if (deadline < 0 || deadline > world.now) return outcome(EAGAIN);
        deadline = -1;
        return Result<Nothing>{};
    });
}

Result<UniqueFd> timerfd_open() {
    return simulate<UniqueFd>(Op::timerfd, -1, [](World &world, int injected) {
        return open_file(world, injected, std::make_shared<TimerFd>());
    });
}

Result<Nothing> timerfd_set(int fd, int64_t deadline_ns) {
    return simulate_on<Nothing>(Op::timerfd_set, fd, [=](World &world, File &file) {
        static_cast<TimerFd &>(file).deadline = deadline_ns;
        if (deadline_ns >= 0) world.at(deadline_ns, [] {});
        return Result<Nothing>{};
    });
}

}  // namespace ioloop::os
