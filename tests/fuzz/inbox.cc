// The queue of callbacks from other threads against a list: order, bounds, the wake-up, and every ctx released once.
#include <deque>
#include <memory>

#include "input.h"
#include "ioloop/base.h"
#include "loop/inbox.h"
#include "os/descriptor.h"
#include "os/readiness.h"

using namespace ioloop;

namespace {

struct Posted {
    bool from_signal = false;
    bool with_fn = false;
    int runs = 0;
    int released = 0;
};

class Pair {
public:
    Pair(fuzz::Input &input, int wake_fd)
        : in_(input), wake_fd_(wake_fd), most_(static_cast<uint32_t>(input.pick(40))) {
        FUZZ_CHECK(inbox_->post({nullptr, nullptr, nullptr}) == IOLOOP_ECLOSED);
        FUZZ_CHECK(inbox_->open(wake_fd, most_) == IOLOOP_OK);
    }

    void step() {
        switch (in_.pick(12)) {
            case 0:
            case 1:
            case 2:
                for (size_t n = 1 + in_.pick(8); n > 0; --n) post();
                return;
            case 3:
                for (size_t n = in_.pick(4) == 0 ? 300 : 1; n > 0; --n) post_from_signal();
                return;
            case 4: return wake();
            case 5: return take();
            case 6: return sleep();
            case 7: return deliver();
            case 8:
                FUZZ_CHECK(inbox_->take_wake() == woken_);
                woken_ = false;
                return;
            case 9:
                inbox_->awake();
                asleep_ = false;
                return;
            default:
                if (in_.pick(6) != 0) return;
                in_.pick(2) == 0 ? inbox_->refuse() : inbox_->close();
                closed_ = true;
        }
    }

    void check() {
        FUZZ_CHECK(inbox_->empty() == queued_.empty());
        os::PollEntry entry{wake_fd_, 1, 0};
        FUZZ_CHECK(os::poll(&entry, 1, 0).value == (signalled_ ? 1 : 0));
    }

    void finish() {
        // What was taken is the loop's, which discards it when it ends; the rest the inbox releases.
        while (Completion *item = calls_.pop_front()) item->discard();
        while (Completion *item = events_.pop_front()) item->discard();
        inbox_.reset();
        for (const auto &each : all_) {
            FUZZ_CHECK(each->released == (each->from_signal ? 0 : 1));
            FUZZ_CHECK(each->runs <= 1);
        }
    }

private:
    static void run(void *ctx) {
        auto *posted = static_cast<Posted *>(ctx);
        FUZZ_CHECK(posted->released == 0);
        ++posted->runs;
    }
    static void release(void *ctx) { ++static_cast<Posted *>(ctx)->released; }

    Posted *make(bool from_signal, bool with_fn) {
        all_.push_back(std::make_unique<Posted>(Posted{from_signal, with_fn}));
        return all_.back().get();
    }
    void accepted(Posted *posted) {
        queued_.push_back(posted);
        if (asleep_) signalled_ = true;
        asleep_ = false;
    }
    void post() {
        Posted *posted = make(false, in_.pick(3) != 0);
        const Status status = inbox_->post({posted->with_fn ? run : nullptr, posted, release});
        const Status expected = closed_ ? IOLOOP_ECLOSED : queued_.size() >= most_ ? IOLOOP_EFULL : IOLOOP_OK;
        FUZZ_CHECK(status == expected);
        FUZZ_CHECK(posted->released == (status == IOLOOP_OK ? 0 : 1));
        if (status == IOLOOP_OK) accepted(posted);
    }
    void post_from_signal() {
        Posted *posted = make(true, true);
        const Status status = inbox_->post_from_signal(run, posted);
        FUZZ_CHECK(status == (closed_ ? IOLOOP_ECLOSED : slots_used_ == 256 ? IOLOOP_EFULL : IOLOOP_OK));
        if (status != IOLOOP_OK) return;
        ++slots_used_;
        accepted(posted);
    }
    void wake() {
        FUZZ_CHECK(inbox_->wake() == (closed_ ? IOLOOP_ECLOSED : IOLOOP_OK));
        if (closed_) return;
        woken_ = true;
        if (asleep_) signalled_ = true;
        asleep_ = false;
    }
    void take() {
        FUZZ_CHECK(inbox_->take(calls_, events_) == queued_.size());
        for (Posted *each : queued_) (each->with_fn ? call_order_ : event_order_).push_back(each);
        queued_.clear();
    }
    // What the loop does before and after it waits.
    void sleep() {
        const bool sleeps = inbox_->prepare_sleep();
        FUZZ_CHECK(sleeps == (queued_.empty() && !woken_));
        asleep_ = sleeps;
        if (!signalled_ || in_.pick(2) == 0) return;
        os::eventfd_drain(wake_fd_);
        signalled_ = false;
    }
    void deliver() {
        for (size_t n = 1 + in_.pick(16); n > 0; --n) {
            if (Completion *item = calls_.pop_front()) {
                Posted *expected = call_order_.front();
                call_order_.pop_front();
                if (expected->from_signal) --slots_used_;
                item->run();
                FUZZ_CHECK(expected->runs == 1 && expected->released == (expected->from_signal ? 0 : 1));
            }
            if (Completion *item = events_.pop_front()) {
                Posted *expected = event_order_.front();
                event_order_.pop_front();
                ioloop_event_t event{};
                FUZZ_CHECK(item->report(&event));
                FUZZ_CHECK(event.type == IOLOOP_EVENT_CALLBACK && event.tag == reinterpret_cast<uintptr_t>(expected));
                FUZZ_CHECK(expected->runs == 0 && expected->released == 1);
            }
        }
    }

    fuzz::Input &in_;
    int wake_fd_;
    uint32_t most_;
    std::unique_ptr<Inbox> inbox_ = std::make_unique<Inbox>();
    CompletionList calls_, events_;
    std::deque<Posted *> queued_, call_order_, event_order_;
    std::deque<std::unique_ptr<Posted>> all_;
    size_t slots_used_ = 0;
    bool asleep_ = false, woken_ = false, closed_ = false, signalled_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    auto wake_fd = os::eventfd_open();
    if (!wake_fd.ok()) return 0;
    {
        Pair pair(input, wake_fd.value.get());
        for (int i = 0; i < 300 && !input.empty(); ++i) {
            pair.step();
            pair.check();
        }
        pair.finish();
    }
    return 0;
}
