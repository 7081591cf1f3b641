// src/os/socket.h over the simulated world.
#include "os/socket.h"

#include <algorithm>

#include "call.h"

namespace ioloop::os {

using namespace sim;
using State = Socket::State;

Result<UniqueFd> open_stream_socket(Family family) {
    return simulate<UniqueFd>(Op::socket, -1, [family](World &world, int injected) {
        if (family == Family::none) injected = EAFNOSUPPORT;
        return open_file(world, injected, std::make_shared<Socket>(family));
    });
}

Result<SocketPair> open_socket_pair() {
    return simulate<SocketPair>(Op::socket_pair, -1, [](World &world, int injected) {
        if (injected == 0 && world.descriptors.open_count() + 2 > world.descriptors.limit) injected = EMFILE;
        if (injected != 0) return Result<SocketPair>::failure(injected);
        auto conn = world.net.make_pair(Family::local);
        Result<SocketPair> pair;
        UniqueFd *const fds[] = {&pair.value.first, &pair.value.second};
        for (int side : {0, 1}) {
            auto socket = std::make_shared<Socket>(Family::local);
            socket->state = State::connected;
            socket->conn = conn;
            socket->side = side;
            fds[side]->reset(world.descriptors.open(std::move(socket)));
        }
        return pair;
    });
}

Result<Nothing> bind(int fd, const Address &address) {
    return simulate_on_socket<Nothing>(
        Op::bind, fd, [&](World &world, Socket &socket) { return outcome(world.net.bind(socket, address)); });
}

Result<Nothing> listen(int fd, int backlog) {
    return simulate_on_socket<Nothing>(Op::listen, fd, [&](World &world, Socket &) {
        return outcome(world.net.listen(std::static_pointer_cast<Socket>(world.descriptors.share(fd)), backlog));
    });
}

Result<UniqueFd> accept(int fd) {
    return simulate<UniqueFd>(Op::accept, fd, [fd](World &world, int injected) {
        auto *listener = world.descriptors.find_as<Socket>(fd, FileType::socket);
        if (!listener) ++world.bad_descriptors;
        if (!listener || listener->state != State::listening)
            return Result<UniqueFd>::failure(listener ? EINVAL : EBADF);
        auto &queue = listener->listening->queue;
        // These errors are of the connection that would have been returned: it is gone.
        const bool takes = injected == ECONNABORTED || injected == EPROTO || injected == EPERM ||
                           injected == ENETDOWN || injected == EHOSTUNREACH || injected == EOPNOTSUPP;
        if (takes && !queue.empty()) {
            auto [conn, side] = queue.front();
            queue.pop_front();
            conn->ends[side].held = false;
            conn->abort(side, 0);
        }
        if (takes && injected != 0 && queue.empty()) injected = injected == ECONNABORTED ? injected : EAGAIN;
        if (injected != 0) return Result<UniqueFd>::failure(injected);
        if (queue.empty()) return Result<UniqueFd>::failure(EAGAIN);
        if (world.descriptors.full()) return Result<UniqueFd>::failure(EMFILE);
        auto [conn, side] = queue.front();
        queue.pop_front();
        auto socket = std::make_shared<Socket>(listener->family);
        socket->state = State::connected;
        socket->local = listener->local;
        socket->conn = conn;
        socket->side = side;
        return open_file(world, 0, std::move(socket));
    });
}

Result<Nothing> connect(int fd, const Address &address) {
    return simulate<Nothing>(Op::connect, fd, [&](World &world, int injected) {
        auto file = world.descriptors.share(fd);
        if (!file) ++world.bad_descriptors;
        if (!file || file->type != FileType::socket) return outcome(file ? ENOTSOCK : EBADF);
        auto socket = std::static_pointer_cast<Socket>(file);
        // Interrupted, it goes on all the same. A Unix socket is connected before anything could interrupt.
        if (injected == EINTR) {
            const int begun = world.net.connect(socket, address);
            return outcome(begun == EINPROGRESS ? EINTR : begun);
        }
        if (injected == EAGAIN && address.family() != Family::local) injected = EADDRNOTAVAIL;
        if (injected != 0 && socket->state == State::fresh) return outcome(injected);
        return outcome(world.net.connect(socket, address));
    });
}

namespace {

template <class F>
Result<size_t> transfer(Op op, int fd, F move) {
    return simulate<size_t>(op, fd, [&](World &world, int injected) {
        auto *socket = world.descriptors.find_as<Socket>(fd, FileType::socket);
        if (!socket) {
            if (!world.descriptors.find(fd)) ++world.bad_descriptors;
            return Result<size_t>::failure(world.descriptors.find(fd) ? ENOTSOCK : EBADF);
        }
        if (!socket->conn) {
            const int error = socket->take_error();
            return Result<size_t>::failure(error != 0 ? error : ENOTCONN);
        }
        if (injected != 0) {
            if (breaks_connection(injected)) socket->conn->abort(socket->side, 0);
            return Result<size_t>::failure(injected);
        }
        return move(*socket);
    });
}

}  // namespace

Result<size_t> receive(int fd, const Slice *slices, size_t count) {
    return transfer(Op::receive, fd, [&](Socket &socket) {
        return socket.conn->receive(socket.side, slices, std::min(count, max_slices));
    });
}

Result<size_t> send(int fd, const Slice *slices, size_t count) {
    return transfer(Op::send, fd, [&](Socket &socket) {
        return socket.conn->send(socket.side, slices, std::min(count, max_slices));
    });
}

// It fails only where the connection is gone.
Result<Nothing> shutdown_write(int fd) {
    return simulate<Nothing>(Op::shutdown, fd, [fd](World &world, int injected) {
        auto *socket = world.descriptors.find_as<Socket>(fd, FileType::socket);
        if (!socket) ++world.bad_descriptors;
        if (!socket || !socket->conn) return outcome(socket ? ENOTCONN : EBADF);
        if (injected != 0) socket->conn->abort(socket->side, ECONNRESET);
        return outcome(injected != 0 ? injected : socket->conn->shutdown_write(socket->side));
    });
}

Result<int> take_error(int fd) {
    return simulate_on_socket<int>(Op::take_error, fd, [](World &, Socket &socket) {
        return Result<int>{socket.take_error(), 0};
    });
}

Result<Address> local_address(int fd) {
    return simulate_on_socket<Address>(Op::local_address, fd, [](World &, Socket &socket) {
        return Result<Address>{socket.local, 0};
    });
}

Result<Address> peer_address(int fd) {
    return simulate_on_socket<Address>(Op::peer_address, fd, [](World &, Socket &socket) -> Result<Address> {
        const Conn *conn = socket.conn.get();
        if (!conn || (conn->ends[socket.side].dead && !conn->local())) return Result<Address>::failure(ENOTCONN);
        return {conn->ends[1 - socket.side].address, 0};
    });
}

Result<bool> is_listening(int fd) {
    return simulate_on_socket<bool>(Op::is_listening, fd, [](World &, Socket &socket) {
        return Result<bool>{socket.state == State::listening, 0};
    });
}

namespace {
Result<Nothing> set_option(int fd, Family only) {
    return simulate_on_socket<Nothing>(Op::set_option, fd, [only](World &, Socket &socket) {
        return outcome(only == Family::none || socket.family == only ? 0 : EOPNOTSUPP);
    });
}
}  // namespace

Result<Nothing> set_nodelay(int fd, bool) { return set_option(fd, Family::none); }
Result<Nothing> set_reuse_address(int fd) { return set_option(fd, Family::none); }
Result<Nothing> set_v6_only(int fd) { return set_option(fd, Family::ipv6); }

}  // namespace ioloop::os
