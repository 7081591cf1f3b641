// Plain sockets at the other end of streams.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_fixture.h"

// A descriptor of the test, closed at its end.
class Socket {
public:
    explicit Socket(int fd = -1) : fd_(fd) {}
    Socket(Socket &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket &operator=(Socket &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() { reset(); }

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    void reset() {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
    }
    void put(std::string_view data) const {
        EXPECT_EQ(send(fd_, data.data(), data.size(), MSG_NOSIGNAL), static_cast<ssize_t>(data.size()));
    }
    // What has arrived now, without waiting; "" for nothing.
    std::string take() const {
        std::string data(65536, '\0');
        ssize_t got = recv(fd_, data.data(), data.size(), MSG_DONTWAIT);
        data.resize(got > 0 ? static_cast<size_t>(got) : 0);
        return data;
    }
    bool at_end() const {
        char byte;
        return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }
    // Closes it so that the other end is told of a broken connection.
    void reset_connection() {
        linger hard{1, 0};
        EXPECT_EQ(setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
        reset();
    }

private:
    int fd_;
};

inline void unix_pair(Socket out[2]) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    out[0] = Socket(fds[0]);
    out[1] = Socket(fds[1]);
}

inline Socket call_tcp(uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0) socket.reset();
    return socket;
}

// Both ends of a TCP connection over the loopback interface.
inline void tcp_pair(Socket out[2]) {
    Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr *>(&address), size), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr *>(&address), &size), 0);
    out[0] = call_tcp(ntohs(address.sin_port));
    out[1] = Socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_GE(out[1].get(), 0);
}

class StreamTest : public LoopTest {
protected:
    // A stream of the loop, which frees it, and the plain socket at its other end.
    iostream_t *wire(Socket *out_peer, bool tcp = false, const iostream_options_t *options = nullptr) {
        Socket ends[2];
        tcp ? tcp_pair(ends) : unix_pair(ends);
        iostream_t *stream = adopt(std::move(ends[0]), options);
        *out_peer = std::move(ends[1]);
        return stream;
    }
    iostream_t *adopt(Socket socket, const iostream_options_t *options = nullptr) {
        iostream_t *stream = nullptr;
        EXPECT_EQ(iostream_new(&stream, loop_, socket.get(), options), IOLOOP_OK);
        if (stream) socket.release();
        return stream;
    }
    // Answers every line with itself, for ever.
    void echo(iostream_t *stream) {
        EXPECT_EQ(read_line(stream,
                            [this, stream](int32_t status, std::string_view line) {
                                if (status != IOLOOP_OK) return;
                                EXPECT_EQ(write(stream, line), IOLOOP_OK);
                                echo(stream);
                            }),
                  IOLOOP_OK);
    }
};
