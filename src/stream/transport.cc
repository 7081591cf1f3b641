#include "stream/transport.h"

#include "os/error.h"
#include "os/socket.h"

namespace ioloop {

namespace {

class SocketTransport final : public Transport {
public:
    Result<size_t> receive(int fd, const os::Slice *slices, size_t count) override {
        return os::retry([&] { return os::receive(fd, slices, count); });
    }
    Result<size_t> send(int fd, const os::Slice *slices, size_t count) override {
        return os::retry([&] { return os::send(fd, slices, count); });
    }
    Result<Nothing> end_write(int fd) override { return os::shutdown_write(fd); }
};

class PipeTransport final : public Transport {
public:
    Result<size_t> receive(int fd, const os::Slice *slices, size_t count) override {
        return os::retry([&] { return os::read(fd, slices, count); });
    }
    Result<size_t> send(int fd, const os::Slice *slices, size_t count) override {
        return os::retry([&] { return os::write(fd, slices, count); });
    }
    // A pipe has one direction: its end is the close that follows.
    Result<Nothing> end_write(int) override { return {}; }
};

constinit SocketTransport the_socket_transport;
constinit PipeTransport the_pipe_transport;

}  // namespace

Transport &socket_transport() { return the_socket_transport; }
Transport &pipe_transport() { return the_pipe_transport; }

}  // namespace ioloop
