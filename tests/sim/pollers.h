// The models of epoll, eventfd and timerfd. Level-triggered; hang-ups and errors cannot be masked.
#pragma once

#include <cstdint>
#include <vector>

#include "descriptors.h"
#include "os/readiness.h"

namespace sim {

class EventFd final : public File {
public:
    EventFd() : File(FileType::event) {}
    uint32_t readiness() const override { return os::ready_out | (count ? os::ready_in : 0); }
    uint64_t count = 0;
};

class TimerFd final : public File {
public:
    TimerFd() : File(FileType::timer) {}
    uint32_t readiness() const override;
    int64_t deadline = -1;
};

class Epoll final : public File {
public:
    struct Entry {
        int fd;
        File *file;
        uint32_t events;
        uint64_t token;
    };

    Epoll();
    ~Epoll() override;
    uint32_t readiness() const override;

    int change(os::EpollChange change, int fd, uint32_t events, uint64_t token);
    // The last descriptor of a file was closed. As long as another one refers to it, its entry stays.
    void forget(const File &file);
    // What is ready now, as a snapshot.
    std::vector<os::EpollEvent> ready() const;

    std::vector<Entry> entries;

private:
    Entry *find(int fd, const File *file);
};

inline uint32_t visible(uint32_t readiness, uint32_t wanted) {
    return readiness & (wanted | os::ready_err | os::ready_hup);
}

}  // namespace sim
