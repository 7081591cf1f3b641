#include "os/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ioloop::os {
namespace {

// A path with a zero byte inside would name another file than its owner thinks.
bool has_zero(const std::string &path) { return path.find('\0') != std::string::npos; }

Result<Nothing> outcome(int result) { return result == 0 ? Result<Nothing>{} : Result<Nothing>::failure(errno); }

}  // namespace

Result<FileIdentity> file_identity(const std::string &path) {
    struct stat info {};
    if (has_zero(path)) return Result<FileIdentity>::failure(EINVAL);
    // Not through symbolic links: this is about the name itself, which remove_file removes.
    if (lstat(path.c_str(), &info) != 0) return Result<FileIdentity>::failure(errno);
    return {{info.st_dev, info.st_ino, S_ISSOCK(info.st_mode)}, 0};
}

Result<Nothing> remove_file(const std::string &path) {
    if (has_zero(path)) return Result<Nothing>::failure(EINVAL);
    return outcome(unlink(path.c_str()));
}

Result<Nothing> set_file_mode(const std::string &path, uint32_t mode) {
    if (has_zero(path)) return Result<Nothing>::failure(EINVAL);
    return outcome(chmod(path.c_str(), mode));
}

}  // namespace ioloop::os
