// The loop's life and its entry points; the turn itself is in turn.cc.
#include "loop/loop.h"

#include <cstring>

#include "os/clock.h"
#include "os/error.h"
#include "os/process.h"
#include "os/readiness.h"

namespace ioloop {

namespace {
constexpr uint32_t loop_magic = 0x494f4c31;
constexpr size_t ready_capacity = 512;
static_assert(Poller::automatic == IOLOOP_BACKEND_AUTO && Poller::epoll == IOLOOP_BACKEND_EPOLL &&
              Poller::poll == IOLOOP_BACKEND_POLL);
}  // namespace

constinit ObjectPool Loop::pool{sizeof(HandleHeader) + sizeof(Loop), loop_magic};

Loop::Loop(const ioloop_options_t &given)
    : options(given),
      chunks(given.chunk_size, given.max_pooled_chunks),
      timers(os::monotonic_ns()),
      timeouts(*this),
      handlers(*this),
      signals(*this),
      fork_generation_(os::fork_generation()),
      now_ns_(os::monotonic_ns()) {}

Status Loop::create(Loop **out_loop, const ioloop_options_t &options, int *out_errno) {
    void *memory = pool.take();
    if (!memory) return IOLOOP_ENOMEM;
    Loop *loop = nullptr;
    Status status = IOLOOP_ENOMEM;
    try {
        loop = new (object_memory(memory)) Loop(options);
        status = loop->open(out_errno);
    } catch (const std::bad_alloc &) {
        status = IOLOOP_ENOMEM;
    }
    if (status != IOLOOP_OK) {
        if (loop) loop->~Loop();
        pool.give(memory);
        return status;
    }
    set_alive(loop, true);
    *out_loop = loop;
    return IOLOOP_OK;
}

Status Loop::open(int *out_errno) {
    Status status = poller_.open(options.backend);
    if (status != IOLOOP_OK) {
        *out_errno = poller_.last_errno;
        return status;
    }
    auto wake = os::eventfd_open();
    if (!wake.ok()) {
        *out_errno = wake.error;
        return os::to_status(wake.error);
    }
    wake_fd_ = std::move(wake.value);
    ready_.resize(ready_capacity);
    status = inbox.open(wake_fd_.get(), options.max_posted);
    if (status != IOLOOP_OK) return status;
    return watch(wake_fd_.get(), IOLOOP_READ, *this, true);
}

Loop::~Loop() {
    if (abandoned_) {
        inbox.abandon();
    } else {
        inbox.close();
    }
    while (!objects_.empty()) {
        LoopObject &object = objects_.front();
        object.leave_loop();
        object.destroy();
    }
    free_retired();
    handlers.remove_all(false);
    signals.remove_all();
    discard_all();
}

void Loop::discard_all() {
    inbox.take(callbacks_, callbacks_);
    CompletionList *lists[] = {&snapshot_, &callbacks_, &calls_, &later_, &later_events_, &events_};
    for (CompletionList *list : lists) {
        while (Completion *item = list->pop_front()) item->discard();
    }
    lent_.clear();
}

void Loop::free() {
    set_alive(this, false);
    if (fork_generation_ != os::fork_generation()) abandoned_ = true;
    if (running() && !abandoned_) {
        free_requested_ = true;
        inbox.refuse();
        return;
    }
    this->~Loop();
    pool.give(handle_of(this));
}

void Loop::close(bool close_descriptors, Status reason) {
    if (closed_) return;
    closed_ = true;
    inbox.refuse();
    stats.posted += inbox.take(callbacks_, events_);
    handlers.remove_all(close_descriptors);
    signals.remove_all();
    timeouts.cancel_all();
    List<LoopObject, OwnedTag> open;
    open.splice(objects_);
    while (LoopObject *object = open.pop_front()) {
        objects_.push_back(*object);
        object->shut(reason);
    }
    events_.splice(later_events_);
    complete(closed_event_, true);
}

Status Loop::check_caller() const {
    if (fork_generation_ != os::fork_generation()) return IOLOOP_EFORKED;
    uintptr_t owner = owner_.load(std::memory_order_relaxed);
    return owner == 0 || owner == os::thread_id() ? IOLOOP_OK : IOLOOP_ETHREAD;
}

// Marks the loop as running, on this thread, for a scope.
class Loop::Running {
public:
    explicit Running(Loop &loop) : loop_(loop) {
        if (loop.fork_generation_ != os::fork_generation()) {
            status = IOLOOP_EFORKED;
        } else if (loop.running_.exchange(true)) {
            status = IOLOOP_ESTATE;
        } else {
            loop.owner_.store(os::thread_id(), std::memory_order_relaxed);
            loop.inbox.awake();
        }
    }
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;
    ~Running() {
        if (status != IOLOOP_OK) return;
        if (loop_.embedded_) loop_.arm_native_timer();
        loop_.running_.store(false);
        if (loop_.free_requested_) {
            loop_.~Loop();
            pool.give(handle_of(&loop_));
        }
    }
    Status status = IOLOOP_OK;

private:
    Loop &loop_;
};

Status Loop::start() {
    Running running(*this);
    if (running.status != IOLOOP_OK) return running.status;
    while (!free_requested_) {
        if (stop_.load()) {
            stop_.store(false);
            break;
        }
        if (finished()) return IOLOOP_ECLOSED;
        run_turn(INT64_MAX);
        inbox.take_wake();
        if (std::exchange(poller_failed_, false)) return IOLOOP_ESYS;
    }
    return IOLOOP_OK;
}

Status Loop::stop() {
    stop_.store(true);
    inbox.notify();
    return IOLOOP_OK;
}

Status Loop::run_once(int64_t timeout_ns) {
    Running running(*this);
    if (running.status != IOLOOP_OK) return running.status;
    if (finished()) return IOLOOP_ECLOSED;
    single_turn_ = true;
    int32_t count = run_turn(os::deadline_after(timeout_ns));
    single_turn_ = false;
    inbox.take_wake();
    stop_.store(false);
    return std::exchange(poller_failed_, false) ? IOLOOP_ESYS : count;
}

Status Loop::poll(ioloop_event_t *events, uint32_t capacity, int64_t timeout_ns) {
    Running running(*this);
    if (running.status != IOLOOP_OK) return running.status;
    lent_.clear();
    lent_.reserve(capacity);
    const int64_t deadline = os::deadline_after(timeout_ns);
    while (events_.empty()) {
        if (finished()) return IOLOOP_ECLOSED;
        polling_ = true;
        run_turn(deadline);
        polling_ = false;
        if (std::exchange(poller_failed_, false)) return IOLOOP_ESYS;
        bool woken = inbox.take_wake();
        bool stopped = stop_.exchange(false);
        if (woken || stopped || free_requested_ || os::monotonic_ns() >= deadline) break;
    }
    if (free_requested_) return IOLOOP_ECLOSED;
    uint32_t count = 0;
    while (count < capacity) {
        Completion *completion = events_.pop_front();
        if (!completion) break;
        std::memset(&events[count], 0, sizeof events[count]);
        if (completion->report(&events[count])) ++count;
    }
    return static_cast<int32_t>(count);
}

void Loop::arm_native_timer() {
    if (has_work() || !events_.empty() || !flush_.empty() || !inbox.prepare_sleep()) os_wake();
    poller_.apply();
    if (poller_.refusals_pending()) os_wake();
    int64_t next = timers.empty() ? -1 : timers.next_deadline_ns();
    if (next == armed_native_ns_) return;
    armed_native_ns_ = next;
    os::timerfd_set(timer_fd_.get(), next);
}

int32_t Loop::native_fd() {
    if (poller_.native_fd() < 0) return IOLOOP_ENOTSUP;
    if (!embedded_) {
        auto timer = os::timerfd_open();
        if (!timer.ok()) {
            remember_error(os::to_status(timer.error), timer.error);
            return os::to_status(timer.error);
        }
        timer_fd_ = std::move(timer.value);
        Status status = watch(timer_fd_.get(), IOLOOP_READ, *this, true);
        if (status != IOLOOP_OK) {
            timer_fd_.reset();
            return status;
        }
        embedded_ = true;
        if (!running()) arm_native_timer();
    }
    return poller_.native_fd();
}

int64_t Loop::next_timeout_ns() {
    if (!events_.empty()) return 0;
    return wait_ns(INT64_MAX);
}

void Loop::on_ready(uint32_t) {
    note_progress();
    os::eventfd_drain(wake_fd_.get());
    if (embedded_) {
        os::eventfd_drain(timer_fd_.get());
        armed_native_ns_ = -1;
    }
}

void Loop::os_wake() { os::eventfd_signal(wake_fd_.get()); }

Status Loop::watch(int fd, uint32_t events, Watcher &watcher, bool now) {
    uint64_t token = 0;
    Status status = poller_.add(fd, events, now, &token);
    if (status != IOLOOP_OK) {
        remember_error(status, poller_.last_errno);
        return status;
    }
    const auto index = static_cast<size_t>(fd);
    try {
        if (index >= watchers_.size()) watchers_.resize(index + 1);
    } catch (const std::bad_alloc &) {
        poller_.remove(fd);
        return IOLOOP_ENOMEM;
    }
    watchers_[index] = &watcher;
    request_turn();
    return IOLOOP_OK;
}

void Loop::set_interest(int fd, uint32_t events) {
    poller_.set(fd, events);
    request_turn();
}

void Loop::unwatch(int fd) {
    if (!abandoned_) poller_.remove(fd);
    watchers_[static_cast<size_t>(fd)] = nullptr;
}

void Loop::descriptor_closed() {
    List<LoopObject, WorkTag> batch;
    batch.splice(starved_);
    while (LoopObject *object = batch.pop_front()) next_turn(*object);
}

void Loop::complete(Completion &completion, bool pull) {
    ++stats.completions;
    (pull ? events_ : calls_).push_back(completion);
    request_turn();
}

void Loop::complete_next_turn(Completion &completion, bool pull) {
    ++stats.completions;
    (pull ? later_events_ : later_).push_back(completion);
    request_turn();
}

void Loop::before_wait(LoopObject &object) {
    object.drop_work();
    flush_.push_back(object);
    request_turn();
}

void Loop::next_turn(LoopObject &object) {
    object.drop_work();
    resume_.push_back(object);
    request_turn();
}

void Loop::retire(LoopObject &object) {
    object.leave_loop();
    if (in_turn_) {
        retired_.push_back(object);
    } else {
        object.destroy();
    }
}

Status Loop::post(UserCall<ioloop_callback_fn> call) { return inbox.post(call); }

void Loop::fill_stats(ioloop_stats_t *out) const {
    ioloop_stats_t all = stats;
    all.size = out->size;
    all.interest_changes = poller_.changes;
    all.handlers = poller_.size() - 1 - (embedded_ ? 1 : 0);
    all.timeouts = timeouts.armed();
    all.bytes_copied += chunks.bytes_copied;
    all.chunks_pooled = chunks.free_chunks();
    std::memcpy(out, &all, out->size);
}

}  // namespace ioloop
