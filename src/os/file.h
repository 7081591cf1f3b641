// The few file operations that Unix sockets need.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace ioloop::os {

struct FileIdentity {
    uint64_t device = 0;
    uint64_t inode = 0;
    bool is_socket = false;
    bool operator==(const FileIdentity &) const = default;
};

Result<FileIdentity> file_identity(const std::string &path);
Result<Nothing> remove_file(const std::string &path);
Result<Nothing> set_file_mode(const std::string &path, uint32_t mode);

}  // namespace ioloop::os
