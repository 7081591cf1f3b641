// Sockets, listening, connecting, and disturbances of the whole network.
#include "net.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/readiness.h"
#include "peers.h"
#include "world.h"

namespace sim {

uint32_t Socket::readiness() const {
    switch (state) {
        case State::fresh:
            return os::ready_out | os::ready_hup;
        case State::listening:
            return listening->queue.empty() ? 0 : os::ready_in;
        case State::connecting:
            return 0;
        case State::connected:
            return conn->readiness(side);
        case State::failed:
            return os::ready_in | os::ready_out | os::ready_hup | (error != 0 ? os::ready_err : 0);
    }
    return 0;
}

void Socket::last_close() {
    if (listening) World::current().net.close(listening);
    listening = nullptr;
    if (conn) conn->close(side);
    conn = nullptr;
    state = State::failed;
}

int Socket::take_error() { return std::exchange(conn ? conn->ends[side].error : error, 0); }

void Socket::fail_connect(int reason) {
    if (state != State::connecting) return;
    state = State::failed;
    error = reason;
}

std::shared_ptr<Listening> Network::find(const os::Address &address) const {
    for (const auto &place : places_) {
        if (place->address == address) return place;
    }
    if (address.family() == os::Family::local) return nullptr;
    os::Address any;
    os::parse_numeric(address.family() == os::Family::ipv4 ? "0.0.0.0" : "::", address.port(), &any);
    for (const auto &place : places_) {
        if (place->address == any) return place;
    }
    return nullptr;
}

os::Address Network::free_address(os::Family family) {
    os::Address address;
    do {
        os::parse_numeric(family == os::Family::ipv6 ? "::1" : "127.0.0.1", next_port_++, &address);
        if (next_port_ == 0) next_port_ = 32768;
    } while (find(address));
    return address;
}

int Network::bind(Socket &socket, const os::Address &address) {
    if (socket.state != Socket::State::fresh || socket.local.size != 0) return EINVAL;
    if (address.family() != socket.family) return EAFNOSUPPORT;
    os::Address wanted = address;
    if (address.family() == os::Family::local) {
        if (!os::is_abstract(address)) {
            const std::string path(os::local_path(address));
            if (world_.files.count(path)) return EADDRINUSE;
            world_.files[path] = {1, world_.next_inode++, true};
        }
    } else {
        os::Address local[4];
        const char *const texts[] = {"127.0.0.1", "0.0.0.0", "::1", "::"};
        bool ours = false;
        for (size_t i = 0; i < 4; ++i) {
            os::parse_numeric(texts[i], address.port(), &local[i]);
            ours = ours || local[i] == address;
        }
        if (!ours) return EADDRNOTAVAIL;
        if (address.port() == 0) wanted.set_port(free_address(address.family()).port());
    }
    if (find(wanted)) return EADDRINUSE;
    socket.local = wanted;
    return 0;
}

int Network::listen(const std::shared_ptr<Socket> &socket, int backlog) {
    if (socket->state == Socket::State::listening) return 0;
    if (socket->state != Socket::State::fresh) return EINVAL;
    if (socket->local.size == 0) socket->local = free_address(socket->family);
    if (find(socket->local)) return EADDRINUSE;
    socket->listening = std::make_shared<Listening>();
    socket->listening->address = socket->local;
    socket->listening->backlog = static_cast<size_t>(std::max(backlog, 0)) + 1;
    socket->state = Socket::State::listening;
    places_.push_back(socket->listening);
    return 0;
}

std::shared_ptr<Listening> Network::listen_scripted(const os::Address &address,
                                                    std::function<void(std::shared_ptr<Conn>, int)> on_accept) {
    auto place = std::make_shared<Listening>();
    place->address = address;
    place->scripted = std::move(on_accept);
    places_.push_back(place);
    return place;
}

// Connections that nobody has taken are reset.
void Network::close(const std::shared_ptr<Listening> &listening) {
    std::erase(places_, listening);
    for (auto &[conn, side] : listening->queue) {
        conn->ends[side].held = false;
        conn->abort(side, 0);
    }
    listening->queue.clear();
}

std::shared_ptr<Conn> Network::new_conn(bool local) {
    auto conn = std::make_shared<Conn>(world_, local);
    const bool tiny = world_.faults.strikes(Quirk::tiny_buffers);
    for (End &end : conn->ends) {
        end.in_capacity = tiny ? world_.faults.random.between(1, 64) : world_.random.between(least_buffer, most_buffer);
        end.out_capacity =
            tiny ? world_.faults.random.between(1, 64) : world_.random.between(least_buffer, most_buffer);
    }
    conn->latency = local ? 0 : static_cast<int64_t>(world_.random.below(static_cast<uint64_t>(most_latency) + 1));
    std::erase_if(conns_, [](auto &old) { return old.expired(); });
    conns_.push_back(conn);
    return conn;
}

std::shared_ptr<Conn> Network::make_pair(os::Family family) { return new_conn(family == os::Family::local); }

void Network::put(Listening &listening, const std::shared_ptr<Conn> &conn) {
    if (listening.scripted) {
        listening.scripted(conn, 1);
    } else {
        listening.queue.emplace_back(conn, 1);
    }
}

int Network::connect_local(Socket &socket, const os::Address &address) {
    if (!os::is_abstract(address) && !world_.files.count(std::string(os::local_path(address)))) return ENOENT;
    auto place = find(address);
    if (!place) return ECONNREFUSED;
    if (place->queue.size() >= place->backlog) return EAGAIN;
    socket.conn = new_conn(true);
    socket.conn->ends[0].address = socket.local;
    socket.conn->ends[1].address = address;
    socket.side = 0;
    socket.state = Socket::State::connected;
    put(*place, socket.conn);
    return 0;
}

int Network::connect(const std::shared_ptr<Socket> &socket, const os::Address &address) {
    switch (socket->state) {
        case Socket::State::connecting:
            return EALREADY;
        case Socket::State::connected:
            return EISCONN;
        case Socket::State::listening:
            return EISCONN;
        case Socket::State::failed:
            return ECONNABORTED;
        case Socket::State::fresh:
            break;
    }
    if (address.family() != socket->family) return EAFNOSUPPORT;
    if (address.family() == os::Family::local) return connect_local(*socket, address);
    if (socket->local.size == 0) socket->local = free_address(socket->family);
    socket->state = Socket::State::connecting;
    if (world_.faults.strikes(Quirk::blackhole)) black_.push_back(address);
    const int64_t delay = 1 + static_cast<int64_t>(world_.random.below(static_cast<uint64_t>(most_latency) + 1));
    world_.after(delay, [this, weak = std::weak_ptr(socket), address] {
        if (auto alive = weak.lock()) attempt(alive, address, 0);
    });
    return EINPROGRESS;
}

// One try to reach the other side, as one SYN: lost ones are sent again after 1, 2, 4 ... seconds.
void Network::attempt(const std::shared_ptr<Socket> &socket, const os::Address &address, int tries) {
    if (socket->state != Socket::State::connecting) return;
    const bool lost =
        std::find(black_.begin(), black_.end(), address) != black_.end() || partitioned_until > world_.now;
    auto place = lost ? nullptr : find(address);
    if (lost || (place && place->queue.size() >= place->backlog)) {
        if (tries == 6) return socket->fail_connect(ETIMEDOUT);
        world_.after(second << tries, [this, weak = std::weak_ptr(socket), address, tries] {
            if (auto alive = weak.lock()) attempt(alive, address, tries + 1);
        });
        return;
    }
    if (!place && world_.faults.strikes(Quirk::self_connect)) return meet_itself(*socket, address);
    if (!place || world_.faults.strikes(Quirk::late_refusal)) return socket->fail_connect(ECONNREFUSED);
    socket->conn = new_conn(false);
    socket->conn->ends[0].address = socket->local;
    socket->conn->ends[1].address = address;
    socket->side = 0;
    socket->state = Socket::State::connected;
    put(*place, socket->conn);
}

void Network::meet_itself(Socket &socket, const os::Address &address) {
    socket.local = address;
    socket.conn = new_conn(false);
    socket.conn->self = true;
    socket.conn->ends[0].address = socket.conn->ends[1].address = address;
    socket.side = 0;
    socket.state = Socket::State::connected;
}

std::shared_ptr<Conn> Network::connect_scripted(const os::Address &address) {
    auto place = find(address);
    if (!place || place->queue.size() >= place->backlog) return nullptr;
    const bool local = address.family() == os::Family::local;
    auto conn = new_conn(local);
    if (!local) conn->ends[0].address = free_address(address.family());
    conn->ends[1].address = address;
    put(*place, conn);
    return conn;
}

std::vector<std::shared_ptr<Conn>> Network::living() {
    std::vector<std::shared_ptr<Conn>> found;
    for (auto &weak : conns_) {
        auto conn = weak.lock();
        if (conn && !conn->local() && !(conn->ends[0].dead && conn->ends[1].dead)) found.push_back(conn);
    }
    return found;
}

void Network::reset_some() {
    auto conns = living();
    if (conns.empty()) return;
    Conn &conn = *conns[world_.faults.random.below(conns.size())];
    conn.abort(static_cast<int>(world_.faults.random.below(2)), ECONNRESET);
}

void Network::stall_some(int64_t until) {
    auto conns = living();
    if (!conns.empty()) conns[world_.faults.random.below(conns.size())]->blocked_until = until;
}

void Network::partition(int64_t until) { partitioned_until = until; }

void Network::heal() {
    partitioned_until = 0;
    black_.clear();
    for (auto &conn : living()) {
        conn->blocked_until = 0;
        conn->latency = std::min<int64_t>(conn->latency, millisecond);
        for (End &end : conn->ends) {
            end.in_capacity = std::max<size_t>(end.in_capacity, 4096);
            end.out_capacity = std::max<size_t>(end.out_capacity, 4096);
        }
        for (int side : {0, 1}) {
            conn->ends[side].moving = false;
            conn->kick(side);
        }
    }
    most_latency = std::min<int64_t>(most_latency, millisecond);
}

void Network::clear() {
    places_.clear();
    conns_.clear();
}

}  // namespace sim
