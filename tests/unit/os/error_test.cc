#include "os/error.h"

#include <errno.h>

#include <string>

#include <gtest/gtest.h>

#include "ioloop/base.h"

namespace ioloop::os {
namespace {

TEST(Error, statuses_of_errno) {
    const struct {
        int error;
        Status status;
    } table[] = {
        {0, IOLOOP_OK},
        {ENOMEM, IOLOOP_ENOMEM},
        {ENOBUFS, IOLOOP_ENOMEM},
        {EMFILE, IOLOOP_ENFILE},
        {ENFILE, IOLOOP_ENFILE},
        {ECONNREFUSED, IOLOOP_EREFUSED},
        {ECONNRESET, IOLOOP_ERESET},
        {ECONNABORTED, IOLOOP_ERESET},
        {EPIPE, IOLOOP_ERESET},
        {ENOTCONN, IOLOOP_ERESET},
        {ETIMEDOUT, IOLOOP_ETIMEDOUT},
        {EACCES, IOLOOP_EACCESS},
        {EPERM, IOLOOP_EACCESS},
        {EADDRINUSE, IOLOOP_EADDRINUSE},
        {EADDRNOTAVAIL, IOLOOP_EADDRNOTAVAIL},
        {ENETUNREACH, IOLOOP_EUNREACH},
        {EHOSTUNREACH, IOLOOP_EUNREACH},
        {EAFNOSUPPORT, IOLOOP_EADDR},
        {EBADF, IOLOOP_ESYS},
        {EIO, IOLOOP_ESYS},
        {EINVAL, IOLOOP_ESYS},
        {123456, IOLOOP_ESYS},
    };
    for (const auto &row : table) EXPECT_EQ(to_status(row.error), row.status) << error_text(row.error);
}

TEST(Error, text_is_never_null) {
    for (int error = -2; error < 200; ++error) {
        const char *text = error_text(error);
        ASSERT_NE(text, nullptr);
        EXPECT_STRNE(text, "");
        EXPECT_EQ(text, error_text(error)) << "not static";
    }
    EXPECT_EQ(std::string(error_text(ECONNREFUSED)), "Connection refused");
}

TEST(Error, what_may_be_tried_again) {
    EXPECT_TRUE(would_block(EAGAIN));
    EXPECT_FALSE(would_block(0));
    EXPECT_FALSE(would_block(EINTR));
    EXPECT_TRUE(interrupted(EINTR));
    EXPECT_FALSE(interrupted(0));
    EXPECT_TRUE(short_of_buffers(ENOBUFS));
    EXPECT_FALSE(short_of_buffers(EPIPE));
}

TEST(Error, H_D1_an_interrupted_connect_is_in_progress) {
    EXPECT_TRUE(connect_in_progress(EINTR));
    EXPECT_TRUE(connect_in_progress(EINPROGRESS));
    EXPECT_FALSE(connect_in_progress(0));
    EXPECT_FALSE(connect_in_progress(EAGAIN)) << "the backlog of a Unix socket is full: nothing is in progress";
    EXPECT_FALSE(connect_in_progress(ECONNREFUSED));
}

TEST(Error, H_D16_the_network_losing_a_connection_is_a_reset) {
    for (int error : {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, ECONNABORTED})
        EXPECT_TRUE(connection_lost(error)) << error_text(error);
    for (int error : {0, EAGAIN, EINTR, EBADF, EINVAL, ENOBUFS}) EXPECT_FALSE(connection_lost(error));
}

TEST(Error, H_D5_accept_goes_on_after_an_error_of_the_new_connection) {
    for (int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, EPERM, ENOPROTOOPT, EHOSTDOWN, ENONET, ENETUNREACH})
        EXPECT_TRUE(accept_may_go_on(error)) << error_text(error);
    for (int error : {0, EAGAIN, EBADF, EINVAL, ENOTSOCK, EFAULT, EMFILE})
        EXPECT_FALSE(accept_may_go_on(error)) << error_text(error);
}

TEST(Error, H_D6_exhaustion) {
    for (int error : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) EXPECT_TRUE(exhausted(error));
    for (int error : {0, EAGAIN, ECONNABORTED}) EXPECT_FALSE(exhausted(error));
}

TEST(Error, H_D1_retry_repeats_only_interruptions) {
    int calls = 0;
    Result<int> result = retry([&] { return ++calls < 4 ? Result<int>::failure(EINTR) : Result<int>{7, 0}; });
    EXPECT_EQ(result.value, 7);
    EXPECT_EQ(calls, 4);
    calls = 0;
    result = retry([&] { return ++calls, Result<int>::failure(EAGAIN); });
    EXPECT_EQ(result.error, EAGAIN);
    EXPECT_EQ(calls, 1);
}

TEST(Error, names_for_the_layers_above) {
    EXPECT_EQ(to_status(out_of_memory), IOLOOP_ENOMEM);
    EXPECT_EQ(cannot_poll, EPERM);
}

}  // namespace
}  // namespace ioloop::os
