// Servers: how many connections they take, where they listen, and what they do when no descriptor is left.
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <vector>

#include "stream_fixture.h"

namespace {

class ServerTest : public StreamTest {
protected:
    ioserver_t *new_server(const ioserver_options_t *options = nullptr) {
        ioserver_t *server = nullptr;
        auto take = [](void *ctx, ioserver_t *, int32_t status, iostream_t *stream) {
            auto *self = static_cast<ServerTest *>(ctx);
            if (status == IOLOOP_OK)
                self->accepted_.push_back(stream);
            else
                self->failures_.push_back(status);
        };
        EXPECT_EQ(ioserver_new(&server, loop_, options, nullptr, take, this, nullptr), IOLOOP_OK);
        return server;
    }
    uint16_t listen_on(ioserver_t *server, std::string_view host) {
        uint16_t port = 0;
        EXPECT_EQ(ioserver_listen(server, &port, host.data(), host.size(), 0), IOLOOP_OK);
        return port;
    }
    int32_t listen_unix(ioserver_t *server) { return ioserver_listen_unix(server, path_.data(), path_.size(), 0600); }
    bool path_exists() const {
        struct stat status;
        return lstat(path_.c_str(), &status) == 0;
    }
    Socket bound_socket() const {
        Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address = unix_address();
        EXPECT_EQ(bind(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
        return socket;
    }
    Socket call_unix() const {
        Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address = unix_address();
        if (connect(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0) socket.reset();
        return socket;
    }
    sockaddr_un unix_address() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
        return address;
    }
    ~ServerTest() override { unlink(path_.c_str()); }

    std::vector<iostream_t *> accepted_;
    std::vector<int32_t> failures_;
    std::string path_ = testing::TempDir() + "ioloop-unit-" + std::to_string(getpid()) + ".socket";
};

TEST_F(ServerTest, MaxConnectionsPausesAndResumes) {
    ioserver_options_t options;
    ASSERT_EQ(ioserver_options_init(&options, sizeof(options)), IOLOOP_OK);
    options.max_connections = 3;
    ioserver_t *server = new_server(&options);
    uint16_t port = listen_on(server, "127.0.0.1");
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(call_tcp(port));
    ASSERT_TRUE(run_until(loop_, [&] { return accepted_.size() == 3; }));
    run_idle(loop_);
    EXPECT_EQ(accepted_.size(), 3u);
    EXPECT_EQ(ioserver_connections(server), 3);
    ioloop_stats_t before = stats_of(loop_);
    for (int i = 0; i < 5; ++i) ASSERT_GE(ioloop_run_once(loop_, 5 * milliseconds), 0);
    ioloop_stats_t after = stats_of(loop_);
    EXPECT_LE(after.waits - before.waits, 6u);
    EXPECT_EQ(after.accepts, before.accepts);
    for (size_t ended = 0; ended < 7; ++ended) {
        iostream_free(accepted_[ended]);
        ASSERT_TRUE(run_until(loop_, [&] { return accepted_.size() == 4 + ended; })) << "after " << ended;
        run_idle(loop_);
        EXPECT_EQ(ioserver_connections(server), 3);
    }
    EXPECT_TRUE(failures_.empty());
    EXPECT_EQ(ioserver_stop(server), IOLOOP_OK);
    EXPECT_EQ(ioserver_connections(server), 3) << "accepted ones go on";
}

TEST_F(ServerTest, StaleSocketFileIsReplacedAndRemoved) {
    bound_socket().reset();
    ASSERT_TRUE(path_exists());
    ioserver_t *server = new_server();
    ASSERT_EQ(listen_unix(server), IOLOOP_OK);
    Socket client = call_unix();
    EXPECT_GE(client.get(), 0);
    EXPECT_TRUE(run_until(loop_, [&] { return accepted_.size() == 1; }));
    EXPECT_EQ(ioserver_stop(server), IOLOOP_OK);
    EXPECT_FALSE(path_exists());
}

TEST_F(ServerTest, AnsweredSocketFileIsLeftAlone) {
    ioserver_t *first = new_server(), *second = new_server();
    ASSERT_EQ(listen_unix(first), IOLOOP_OK);
    EXPECT_EQ(listen_unix(second), IOLOOP_EADDRINUSE);
    ioserver_free(second);
    EXPECT_TRUE(path_exists());
    EXPECT_GE(call_unix().get(), 0);
}

TEST_F(ServerTest, OtherFileIsLeftAlone) {
    Socket file(open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_GE(file.get(), 0);
    ioserver_t *server = new_server();
    EXPECT_EQ(listen_unix(server), IOLOOP_EADDRINUSE);
    ioserver_free(server);
    struct stat status;
    ASSERT_EQ(lstat(path_.c_str(), &status), 0);
    EXPECT_TRUE(S_ISREG(status.st_mode));
}

TEST_F(ServerTest, LinkIsNotFollowed) {
    const std::string target = path_ + ".target";
    ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
    ioserver_t *server = new_server();
    EXPECT_EQ(listen_unix(server), IOLOOP_EADDRINUSE);
    struct stat status;
    EXPECT_NE(lstat(target.c_str(), &status), 0);
}

// Somebody else has put a socket of their own in its place: that one is not ours to remove.
TEST_F(ServerTest, ForeignSocketFileSurvivesTheStop) {
    ioserver_t *server = new_server();
    ASSERT_EQ(listen_unix(server), IOLOOP_OK);
    ASSERT_EQ(unlink(path_.c_str()), 0);
    Socket other = bound_socket();
    EXPECT_EQ(ioserver_stop(server), IOLOOP_OK);
    EXPECT_TRUE(path_exists());
}

TEST_F(ServerTest, LocalhostHasOnePortForAllAddresses) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    if (getaddrinfo("localhost", nullptr, &hints, &found) != 0) GTEST_SKIP() << "this system knows no localhost";
    for (int round = 0; round < 10; ++round) {
        ioserver_t *server = new_server();
        uint16_t port = listen_on(server, "localhost");
        ASSERT_NE(port, 0);
        accepted_.clear();
        size_t callers = 0;
        for (const addrinfo *item = found; item; item = item->ai_next) {
            Socket client(socket(item->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
            if (item->ai_family == AF_INET) reinterpret_cast<sockaddr_in *>(item->ai_addr)->sin_port = htons(port);
            if (item->ai_family == AF_INET6) reinterpret_cast<sockaddr_in6 *>(item->ai_addr)->sin6_port = htons(port);
            if (client.get() < 0) continue;  // an address of a family that is switched off
            if (connect(client.get(), item->ai_addr, item->ai_addrlen) != 0) {
                EXPECT_EQ(errno, EADDRNOTAVAIL) << "family " << item->ai_family;
                continue;
            }
            ++callers;
            EXPECT_TRUE(run_until(loop_, [&] { return accepted_.size() == callers; }));
        }
        EXPECT_GE(callers, 1u);
        ioserver_free(server);
    }
    freeaddrinfo(found);
}

// In a child, whose last descriptors may be taken.
class CrowdedTest : public ServerTest {
public:
    static constexpr size_t crowd = 20;

    void in_child(void (CrowdedTest::*play)()) {
        pid_t child = fork();
        if (child == 0) {
            alarm(30);
            ioloop_free(loop_);
            loop_ = new_loop(loop_options());
            (this->*play)();
            _exit(HasFailure() ? 1 : 0);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
    }

    // Callers wait, and the server may take room of them.
    void gather(rlim_t room) {
        server_ = new_server();
        uint16_t port = listen_on(server_, "127.0.0.1");
        run_idle(loop_);
        for (size_t i = 0; i < crowd; ++i) clients_.push_back(call_tcp(port));
        ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit_), 0);
        Socket probe(dup(0));
        rlimit low = limit_;
        low.rlim_cur = static_cast<rlim_t>(probe.get()) + room;
        probe.reset();
        ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
        ASSERT_TRUE(run_until(loop_, [&] { return !failures_.empty(); }));
        EXPECT_EQ(failures_[0], IOLOOP_ENFILE);
        EXPECT_EQ(accepted_.size(), room);
    }

    void few_attempts() {
        gather(4);
        ioloop_stats_t before = stats_of(loop_);
        for (int64_t end = ioloop_clock_ns() + 300 * milliseconds; ioloop_clock_ns() < end;) {
            ASSERT_GE(ioloop_run_once(loop_, 50 * milliseconds), 0);
        }
        ioloop_stats_t after = stats_of(loop_);
        EXPECT_LE(after.accepts - before.accepts, 8u);
        EXPECT_LE(after.waits - before.waits, 40u);
        EXPECT_EQ(failures_.size(), 1u) << "told once";
        ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit_), 0);
        EXPECT_TRUE(run_until(loop_, [&] { return accepted_.size() == crowd; }));
    }

    // A stream that goes makes room for the next caller at once, whatever the pause.
    void room_again() {
        gather(4);
        for (int64_t end = ioloop_clock_ns() + 200 * milliseconds; ioloop_clock_ns() < end;) {
            ASSERT_GE(ioloop_run_once(loop_, 50 * milliseconds), 0);
        }
        for (size_t gone = 0; gone + 4 < crowd; ++gone) {
            iostream_free(accepted_[gone]);
            run_idle(loop_);
            EXPECT_EQ(accepted_.size(), 5 + gone);
        }
    }

    ioserver_t *server_ = nullptr;
    std::vector<Socket> clients_;
    rlimit limit_{};
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

TEST_F(CrowdedTest, H_D6_NoDescriptorLeftMeansFewAttempts) {
    if (sanitized) GTEST_SKIP() << "the sanitizer needs descriptors of its own";
    in_child(&CrowdedTest::few_attempts);
}

TEST_F(CrowdedTest, H_D7_GoesOnWhenADescriptorIsFree) {
    if (sanitized) GTEST_SKIP() << "the sanitizer needs descriptors of its own";
    in_child(&CrowdedTest::room_again);
}

}  // namespace
