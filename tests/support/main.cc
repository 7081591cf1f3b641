// Runs the GoogleTest cases of a program. After each of them the open descriptors and the library's memory must be
// what they were before: nothing leaks, whatever a test is about.
#include <dirent.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/memory.h"

namespace {

std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> result;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return result;
    while (dirent *entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        int fd = std::atoi(entry->d_name);
        if (fd == dirfd(folder)) continue;
        char target[256];
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target));
        result[fd] = size > 0 ? std::string(target, static_cast<size_t>(size)) : std::string();
    }
    closedir(folder);
    return result;
}

class LeakCheck : public testing::EmptyTestEventListener {
    void OnTestStart(const testing::TestInfo &) override {
        descriptors_ = open_descriptors();
        memory_ = ioloop::memory_in_use();
    }

    void OnTestEnd(const testing::TestInfo &test) override {
        uint64_t memory = ioloop::memory_in_use();
        if (memory != memory_) {
            ADD_FAILURE() << test.test_suite_name() << "." << test.name() << " leaves "
                          << static_cast<int64_t>(memory - memory_) << " bytes of library memory";
        }
        for (auto &[fd, target] : open_descriptors()) {
            auto before = descriptors_.find(fd);
            if (before == descriptors_.end()) ADD_FAILURE() << "descriptor " << fd << " stays open: " << target;
            else if (before->second != target) ADD_FAILURE() << "descriptor " << fd << " is another: " << target;
            if (before != descriptors_.end()) descriptors_.erase(before);
        }
        for (auto &[fd, target] : descriptors_) ADD_FAILURE() << "descriptor " << fd << " was closed: " << target;
    }

    std::map<int, std::string> descriptors_;
    uint64_t memory_ = 0;
};

}  // namespace

int main(int argc, char **argv) {
    testing::InitGoogleTest(&argc, argv);
    // Listeners hear of a test's end in reverse order: this one before GoogleTest's printer, so that a leak is part of
    // the test's own result.
    testing::UnitTest::GetInstance()->listeners().Append(new LeakCheck);
    return RUN_ALL_TESTS();
}
