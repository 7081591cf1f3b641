#include "os/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "os/readiness.h"

namespace ioloop::os {
namespace {

static_assert(sizeof(Slice) == sizeof(iovec) && offsetof(Slice, data) == offsetof(iovec, iov_base) &&
              offsetof(Slice, size) == offsetof(iovec, iov_len));

const iovec *vectors(const Slice *slices) { return reinterpret_cast<const iovec *>(slices); }

int vector_count(size_t count) { return static_cast<int>(std::min(count, max_slices)); }

Result<size_t> counted(ssize_t result) {
    if (result < 0) return Result<size_t>::failure(errno);
    return {static_cast<size_t>(result), 0};
}

// Some devices can be waited for and some not; only the kernel knows which.
bool pollable(int fd) {
    Result<UniqueFd> epoll = epoll_open();
    if (!epoll.ok()) return true;
    return epoll_change(epoll.value.get(), EpollChange::add, fd, ready_in, 0).error != EPERM;
}

// Keeps this thread from dying of SIGPIPE while it writes, and leaves no trace: a signal of our own making is taken
// back, one that was there before stays.
class PipeSignalGuard {
public:
    PipeSignalGuard() {
        sigemptyset(&pipe_signal_);
        sigaddset(&pipe_signal_, SIGPIPE);
        sigset_t before;
        pthread_sigmask(SIG_BLOCK, &pipe_signal_, &before);
        blocked_before_ = sigismember(&before, SIGPIPE) == 1;
        if (!blocked_before_) return;
        sigset_t pending;
        sigpending(&pending);
        pending_before_ = sigismember(&pending, SIGPIPE) == 1;
    }
    PipeSignalGuard(const PipeSignalGuard &) = delete;
    PipeSignalGuard &operator=(const PipeSignalGuard &) = delete;
    ~PipeSignalGuard() {
        if (broken_ && !pending_before_) {
            const timespec at_once{};
            while (sigtimedwait(&pipe_signal_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        if (!blocked_before_) pthread_sigmask(SIG_UNBLOCK, &pipe_signal_, nullptr);
    }
    void broken() { broken_ = true; }

private:
    sigset_t pipe_signal_;
    bool blocked_before_ = false;
    bool pending_before_ = false;
    bool broken_ = false;
};

}  // namespace

Result<Nothing> close(int fd) {
    if (::close(fd) == 0 || errno == EINTR) return {};
    return Result<Nothing>::failure(errno);
}

Result<FdKind> kind(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return Result<FdKind>::failure(errno);
    if (S_ISSOCK(info.st_mode)) return {FdKind::socket, 0};
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) || S_ISBLK(info.st_mode)) return {FdKind::unusable, 0};
    if (S_ISCHR(info.st_mode) && !pollable(fd)) return {FdKind::unusable, 0};
    return {FdKind::pipe, 0};
}

Result<Nothing> make_nonblocking_cloexec(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return Result<Nothing>::failure(errno);
    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return Result<Nothing>::failure(errno);
    flags = fcntl(fd, F_GETFD);
    if (flags < 0) return Result<Nothing>::failure(errno);
    if (!(flags & FD_CLOEXEC) && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) return Result<Nothing>::failure(errno);
    return {};
}

Result<size_t> readable_bytes(int fd) {
    int count = 0;
    if (ioctl(fd, FIONREAD, &count) != 0) return Result<size_t>::failure(errno);
    return {static_cast<size_t>(std::max(count, 0)), 0};
}

Result<size_t> read(int fd, const Slice *slices, size_t count) {
    if (count == 1) return counted(::read(fd, slices->data, slices->size));
    return counted(readv(fd, vectors(slices), vector_count(count)));
}

Result<size_t> write(int fd, const Slice *slices, size_t count) {
    PipeSignalGuard guard;
    Result<size_t> result = counted(count == 1 ? ::write(fd, slices->data, slices->size)
                                               : writev(fd, vectors(slices), vector_count(count)));
    if (result.error == EPIPE) guard.broken();
    return result;
}

Result<bool> writable_end(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return Result<bool>::failure(errno);
    return {(flags & O_ACCMODE) != O_RDONLY, 0};
}

}  // namespace ioloop::os
