// The table of descriptors of the simulated process, and what all open files have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "os/descriptor.h"

namespace sim {

namespace os = ioloop::os;
using ioloop::Nothing;
using ioloop::Result;

enum class FileType : uint8_t { socket, pipe, event, timer, epoll, regular };

class File {
public:
    explicit File(FileType kind_of_file) : type(kind_of_file) {}
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    virtual ~File() = default;

    // What poll would report, whatever is asked for.
    virtual uint32_t readiness() const { return 0; }
    // No descriptor refers to it any more.
    virtual void last_close() {}

    const FileType type;
    int descriptors = 0;
};

class DescriptorTable {
public:
    // The number, or -1 when the limit is reached.
    int open(std::shared_ptr<File> file);
    int duplicate(int fd);
    bool close(int fd);
    File *find(int fd) const;
    template <class T>
    T *find_as(int fd, FileType type) const {
        File *file = find(fd);
        return file && file->type == type ? static_cast<T *>(file) : nullptr;
    }
    std::shared_ptr<File> share(int fd) const { return find(fd) ? files_[static_cast<size_t>(fd)] : nullptr; }
    bool full() const { return open_ >= limit; }
    size_t open_count() const { return open_; }
    size_t size() const { return files_.size(); }

    size_t limit = 1000;
    // Which free number is given out: the lowest, as POSIX has it, or the one closed last, to catch those who mistake
    // a new owner of a number for the old one.
    bool newest_first = false;

private:
    int take_number();

    std::vector<std::shared_ptr<File>> files_ = std::vector<std::shared_ptr<File>>(3);  // 0 to 2 are never used
    std::vector<int> closed_;
    size_t open_ = 0;
};

}  // namespace sim
