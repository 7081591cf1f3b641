#include "descriptors.h"

#include <algorithm>

#include "world.h"

namespace sim {

int DescriptorTable::take_number() {
    if (closed_.empty()) {
        files_.emplace_back();
        return static_cast<int>(files_.size()) - 1;
    }
    auto chosen = newest_first ? closed_.end() - 1 : std::min_element(closed_.begin(), closed_.end());
    const int fd = *chosen;
    closed_.erase(chosen);
    return fd;
}

int DescriptorTable::open(std::shared_ptr<File> file) {
    if (full()) return -1;
    const int fd = take_number();
    ++file->descriptors;
    ++open_;
    files_[static_cast<size_t>(fd)] = std::move(file);
    return fd;
}

int DescriptorTable::duplicate(int fd) { return open(share(fd)); }

File *DescriptorTable::find(int fd) const {
    return fd >= 0 && static_cast<size_t>(fd) < files_.size() ? files_[static_cast<size_t>(fd)].get() : nullptr;
}

bool DescriptorTable::close(int fd) {
    if (!find(fd)) return false;
    std::shared_ptr<File> file = std::move(files_[static_cast<size_t>(fd)]);
    files_[static_cast<size_t>(fd)] = nullptr;
    closed_.push_back(fd);
    --open_;
    if (--file->descriptors == 0) {
        World::current().forget_readiness(*file);
        file->last_close();
    }
    return true;
}

}  // namespace sim
