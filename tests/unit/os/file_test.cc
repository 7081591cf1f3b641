#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "os/socket.h"

namespace ioloop::os {
namespace {

class File : public testing::Test {
protected:
    void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
    void TearDown() override { EXPECT_EQ(rmdir(folder_), 0) << "a test left something"; }
    std::string path(const char *name) const { return std::string(folder_) + "/" + name; }

    char folder_[32] = "/tmp/ioloop-file-XXXXXX";
};

TEST_F(File, H_D17_identity_tells_a_socket_from_its_successor) {
    std::string name = path("s");
    Address address;
    ASSERT_TRUE(parse_local(name, &address));
    UniqueFd first = open_stream_socket(Family::local).value;
    ASSERT_TRUE(bind(first.get(), address).ok());
    FileIdentity made = file_identity(name).value;
    EXPECT_TRUE(made.is_socket);
    EXPECT_EQ(made, file_identity(name).value);

    // Kept alive beside it, so that the inode number cannot be given to the second one.
    ASSERT_EQ(rename(name.c_str(), path("old").c_str()), 0);
    UniqueFd second = open_stream_socket(Family::local).value;
    ASSERT_TRUE(bind(second.get(), address).ok());
    EXPECT_FALSE(made == file_identity(name).value);
    EXPECT_TRUE(remove_file(name).ok());
    EXPECT_TRUE(remove_file(path("old")).ok());
    EXPECT_EQ(file_identity(name).error, ENOENT);
    EXPECT_EQ(remove_file(name).error, ENOENT);
}

TEST_F(File, identity_is_that_of_a_link_not_of_its_target) {
    std::string target = path("target"), link = path("link");
    UniqueFd file(open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(file.valid());
    ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
    EXPECT_FALSE(file_identity(target).value.is_socket);
    EXPECT_FALSE(file_identity(target).value == file_identity(link).value);
    EXPECT_TRUE(remove_file(link).ok());
    EXPECT_TRUE(file_identity(target).ok());
    EXPECT_TRUE(remove_file(target).ok());
}

TEST_F(File, mode) {
    std::string name = path("f");
    UniqueFd file(open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(set_file_mode(name, 0640).ok());
    struct stat info {};
    ASSERT_EQ(stat(name.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0640u);
    EXPECT_TRUE(remove_file(name).ok());
    EXPECT_EQ(set_file_mode(name, 0640).error, ENOENT);
}

TEST_F(File, H_I2_a_zero_byte_inside_a_path_is_refused) {
    std::string name = path("f"), tricked = name + std::string("\0x", 2);
    UniqueFd file(open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    EXPECT_EQ(file_identity(tricked).error, EINVAL);
    EXPECT_EQ(remove_file(tricked).error, EINVAL);
    EXPECT_EQ(set_file_mode(tricked, 0777).error, EINVAL);
    EXPECT_TRUE(remove_file(name).ok());
}

}  // namespace
}  // namespace ioloop::os
