#include "os/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/error.h"
#include "os/file.h"
#include "os/readiness.h"

namespace ioloop::os {
namespace {

constexpr int64_t patience_ns = 10'000'000'000;

bool wait_for(int fd, uint32_t bits) {
    PollEntry entry{fd, static_cast<short>(bits), 0};
    return poll(&entry, 1, patience_ns).value == 1;
}

Address loopback(uint16_t port) {
    Address address;
    EXPECT_TRUE(parse_numeric("127.0.0.1", port, &address));
    return address;
}

UniqueFd listener_on(const Address &address) {
    UniqueFd fd = open_stream_socket(address.family()).value;
    EXPECT_TRUE(bind(fd.get(), address).ok());
    EXPECT_TRUE(listen(fd.get(), 16).ok());
    return fd;
}

// A connection through a listener.
SocketPair connected(const UniqueFd &listener) {
    Address address = local_address(listener.get()).value;
    UniqueFd client = open_stream_socket(address.family()).value;
    Result<Nothing> result = connect(client.get(), address);
    EXPECT_TRUE(result.ok() || connect_in_progress(result.error)) << error_text(result.error);
    EXPECT_TRUE(wait_for(listener.get(), ready_in));
    Result<UniqueFd> server = accept(listener.get());
    EXPECT_TRUE(server.ok());
    EXPECT_TRUE(wait_for(client.get(), ready_out));
    EXPECT_EQ(take_error(client.get()).value, 0);
    return {std::move(client), std::move(server.value)};
}

Slice slice(const std::string &text) { return {const_cast<char *>(text.data()), text.size()}; }

void expect_flags(int fd) {
    EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST(Socket, connects_and_carries_bytes_over_each_family) {
    std::vector<Address> addresses{loopback(0)};
    Address address;
    if (parse_numeric("::1", 0, &address)) {
        UniqueFd probe = open_stream_socket(Family::ipv6).value;
        if (probe.valid() && bind(probe.get(), address).ok()) addresses.push_back(address);
    }
    std::string name = "ioloop-socket-test-" + std::to_string(getpid());
    ASSERT_TRUE(parse_local(std::string(1, '\0') + name, &address));
    addresses.push_back(address);
    ASSERT_TRUE(parse_local("/tmp/" + name, &address));
    addresses.push_back(address);

    for (const Address &where : addresses) {
        UniqueFd listener = listener_on(where);
        EXPECT_TRUE(is_listening(listener.get()).value);
        SocketPair pair = connected(listener);
        EXPECT_FALSE(is_listening(pair.first.get()).value);
        EXPECT_EQ(peer_address(pair.first.get()).value, local_address(listener.get()).value);
        EXPECT_EQ(peer_address(pair.second.get()).value, local_address(pair.first.get()).value);
        std::string a = "abc", b = "de";
        Slice out[] = {slice(a), slice(b)};
        EXPECT_EQ(send(pair.first.get(), out, 2).value, 5u);
        EXPECT_EQ(send(pair.first.get(), out, 1).value, 3u);
        char first[4], rest[16];
        Slice in[] = {{first, 4}, {rest, 16}};
        EXPECT_TRUE(wait_for(pair.second.get(), ready_in));
        EXPECT_EQ(readable_bytes(pair.second.get()).value, 8u);
        EXPECT_EQ(receive(pair.second.get(), in, 2).value, 8u);
        EXPECT_EQ(std::string(first, 4) + std::string(rest, 4), "abcdeabc");
        EXPECT_EQ(receive(pair.second.get(), in, 1).error, EAGAIN);
        EXPECT_TRUE(shutdown_write(pair.first.get()).ok());
        EXPECT_TRUE(wait_for(pair.second.get(), ready_in));
        Result<size_t> end = receive(pair.second.get(), in, 2);
        EXPECT_TRUE(end.ok());
        EXPECT_EQ(end.value, 0u);
    }
    EXPECT_TRUE(remove_file("/tmp/" + name).ok());
}

TEST(Socket, H_D14_everything_is_nonblocking_and_close_on_exec) {
    UniqueFd listener = listener_on(loopback(0));
    SocketPair tcp = connected(listener), local = open_socket_pair().value;
    UniqueFd event = eventfd_open().value, epoll = epoll_open().value, timer = timerfd_open().value;
    for (const UniqueFd *fd : {&listener, &tcp.first, &tcp.second, &local.first, &local.second, &event, &timer})
        expect_flags(fd->get());
    EXPECT_TRUE(fcntl(epoll.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(Socket, H_D8_a_refused_connect_tells_its_reason_once) {
    UniqueFd listener = listener_on(loopback(0));
    Address address = local_address(listener.get()).value;
    listener.reset();
    UniqueFd client = open_stream_socket(Family::ipv4).value;
    Result<Nothing> result = connect(client.get(), address);
    int error = result.error;
    if (connect_in_progress(error)) {
        EXPECT_TRUE(wait_for(client.get(), ready_out));
        error = take_error(client.get()).value;
    }
    EXPECT_EQ(error, ECONNREFUSED);
    EXPECT_EQ(take_error(client.get()).value, 0);
}

TEST(Socket, misuse_is_an_error_value) {
    EXPECT_EQ(open_stream_socket(Family::none).error, EAFNOSUPPORT);
    EXPECT_EQ(accept(-1).error, EBADF);
    EXPECT_EQ(take_error(-1).error, EBADF);
    EXPECT_EQ(local_address(-1).error, EBADF);
    EXPECT_EQ(is_listening(-1).error, EBADF);
    UniqueFd event = eventfd_open().value;
    EXPECT_EQ(peer_address(event.get()).error, ENOTSOCK);
    UniqueFd fresh = open_stream_socket(Family::ipv4).value;
    EXPECT_EQ(peer_address(fresh.get()).error, ENOTCONN);
    EXPECT_EQ(bind(fresh.get(), Address{}).ok(), false);
}

TEST(Socket, options) {
    UniqueFd v4 = open_stream_socket(Family::ipv4).value;
    auto get = [](const UniqueFd &fd, int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        getsockopt(fd.get(), level, name, &value, &size);
        return value;
    };
    EXPECT_TRUE(set_nodelay(v4.get(), true).ok());
    EXPECT_EQ(get(v4, 6 /* TCP */, 1 /* TCP_NODELAY */), 1);
    EXPECT_TRUE(set_nodelay(v4.get(), false).ok());
    EXPECT_EQ(get(v4, 6, 1), 0);
    EXPECT_TRUE(set_reuse_address(v4.get()).ok());
    EXPECT_EQ(get(v4, SOL_SOCKET, SO_REUSEADDR), 1);
    UniqueFd v6 = open_stream_socket(Family::ipv6).value;
    if (v6.valid()) {
        EXPECT_TRUE(set_v6_only(v6.get()).ok());
    }
}

TEST(Socket, H_D12_sending_to_a_peer_that_is_gone_does_not_kill) {
    signal(SIGPIPE, SIG_DFL);
    UniqueFd listener = listener_on(loopback(0));
    SocketPair pairs[] = {open_socket_pair().value, connected(listener)};
    for (SocketPair &pair : pairs) {
        linger at_once{1, 0};
        setsockopt(pair.second.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        pair.second.reset();
        std::string text = "x";
        Slice out[] = {slice(text), slice(text)};
        Result<size_t> result;
        // TCP tells of the reset first, and of the broken pipe from then on.
        for (int i = 0; i < 3; ++i) result = send(pair.first.get(), out, i % 2 ? 1 : 2);
        EXPECT_EQ(result.error, EPIPE);
        EXPECT_TRUE(connection_lost(result.error));
    }
}

TEST(Socket, H_D14_an_exec_leaves_only_what_the_host_opened) {
    UniqueFd listener = listener_on(loopback(0));
    SocketPair tcp = connected(listener), local = open_socket_pair().value;
    UniqueFd event = eventfd_open().value, epoll = epoll_open().value, timer = timerfd_open().value;
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    UniqueFd reader(out[0]), writer(out[1]);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        const char *script = "for f in /proc/$$/fd/*; do readlink $f; done; exit 0";
        execl("/bin/sh", "sh", "-c", script, static_cast<char *>(nullptr));
        _exit(127);
    }
    writer.reset();
    std::string listing;
    char buffer[4096];
    for (ssize_t n; (n = ::read(out[0], buffer, sizeof buffer)) > 0;) listing.append(buffer, static_cast<size_t>(n));
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    for (const UniqueFd *fd : {&listener, &tcp.first, &tcp.second, &local.first, &local.second}) {
        char link[64], target[256];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd->get());
        ssize_t size = readlink(link, target, sizeof target);
        ASSERT_GT(size, 0);
        std::string name(target, static_cast<size_t>(size));
        EXPECT_EQ(listing.find(name + "\n"), std::string::npos) << name << " in " << listing;
    }
    EXPECT_EQ(listing.find("eventpoll"), std::string::npos) << listing;
    EXPECT_EQ(listing.find("timerfd"), std::string::npos) << listing;
}

}  // namespace
}  // namespace ioloop::os
