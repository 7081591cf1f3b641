#include "os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

namespace ioloop::os {
namespace {

// Hides how the socket calls spell an address.
const sockaddr *raw(const Address &address) { return reinterpret_cast<const sockaddr *>(address.bytes); }
sockaddr *raw(Address &address) { return reinterpret_cast<sockaddr *>(address.bytes); }

Result<Nothing> outcome(int result) { return result == 0 ? Result<Nothing>{} : Result<Nothing>::failure(errno); }

Result<UniqueFd> opened(int fd) {
    if (fd < 0) return Result<UniqueFd>::failure(errno);
    return {UniqueFd(fd), 0};
}

Result<size_t> counted(ssize_t result) {
    if (result < 0) return Result<size_t>::failure(errno);
    return {static_cast<size_t>(result), 0};
}

msghdr message(const Slice *slices, size_t count) {
    msghdr header{};
    header.msg_iov = reinterpret_cast<iovec *>(const_cast<Slice *>(slices));
    header.msg_iovlen = std::min(count, max_slices);
    return header;
}

Result<int> get_option(int fd, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return Result<int>::failure(errno);
    return {value, 0};
}

Result<Nothing> set_option(int fd, int level, int name, bool on) {
    int value = on ? 1 : 0;
    return outcome(setsockopt(fd, level, name, &value, sizeof value));
}

}  // namespace

Result<UniqueFd> open_stream_socket(Family family) {
    int domain = AF_UNSPEC;
    switch (family) {
        case Family::ipv4: domain = AF_INET; break;
        case Family::ipv6: domain = AF_INET6; break;
        case Family::local: domain = AF_UNIX; break;
        case Family::none: return Result<UniqueFd>::failure(EAFNOSUPPORT);
    }
    return opened(socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Result<SocketPair> open_socket_pair() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        return Result<SocketPair>::failure(errno);
    return {{UniqueFd(fds[0]), UniqueFd(fds[1])}, 0};
}

Result<Nothing> bind(int fd, const Address &address) { return outcome(::bind(fd, raw(address), address.size)); }

Result<Nothing> listen(int fd, int backlog) { return outcome(::listen(fd, backlog)); }

Result<UniqueFd> accept(int fd) { return opened(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

Result<Nothing> connect(int fd, const Address &address) { return outcome(::connect(fd, raw(address), address.size)); }

Result<size_t> receive(int fd, const Slice *slices, size_t count) {
    if (count == 1) return counted(recv(fd, slices->data, slices->size, 0));
    msghdr header = message(slices, count);
    return counted(recvmsg(fd, &header, 0));
}

Result<size_t> send(int fd, const Slice *slices, size_t count) {
    if (count == 1) return counted(::send(fd, slices->data, slices->size, MSG_NOSIGNAL));
    msghdr header = message(slices, count);
    return counted(sendmsg(fd, &header, MSG_NOSIGNAL));
}

Result<Nothing> shutdown_write(int fd) { return outcome(shutdown(fd, SHUT_WR)); }

Result<int> take_error(int fd) { return get_option(fd, SO_ERROR); }

Result<Address> local_address(int fd) {
    Result<Address> result;
    socklen_t size = sizeof result.value.bytes;
    if (getsockname(fd, raw(result.value), &size) != 0) return Result<Address>::failure(errno);
    result.value.size = size;
    return result;
}

Result<Address> peer_address(int fd) {
    Result<Address> result;
    socklen_t size = sizeof result.value.bytes;
    if (getpeername(fd, raw(result.value), &size) != 0) return Result<Address>::failure(errno);
    result.value.size = size;
    return result;
}

Result<bool> is_listening(int fd) {
    Result<int> option = get_option(fd, SO_ACCEPTCONN);
    return {option.value != 0, option.error};
}

Result<Nothing> set_nodelay(int fd, bool on) { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, on); }

Result<Nothing> set_reuse_address(int fd) { return set_option(fd, SOL_SOCKET, SO_REUSEADDR, true); }

Result<Nothing> set_v6_only(int fd) { return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, true); }

}  // namespace ioloop::os
