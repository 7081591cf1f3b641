// H_B10: both back ends watch the same descriptors while things happen to them at random, and must report the same.
#include "poller_fixture.h"

#include <random>

namespace ioloop {
namespace {

class Differential {
public:
    explicit Differential(uint32_t seed) : random_(seed) {
        EXPECT_EQ(epoll_.open(Poller::epoll), IOLOOP_OK);
        EXPECT_EQ(poll_.open(Poller::poll), IOLOOP_OK);
        for (Slot &slot : slots_) renew(slot);
    }
    ~Differential() {
        for (Slot &slot : slots_) unwatch(slot);
    }

    void step() {
        Slot &slot = slots_[random_() % std::size(slots_)];
        switch (random_() % 8) {
            case 0: act(slot.far.get(), static_cast<unsigned>(random_() % 3)); break;
            case 1: act(slot.near.get(), static_cast<unsigned>(random_() % 2)); break;
            case 2: drain(slot.near.get()); break;
            case 3:
                if (slot.far.valid()) drain(slot.far.get());
                break;
            case 4:
                slot.far.reset();
                break;
            case 5:
                unwatch(slot);
                if (random_() % 2) renew(slot);
                else watch(slot);
                break;
            default: {
                uint32_t events = random_events();
                epoll_.set(slot.near.get(), events);
                poll_.set(slot.near.get(), events);
            }
        }
    }

    std::map<int, uint32_t> look(bool with_poll) {
        Poller &poller = with_poll ? poll_ : epoll_;
        Ready ready[32];
        Result<size_t> result = poller.wait(ready, 32, 0);
        EXPECT_TRUE(result.ok());
        std::map<int, uint32_t> events;
        for (size_t i = 0; i < result.value; ++i) events[token_fd(ready[i].token)] = ready[i].events;
        return events;
    }

    bool counts_agree() const { return epoll_.changes == poll_.changes && epoll_.size() == poll_.size(); }

private:
    struct Slot {
        os::UniqueFd near, far;
    };

    uint32_t random_events() {
        const uint32_t choices[] = {no_bits,   read_bit,   write_bit,
                                    read_bit | write_bit, error_bits, read_bit | error_bits};
        return choices[random_() % std::size(choices)];
    }

    static void act(int fd, unsigned kind) {
        if (fd < 0) return;
        std::string block(1 << 14, 'x');
        if (kind == 2) {
            shutdown(fd, SHUT_WR);
            return;
        }
        // One byte, or as much as there is room for.
        while (::send(fd, block.data(), kind == 0 ? 1 : block.size(), MSG_NOSIGNAL) > 0 && kind == 1) {
        }
    }

    void renew(Slot &slot) {
        auto pair = os::open_socket_pair().value;
        slot.near = std::move(pair.first);
        slot.far = std::move(pair.second);
        watch(slot);
    }

    void watch(Slot &slot) {
        uint32_t events = random_events();
        bool now = random_() % 2;
        uint64_t first = 0, second = 0;
        EXPECT_EQ(epoll_.add(slot.near.get(), events, now, &first), IOLOOP_OK);
        EXPECT_EQ(poll_.add(slot.near.get(), events, now, &second), IOLOOP_OK);
        EXPECT_EQ(first, second);
    }

    void unwatch(Slot &slot) {
        epoll_.remove(slot.near.get());
        poll_.remove(slot.near.get());
    }

    Poller epoll_, poll_;
    Slot slots_[6];
    std::mt19937 random_;
};

TEST(PollerDifferential, H_B10_random_scripts_give_the_same_events) {
    for (uint32_t seed = 0; seed < 50; ++seed) {
        Differential both(seed);
        for (int step = 0; step < 400; ++step) {
            both.step();
            auto on_epoll = both.look(false), on_poll = both.look(true);
            ASSERT_EQ(on_epoll, on_poll) << "seed " << seed << " step " << step;
            ASSERT_TRUE(both.counts_agree()) << "seed " << seed << " step " << step;
        }
    }
}

}  // namespace
}  // namespace ioloop
