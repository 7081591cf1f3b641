// Scripted remote ends: they live in the world, not in the library, and do what they were told to, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net.h"

namespace sim {

class Peer : public std::enable_shared_from_this<Peer> {
public:
    // Takes one end of a connection. Peers live as long as the caller keeps them.
    static std::shared_ptr<Peer> take(World &world, std::shared_ptr<Conn> conn, int side);
    // A client of whoever listens at the address; null when nobody does.
    static std::shared_ptr<Peer> connect(World &world, const os::Address &address);
    ~Peer();

    // The script: each step begins when the one before is done, and `delay` has passed.
    Peer &send(std::string bytes, int64_t delay = 0);
    Peer &drip(const std::string &bytes, int64_t gap);  // one byte at a time
    Peer &end(int64_t delay = 0);                       // no more data from here
    Peer &reset(int64_t delay = 0);
    Peer &close(int64_t delay = 0);                      // with unread data that is a reset
    Peer &wait_for(size_t received, int64_t delay = 0);  // until so many bytes have come, or the end
    Peer &wait_for_end();

    // How it reads: everything at once, nothing, or so many bytes at a time.
    enum class Reading : uint8_t { all, none, slowly };
    Peer &read(Reading how, size_t bytes = 1, int64_t gap = 1'000'000);

    std::string received;
    std::function<void(Peer &)> on_data;  // after received has grown, the end has come, or all is broken
    bool saw_end = false;
    bool broken = false;  // reset by the other side
    bool closed = false;
    bool idle() const { return script_.empty(); }
    Conn &conn() { return *conn_; }
    int side() const { return side_; }

    void connection_changed();

private:
    enum class Do : uint8_t { send, end, reset, close, wait, wait_end };
    struct Step {
        Do what;
        std::string bytes;
        size_t amount;
        int64_t delay;
    };

    Peer(World &world, std::shared_ptr<Conn> conn, int side);
    Peer &add(Do what, std::string bytes, size_t amount, int64_t delay);
    void advance();
    bool perform(Step &step);
    void take_in();
    void read_later();
    void wake(int64_t delay);

    World &world_;
    std::shared_ptr<Conn> conn_;
    int side_;
    std::deque<Step> script_;
    Reading reading_ = Reading::all;
    size_t bite_ = 1;
    int64_t gap_ = 0;
    bool waiting_ = false;  // for the delay of a step
    bool bite_planned_ = false;
    bool running_ = false;
};

}  // namespace sim
