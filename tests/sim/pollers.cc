#include "pollers.h"

#include <algorithm>
#include <cerrno>

#include "world.h"

namespace sim {

uint32_t TimerFd::readiness() const { return deadline >= 0 && World::current().now >= deadline ? os::ready_in : 0; }

Epoll::Epoll() : File(FileType::epoll) { World::current().epolls.push_back(this); }

Epoll::~Epoll() {
    if (World *world = World::active()) std::erase(world->epolls, this);
}

Epoll::Entry *Epoll::find(int fd, const File *file) {
    for (Entry &entry : entries) {
        if (entry.fd == fd && entry.file == file) return &entry;
    }
    return nullptr;
}

int Epoll::change(os::EpollChange change, int fd, uint32_t events, uint64_t token) {
    File *file = World::current().descriptors.find(fd);
    if (!file) return EBADF;
    if (file->type == FileType::regular) return EPERM;
    Entry *entry = find(fd, file);
    switch (change) {
        case os::EpollChange::add:
            if (entry) return EEXIST;
            entries.push_back({fd, file, events, token});
            return 0;
        case os::EpollChange::modify:
            if (!entry) return ENOENT;
            *entry = {fd, file, events, token};
            return 0;
        case os::EpollChange::remove:
            if (!entry) return ENOENT;
            entries.erase(entries.begin() + (entry - entries.data()));
            return 0;
    }
    return EINVAL;
}

void Epoll::forget(const File &file) {
    std::erase_if(entries, [&](const Entry &entry) { return entry.file == &file; });
}

uint32_t Epoll::readiness() const {
    for (const Entry &entry : entries) {
        if (visible(entry.file->readiness(), entry.events)) return os::ready_in;
    }
    return 0;
}

std::vector<os::EpollEvent> Epoll::ready() const {
    std::vector<os::EpollEvent> events;
    for (const Entry &entry : entries) {
        if (uint32_t bits = visible(entry.file->readiness(), entry.events)) events.push_back({bits, entry.token});
    }
    return events;
}

}  // namespace sim
