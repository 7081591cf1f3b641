// Sockets. Every descriptor made here is non-blocking and close-on-exec. A signal may interrupt: see os::retry.
#pragma once

#include "base/result.h"
#include "os/address.h"
#include "os/descriptor.h"

namespace ioloop::os {

Result<UniqueFd> open_stream_socket(Family family);
struct SocketPair {
    UniqueFd first, second;
};
Result<SocketPair> open_socket_pair();

Result<Nothing> bind(int fd, const Address &address);
Result<Nothing> listen(int fd, int backlog);
Result<UniqueFd> accept(int fd);
Result<Nothing> connect(int fd, const Address &address);

// One slice is a plain recv or send, several go through one recvmsg or sendmsg. No SIGPIPE. 0 received is the end.
Result<size_t> receive(int fd, const Slice *slices, size_t count);
Result<size_t> send(int fd, const Slice *slices, size_t count);
Result<Nothing> shutdown_write(int fd);

// Takes the pending error of the socket: value is an errno, 0 for none.
Result<int> take_error(int fd);
Result<Address> local_address(int fd);
Result<Address> peer_address(int fd);
Result<bool> is_listening(int fd);

Result<Nothing> set_nodelay(int fd, bool on);
Result<Nothing> set_reuse_address(int fd);
Result<Nothing> set_v6_only(int fd);

}  // namespace ioloop::os
