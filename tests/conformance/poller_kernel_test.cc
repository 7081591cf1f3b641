// Where kernels are awkward: hang-ups, errors, refusals, descriptors closed or shared behind the poller's back.
#include "poller_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

namespace ioloop {
namespace {

class PollerKernelTest : public PollerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, PollerKernelTest, testing::Values(Poller::epoll, Poller::poll), backend_name);

os::SocketPair tcp_pair() {
    os::Address address;
    EXPECT_TRUE(os::parse_numeric("127.0.0.1", 0, &address));
    os::UniqueFd listener = os::open_stream_socket(os::Family::ipv4).value;
    EXPECT_TRUE(os::bind(listener.get(), address).ok() && os::listen(listener.get(), 1).ok());
    os::SocketPair pair;
    pair.first = os::open_stream_socket(os::Family::ipv4).value;
    os::connect(pair.first.get(), os::local_address(listener.get()).value);
    os::PollEntry entry{listener.get(), static_cast<short>(os::ready_in), 0};
    EXPECT_EQ(os::poll(&entry, 1, patience).value, 1);
    pair.second = os::accept(listener.get()).value;
    return pair;
}

void reset(os::UniqueFd &fd) {
    linger at_once{1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd.reset();
}

TEST_P(PollerKernelTest, H_B3_the_end_comes_together_with_the_data_before_it) {
    for (bool tcp : {false, true}) {
        auto pair = tcp ? tcp_pair() : os::open_socket_pair().value;
        int fd = pair.first.get();
        watch(fd, read_bit);
        put(pair.second.get(), 100);
        pair.second.reset();
        uint32_t events = wait(patience)[fd];
        EXPECT_TRUE(events & read_bit);
        drain(fd);
        EXPECT_TRUE(wait(patience)[fd] & read_bit) << "the end is readable too, and stays so";
        poller.remove(fd);
    }
    Pipe pipe;
    watch(pipe.reader.get(), read_bit);
    put(pipe.writer.get());
    pipe.writer.reset();
    EXPECT_EQ(wait(patience), (Events{{pipe.reader.get(), read_bit | error_bits}}));
    drain(pipe.reader.get());
    EXPECT_EQ(wait(patience), (Events{{pipe.reader.get(), error_bits}})) << "a pipe ends with a hang-up alone";
    poller.remove(pipe.reader.get());
}

TEST_P(PollerKernelTest, half_close_is_readable_and_no_error) {
    for (bool tcp : {false, true}) {
        auto pair = tcp ? tcp_pair() : os::open_socket_pair().value;
        int fd = pair.first.get();
        watch(fd, read_bit);
        ASSERT_TRUE(os::shutdown_write(pair.second.get()).ok());
        EXPECT_EQ(wait(patience), (Events{{fd, read_bit}}));
        poller.remove(fd);
    }
}

TEST_P(PollerKernelTest, H_B1_nothing_wanted_is_nothing_reported_whatever_the_peer_does) {
    enum class End { half_close, close, reset, pipe_reader, pipe_writer };
    for (End end : {End::half_close, End::close, End::reset, End::pipe_reader, End::pipe_writer}) {
        SCOPED_TRACE(static_cast<int>(end));
        os::SocketPair pair;
        if (end == End::pipe_reader || end == End::pipe_writer) {
            Pipe pipe;
            pair.first = std::move(end == End::pipe_reader ? pipe.reader : pipe.writer);
            pair.second = std::move(end == End::pipe_reader ? pipe.writer : pipe.reader);
        } else {
            pair = tcp_pair();
        }
        int fd = pair.first.get();
        const uint32_t wanted = end == End::pipe_writer ? write_bit : read_bit;
        watch(fd, wanted);
        wait();
        poller.set(fd, IOLOOP_NONE);
        if (end == End::half_close) EXPECT_TRUE(os::shutdown_write(pair.second.get()).ok());
        else if (end == End::reset) reset(pair.second);
        else pair.second.reset();
        expect_silence();
        expect_silence();
        poller.set(fd, wanted);
        EXPECT_NE(wait(patience)[fd], no_bits) << "told when somebody wants to know";
        poller.set(fd, IOLOOP_NONE);
        expect_silence();
        poller.remove(fd);
    }
}

TEST_P(PollerKernelTest, errors_alone_report_hang_ups_and_resets_but_no_data) {
    auto pair = tcp_pair();
    int fd = pair.first.get();
    watch(fd, error_bits);
    put(pair.second.get());
    expect_silence();
    reset(pair.second);
    EXPECT_EQ(wait(patience), (Events{{fd, error_bits}}));
    poller.remove(fd);

    auto local = os::open_socket_pair().value;
    watch(local.first.get(), error_bits);
    expect_silence();
    local.second.reset();
    EXPECT_EQ(wait(patience), (Events{{local.first.get(), error_bits}}));
    poller.remove(local.first.get());
}

TEST_P(PollerKernelTest, errors_are_reported_with_reading_and_with_writing) {
    for (uint32_t wanted : {read_bit, write_bit, read_bit | write_bit}) {
        auto pair = tcp_pair();
        int fd = pair.first.get();
        watch(fd, wanted);
        reset(pair.second);
        Events ready;
        do ready = wait(patience);
        while (ready[fd] == write_bit);
        EXPECT_EQ(ready[fd], wanted | error_bits);
        poller.remove(fd);
    }
    Pipe pipe;
    watch(pipe.writer.get(), write_bit);
    pipe.reader.reset();
    EXPECT_EQ(wait(patience), (Events{{pipe.writer.get(), write_bit | error_bits}}));
    poller.remove(pipe.writer.get());
}

TEST_P(PollerKernelTest, a_refused_connect_is_told_as_an_error) {
    auto listener = os::open_stream_socket(os::Family::ipv4).value;
    os::Address address;
    ASSERT_TRUE(os::parse_numeric("127.0.0.1", 0, &address));
    ASSERT_TRUE(os::bind(listener.get(), address).ok());
    address = os::local_address(listener.get()).value;
    listener.reset();
    auto client = os::open_stream_socket(os::Family::ipv4).value;
    Result<Nothing> result = os::connect(client.get(), address);
    EXPECT_TRUE(os::connect_in_progress(result.error) || result.error == ECONNREFUSED);
    watch(client.get(), write_bit);
    EXPECT_TRUE(wait(patience)[client.get()] & error_bits);
    poller.remove(client.get());
}

TEST_P(PollerKernelTest, H_B7_what_cannot_be_waited_for_is_refused_at_once) {
    for (const char *path : {"/proc/self/exe", "/", "/dev/null"}) {
        os::UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(file.valid());
        for (uint32_t events : {read_bit, write_bit, error_bits, no_bits}) {
            uint64_t token = 5;
            EXPECT_EQ(poller.add(file.get(), events, true, &token), IOLOOP_ENOTSUP) << path << events;
            EXPECT_EQ(poller.last_errno, EPERM);
            EXPECT_EQ(token, 5u);
            EXPECT_EQ(poller.size(), 0u);
        }
    }
    os::UniqueFd closed = os::eventfd_open().value;
    int number = closed.get();
    closed.reset();
    for (int fd : {number, -1, INT32_MAX}) {
        for (uint32_t events : {read_bit, no_bits}) {
            uint64_t token = 5;
            EXPECT_EQ(poller.add(fd, events, true, &token), IOLOOP_ESYS) << fd;
            EXPECT_EQ(poller.last_errno, EBADF);
        }
    }
    // The numbers are as usable as before.
    os::UniqueFd event = os::eventfd_open().value;
    os::eventfd_signal(event.get());
    watch(event.get(), read_bit, true);
    EXPECT_EQ(wait(patience), (Events{{event.get(), read_bit}}));
    poller.remove(event.get());
}

TEST_P(PollerKernelTest, H_B7_a_deferred_refusal_is_reported_once) {
    // Grows the table, so that the file's number is not asked for at registration.
    os::UniqueFd event = os::eventfd_open().value;
    watch(event.get(), read_bit);
    os::UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    uint64_t token = watch(file.get(), read_bit);
    os::eventfd_signal(event.get());
    EXPECT_EQ(poller.refusal(file.get()), 0);
    poller.apply();
    EXPECT_TRUE(poller.refusals_pending());
    EXPECT_EQ(wait(patience), (Events{{file.get(), error_bits}, {event.get(), read_bit}}));
    EXPECT_FALSE(poller.refusals_pending());
    EXPECT_EQ(poller.refusal(file.get()), EPERM);
    EXPECT_TRUE(poller.current(token)) << "still registered here";
    EXPECT_EQ(wait(patience), (Events{{event.get(), read_bit}}));
    poller.set(file.get(), read_bit);
    EXPECT_EQ(wait(patience), (Events{{event.get(), read_bit}})) << "asking for the same does not try again";
    poller.set(file.get(), write_bit);
    EXPECT_EQ(wait(0, 1), (Events{{file.get(), error_bits}})) << "asking for something else does";
    // Taken back before anybody heard of it.
    poller.set(file.get(), read_bit);
    poller.apply();
    poller.remove(file.get());
    EXPECT_EQ(wait(patience), (Events{{event.get(), read_bit}}));
    poller.remove(event.get());
}

TEST_P(PollerKernelTest, H_A3_a_duplicate_keeps_nothing_alive_after_removal) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    os::UniqueFd copy(dup(fd));
    poller.remove(fd);
    pair.first.reset();
    put(pair.second.get());
    expect_silence();
}

TEST_P(PollerKernelTest, H_A3_closed_without_a_word_while_a_duplicate_lives) {
    auto pair = os::open_socket_pair().value;
    const int fd = pair.first.get();
    uint64_t token = watch(fd, read_bit);
    wait();
    os::UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 100));
    pair.first.reset();
    put(pair.second.get());
    poller.remove(fd);
    EXPECT_FALSE(poller.current(token));
    EXPECT_EQ(wait(), Events{}) << "the kernel may still report it; nobody hears of it";
    os::UniqueFd next = os::eventfd_open().value;
    ASSERT_EQ(next.get(), fd);
    watch(fd, read_bit);
    EXPECT_EQ(wait(), Events{}) << "nor does the next owner of the number";
    poller.remove(fd);
}

TEST_P(PollerKernelTest, H_B4_closed_without_a_word_does_not_spin) {
    auto pair = os::open_socket_pair().value;
    const int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    pair.first.reset();
    // epoll forgets it silently; poll says so, once.
    EXPECT_EQ(wait(), on_epoll() ? Events{} : (Events{{fd, error_bits}}));
    expect_silence();
    poller.remove(fd);
    expect_silence();
}

TEST_P(PollerKernelTest, H_B4_another_file_under_a_watched_number_is_found_again) {
    auto pair = os::open_socket_pair().value;
    const int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    pair.first.reset();
    os::UniqueFd next = os::eventfd_open().value;
    ASSERT_EQ(next.get(), fd);
    poller.set(fd, read_bit | write_bit);
    EXPECT_EQ(wait(patience), (Events{{fd, write_bit}}));
    os::eventfd_signal(fd);
    EXPECT_EQ(wait(patience), (Events{{fd, read_bit | write_bit}}));
    poller.remove(fd);
    expect_silence();
}

TEST_P(PollerKernelTest, H_B4_a_change_of_a_closed_descriptor_is_reported_as_an_error_once) {
    auto pair = os::open_socket_pair().value;
    const int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    pair.first.reset();
    poller.set(fd, write_bit);
    EXPECT_EQ(wait(patience), (Events{{fd, error_bits}}));
    expect_silence();
    poller.remove(fd);
}

TEST_P(PollerKernelTest, H_B9_numbers_beyond_1024) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit before = limit;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    if (limit.rlim_cur > before.rlim_cur) setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2100) GTEST_SKIP() << "only " << limit.rlim_cur << " descriptors here";
    {
        auto pair = os::open_socket_pair().value;
        for (int number : {1023, 1024, 1025, 2047, 2048}) {
            os::UniqueFd high(fcntl(pair.first.get(), F_DUPFD_CLOEXEC, number));
            ASSERT_GE(high.get(), number);
            watch(high.get(), read_bit, number % 2);
            EXPECT_EQ(wait(), Events{});
            put(pair.second.get());
            EXPECT_EQ(wait(patience), (Events{{high.get(), read_bit}}));
            drain(high.get());
            poller.remove(high.get());
        }
    }
    setrlimit(RLIMIT_NOFILE, &before);
}

TEST_P(PollerKernelTest, H_D1_a_signal_ends_a_wait_with_nothing) {
    struct sigaction action {}, before {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, &before);
    itimerval often{{0, 2000}, {0, 2000}}, never{};
    setitimer(ITIMER_REAL, &often, nullptr);
    EXPECT_EQ(wait(-1), Events{});
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
}

TEST_P(PollerKernelTest, H_H9_removal_in_a_child_leaves_the_parent_alone) {
    auto pair = os::open_socket_pair().value;
    int fd = pair.first.get();
    watch(fd, read_bit);
    wait();
    pid_t pid = fork();
    if (pid == 0) {
        poller.remove(fd);
        _exit(poller.size() == 0 ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    put(pair.second.get());
    EXPECT_EQ(wait(patience), (Events{{fd, read_bit}}));
    poller.remove(fd);
}

TEST_P(PollerKernelTest, H_D14_a_shortage_of_descriptors_is_told) {
    pid_t pid = fork();
    if (pid == 0) {
        rlimit none{0, 0};
        setrlimit(RLIMIT_NOFILE, &none);
        Poller starved;
        Status status = starved.open(GetParam());
        if (status != (on_epoll() ? IOLOOP_ENFILE : IOLOOP_OK)) _exit(1);
        if (on_epoll() && starved.last_errno != EMFILE) _exit(2);
        // No silent change of back end when descriptors run out.
        Poller automatic;
        _exit(automatic.open(Poller::automatic) == IOLOOP_ENFILE ? 0 : 3);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0) << WEXITSTATUS(status);
}

TEST_P(PollerKernelTest, the_native_descriptor_is_readable_when_something_is_ready) {
    if (!on_epoll()) return;  // has none
    os::UniqueFd event = os::eventfd_open().value;
    watch(event.get(), read_bit);
    poller.apply();
    os::PollEntry entry{poller.native_fd(), static_cast<short>(os::ready_in), 0};
    EXPECT_EQ(os::poll(&entry, 1, 0).value, 0);
    os::eventfd_signal(event.get());
    EXPECT_EQ(os::poll(&entry, 1, 0).value, 1);
    poller.remove(event.get());
}

}  // namespace
}  // namespace ioloop
