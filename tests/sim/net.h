// The network model: connections between two ends with bounded buffers, and who listens where. TCP has latency,
// segments, refusals and resets; Unix sockets and pairs hand bytes over at once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "descriptors.h"
#include "os/address.h"

namespace sim {

class World;
class Conn;
class Socket;
class Peer;

// Bytes in order, taken from the front.
class Bytes {
public:
    size_t size() const { return data_.size() - head_; }
    bool empty() const { return size() == 0; }
    const char *front() const { return data_.data() + head_; }
    void push(const char *data, size_t n) { data_.append(data, n); }
    void drop(size_t n) {
        head_ += n;
        if (head_ == data_.size()) clear();
        if (head_ > 65536) data_.erase(0, head_), head_ = 0;
    }
    void clear() { data_.clear(), head_ = 0; }

private:
    std::string data_;
    size_t head_ = 0;
};

// One end of a connection, as the kernel keeps it.
struct End {
    Bytes in, out;  // received and not read; taken from the sender and not yet arrived
    size_t in_capacity = 65536, out_capacity = 65536;
    os::Address address;
    bool held = true;         // by a socket, a peer, or the queue of a listener
    bool fin_queued = false;  // this side's data is over
    bool fin_sent = false;    // and the other side knows
    bool fin_seen = false;    // the other side's data is over
    bool dead = false;        // broken: nothing moves any more
    bool moving = false;      // out is on its way
    int error = 0;            // SO_ERROR
    Peer *peer = nullptr;     // told of changes
};

class Conn : public std::enable_shared_from_this<Conn> {
public:
    Conn(World &world, bool local) : world_(world), local_(local) {}

    End ends[2];
    bool self = false;          // a client that met itself: one end, talking to itself
    int64_t blocked_until = 0;  // nothing arrives before
    int64_t latency = 0;

    Result<size_t> receive(int side, const os::Slice *slices, size_t count);
    Result<size_t> send(int side, const os::Slice *slices, size_t count);
    int shutdown_write(int side);
    void close(int side);
    // This side breaks the connection: it has `error` from now on, the other one hears of it later.
    void abort(int side, int error);
    uint32_t readiness(int side) const;
    size_t room(int side) const;
    void kick(int side);  // something to send, or room for it
    bool local() const { return local_; }

private:
    int other(int side) const { return self ? side : 1 - side; }
    void move(int side);
    void deliver_end(int side);
    void reset_arrives(int side);
    void changed(int side);

    World &world_;
    bool local_;
};

// Where connections arrive: a listening socket, or a scripted one.
struct Listening {
    os::Address address;
    size_t backlog = 128;
    std::deque<std::pair<std::shared_ptr<Conn>, int>> queue;
    std::function<void(std::shared_ptr<Conn>, int)> scripted;  // takes connections at once
};

class Socket final : public File {
public:
    explicit Socket(os::Family which) : File(FileType::socket), family(which) {}
    uint32_t readiness() const override;
    void last_close() override;
    int take_error();
    void fail_connect(int error);

    enum class State : uint8_t { fresh, listening, connecting, connected, failed };
    const os::Family family;
    State state = State::fresh;
    int error = 0;
    os::Address local;
    std::shared_ptr<Listening> listening;
    std::shared_ptr<Conn> conn;
    int side = 0;
};

class Network {
public:
    explicit Network(World &world) : world_(world) {}

    int bind(Socket &socket, const os::Address &address);
    int listen(const std::shared_ptr<Socket> &socket, int backlog);
    // 0 when connected at once, else an errno: EINPROGRESS when the answer comes later.
    int connect(const std::shared_ptr<Socket> &socket, const os::Address &address);
    std::shared_ptr<Conn> make_pair(os::Family family);
    // A scripted place that takes connections.
    std::shared_ptr<Listening> listen_scripted(const os::Address &address,
                                               std::function<void(std::shared_ptr<Conn>, int)> on_accept);
    // A scripted client: the connection, its end 0 the client's, or null when refused.
    std::shared_ptr<Conn> connect_scripted(const os::Address &address);
    void close(const std::shared_ptr<Listening> &listening);
    std::shared_ptr<Listening> find(const os::Address &address) const;

    os::Address free_address(os::Family family);
    void blackhole(const os::Address &address) { black_.push_back(address); }
    void reset_some();
    void stall_some(int64_t until);
    void partition(int64_t until);
    void heal();
    void clear();
    int64_t partitioned_until = 0;

    // Ranges from which connections draw.
    size_t least_buffer = 1024, most_buffer = 65536;
    int64_t most_latency = 2'000'000;

private:
    std::shared_ptr<Conn> new_conn(bool local);
    void put(Listening &listening, const std::shared_ptr<Conn> &conn);
    void attempt(const std::shared_ptr<Socket> &socket, const os::Address &address, int tries);
    void meet_itself(Socket &socket, const os::Address &address);
    int connect_local(Socket &socket, const os::Address &address);
    std::vector<std::shared_ptr<Conn>> living();

    World &world_;
    std::vector<std::shared_ptr<Listening>> places_;
    std::vector<std::weak_ptr<Conn>> conns_;
    std::vector<os::Address> black_;
    uint16_t next_port_ = 32768;
};

}  // namespace sim
