// What every simulated call does around its own work: time passes, a fault may strike, the trace is written.
#pragma once

#include <cerrno>
#include <type_traits>
#include <utility>

#include "world.h"

namespace sim {

template <class T>
int64_t traced(const T &value) {
    if constexpr (std::is_arithmetic_v<T>)
        return static_cast<int64_t>(value);
    else
        return 0;
}

// body(world, injected) does the work; injected is the errno that the call has to fail with, or 0.
template <class T, class F>
Result<T> simulate(Op op, int fd, F body) {
    World &world = World::current();
    const int injected = world.begin(op);
    Result<T> result = body(world, injected);
    world.end(op, fd, result.ok() ? traced(result.value) : 0, result.error);
    return result;
}

// For calls on a descriptor that do nothing when a fault strikes: body(world, file) otherwise.
template <class T, class F>
Result<T> simulate_on(Op op, int fd, F body) {
    return simulate<T>(op, fd, [&](World &world, int injected) {
        File *file = world.descriptors.find(fd);
        if (!file) {
            ++world.bad_descriptors;
            return Result<T>::failure(EBADF);
        }
        if (injected != 0) return Result<T>::failure(injected);
        return body(world, *file);
    });
}

template <class T, class F>
Result<T> simulate_on_socket(Op op, int fd, F body) {
    return simulate_on<T>(op, fd, [&](World &world, File &file) {
        if (file.type != FileType::socket) return Result<T>::failure(ENOTSOCK);
        return body(world, static_cast<Socket &>(file));
    });
}

inline Result<Nothing> outcome(int error) { return {{}, error}; }

inline Result<os::UniqueFd> open_file(World &world, int injected, std::shared_ptr<File> file) {
    if (injected == 0 && world.descriptors.full()) injected = EMFILE;
    if (injected != 0) return Result<os::UniqueFd>::failure(injected);
    return {os::UniqueFd(world.descriptors.open(std::move(file))), 0};
}

// An error of a connection ends it: both sides feel it. Errors of the moment do not.
inline bool breaks_connection(int error) {
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETDOWN ||
           error == ENOTCONN;
}

}  // namespace sim
