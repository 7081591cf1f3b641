#include "os/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "os/error.h"
#include "os/readiness.h"
#include "os/socket.h"

namespace ioloop::os {
namespace {

struct Pipe {
    Pipe() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
        reader.reset(fds[0]);
        writer.reset(fds[1]);
    }
    UniqueFd reader, writer;
};

Slice slice(const std::string &text) { return {const_cast<char *>(text.data()), text.size()}; }

TEST(Descriptor, kinds) {
    Pipe pipe;
    SocketPair pair = open_socket_pair().value;
    EXPECT_EQ(kind(pipe.reader.get()).value, FdKind::pipe);
    EXPECT_EQ(kind(pair.first.get()).value, FdKind::socket);
    UniqueFd event = eventfd_open().value;
    EXPECT_EQ(kind(event.get()).value, FdKind::pipe);
    for (const char *path : {"/proc/self/exe", "/", "/dev/null", "/dev/zero"}) {
        UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(file.valid()) << path;
        EXPECT_EQ(kind(file.get()).value, FdKind::unusable) << path;
    }
    UniqueFd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (terminal.valid()) {
        EXPECT_EQ(kind(terminal.get()).value, FdKind::pipe);
    }
    EXPECT_EQ(kind(-1).error, EBADF);
    EXPECT_EQ(kind(1 << 30).error, EBADF);
}

TEST(Descriptor, H_D14_is_made_nonblocking_and_close_on_exec) {
    int fds[2];
    ASSERT_EQ(pipe2(fds, 0), 0);
    UniqueFd reader(fds[0]), writer(fds[1]);
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(make_nonblocking_cloexec(fds[0]).ok());
        EXPECT_TRUE(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    }
    EXPECT_FALSE(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    EXPECT_EQ(make_nonblocking_cloexec(-1).error, EBADF);
}

TEST(Descriptor, reads_and_writes_one_or_several_slices) {
    Pipe pipe;
    std::string a = "abc", b = "", c = "defgh";
    Slice out[] = {slice(a), slice(b), slice(c)};
    EXPECT_EQ(write(pipe.writer.get(), out, 3).value, 8u);
    EXPECT_EQ(write(pipe.writer.get(), out, 1).value, 3u);
    EXPECT_EQ(readable_bytes(pipe.reader.get()).value, 11u);
    char first[2], rest[64];
    Slice in[] = {{first, sizeof first}, {rest, sizeof rest}};
    EXPECT_EQ(read(pipe.reader.get(), in, 1).value, 2u);
    EXPECT_EQ(read(pipe.reader.get(), in, 2).value, 9u);
    EXPECT_EQ(std::string(first, 2) + std::string(rest, 7), "cdefghabc");
    EXPECT_EQ(read(pipe.reader.get(), in, 2).error, EAGAIN);
    EXPECT_EQ(readable_bytes(pipe.reader.get()).value, 0u);
    pipe.writer.reset();
    Result<size_t> end = read(pipe.reader.get(), in, 2);
    EXPECT_TRUE(end.ok());
    EXPECT_EQ(end.value, 0u);
    EXPECT_EQ(readable_bytes(pipe.reader.get()).value, 0u);
}

TEST(Descriptor, H_D2_more_slices_than_a_call_may_carry_are_a_partial_write) {
    Pipe pipe;
    std::string text = "x";
    std::vector<Slice> slices(2000, slice(text));
    EXPECT_EQ(write(pipe.writer.get(), slices.data(), slices.size()).value, max_slices);
    std::string buffer(slices.size(), ' ');
    for (size_t i = 0; i < slices.size(); ++i) slices[i] = {&buffer[i], 1};
    EXPECT_EQ(read(pipe.reader.get(), slices.data(), slices.size()).value, max_slices);
}

TEST(Descriptor, a_full_pipe_blocks) {
    Pipe pipe;
    std::string block(1 << 16, 'x');
    Slice out = slice(block);
    Result<size_t> result;
    size_t written = 0;
    while ((result = write(pipe.writer.get(), &out, 1)).ok()) written += result.value;
    EXPECT_TRUE(would_block(result.error));
    EXPECT_EQ(readable_bytes(pipe.reader.get()).value, written);
}

TEST(Descriptor, ends_of_a_pipe) {
    Pipe pipe;
    SocketPair pair = open_socket_pair().value;
    EXPECT_FALSE(writable_end(pipe.reader.get()).value);
    EXPECT_TRUE(writable_end(pipe.writer.get()).value);
    EXPECT_TRUE(writable_end(pair.first.get()).value);
    EXPECT_EQ(writable_end(-1).error, EBADF);
}

TEST(Descriptor, owning) {
    Pipe pipe;
    int fd = pipe.reader.get();
    UniqueFd moved(std::move(pipe.reader));
    EXPECT_FALSE(pipe.reader.valid());
    EXPECT_EQ(moved.get(), fd);
    pipe.writer = std::move(moved);
    EXPECT_EQ(pipe.writer.get(), fd);
    int released = pipe.writer.release();
    EXPECT_FALSE(pipe.writer.valid());
    EXPECT_NE(fcntl(released, F_GETFD), -1);
    EXPECT_TRUE(close(released).ok());
    EXPECT_EQ(close(released).error, EBADF);
}

TEST(Descriptor, H_D14_descriptor_0_is_as_good_as_any) {
    pid_t pid = fork();
    if (pid == 0) {
        for (int fd : {0, 1, 2}) ::close(fd);
        SocketPair pair = open_socket_pair().value;
        bool good = pair.first.get() == 0 && pair.first.valid() && pair.second.get() == 1;
        pair.first.reset();
        _exit(good && fcntl(0, F_GETFD) == -1 ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
}

bool pipe_signal_blocked() {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, SIGPIPE) == 1;
}

bool pipe_signal_pending() {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

TEST(Descriptor, H_D12_writing_to_a_broken_pipe_does_not_kill) {
    signal(SIGPIPE, SIG_DFL);
    Pipe pipe;
    pipe.reader.reset();
    std::string text = "x";
    Slice out[] = {slice(text), slice(text)};
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(write(pipe.writer.get(), out, 1).error, EPIPE);
        EXPECT_EQ(write(pipe.writer.get(), out, 2).error, EPIPE);
    }
    EXPECT_FALSE(pipe_signal_blocked());
    EXPECT_FALSE(pipe_signal_pending());
}

int pipe_signals = 0;

TEST(Descriptor, H_D12_a_handler_of_the_host_is_not_called) {
    pipe_signals = 0;
    signal(SIGPIPE, [](int) { ++pipe_signals; });
    Pipe pipe;
    pipe.reader.reset();
    std::string text = "x";
    Slice out = slice(text);
    EXPECT_EQ(write(pipe.writer.get(), &out, 1).error, EPIPE);
    EXPECT_EQ(pipe_signals, 0);
    raise(SIGPIPE);
    EXPECT_EQ(pipe_signals, 1) << "the host's own are";
    signal(SIGPIPE, SIG_DFL);
}

TEST(Descriptor, H_D12_a_host_that_blocks_the_signal_finds_it_as_it_was) {
    sigset_t pipe_only, before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &pipe_only, &before), 0);
    Pipe pipe;
    pipe.reader.reset();
    std::string text = "x";
    Slice out = slice(text);

    EXPECT_EQ(write(pipe.writer.get(), &out, 1).error, EPIPE);
    EXPECT_TRUE(pipe_signal_blocked());
    EXPECT_FALSE(pipe_signal_pending());

    raise(SIGPIPE);
    EXPECT_EQ(write(pipe.writer.get(), &out, 1).error, EPIPE);
    EXPECT_TRUE(pipe_signal_pending()) << "the host's own signal was taken away";
    int taken = 0;
    EXPECT_EQ(sigwait(&pipe_only, &taken), 0);
    EXPECT_FALSE(pipe_signal_pending());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace ioloop::os
