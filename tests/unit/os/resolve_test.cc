#include "os/resolve.h"

#include <netdb.h>

#include <gtest/gtest.h>

namespace ioloop::os {
namespace {

TEST(Resolve, numeric_hosts_are_taken_as_they_are) {
    for (const char *host : {"127.0.0.1", "0.0.0.0", "::1", "::"}) {
        auto result = resolve_passive(host, 8888);
        ASSERT_TRUE(result.ok()) << host;
        ASSERT_EQ(result.value.size(), 1u) << host;
        EXPECT_EQ(result.value[0].port(), 8888);
        Address expected;
        ASSERT_TRUE(parse_numeric(host, 8888, &expected));
        EXPECT_EQ(result.value[0], expected);
    }
}

TEST(Resolve, an_empty_host_is_every_address_with_ipv4_first) {
    auto result = resolve_passive("", 80);
    ASSERT_TRUE(result.ok());
    ASSERT_FALSE(result.value.empty());
    Address any;
    ASSERT_TRUE(parse_numeric("0.0.0.0", 80, &any));
    EXPECT_EQ(result.value[0], any);
    for (size_t i = 1; i < result.value.size(); ++i) EXPECT_EQ(result.value[i].family(), Family::ipv6);
}

TEST(Resolve, names_give_each_address_once) {
    auto result = resolve_passive("localhost", 0);
    ASSERT_TRUE(result.ok());
    ASSERT_FALSE(result.value.empty());
    bool v6_seen = false;
    for (size_t i = 0; i < result.value.size(); ++i) {
        EXPECT_EQ(result.value[i].port(), 0);
        for (size_t k = 0; k < i; ++k) EXPECT_FALSE(result.value[k] == result.value[i]);
        v6_seen = v6_seen || result.value[i].family() == Family::ipv6;
        EXPECT_EQ(result.value[i].family(), v6_seen ? Family::ipv6 : Family::ipv4) << "IPv4 comes first";
    }
}

TEST(Resolve, H_I3_legacy_numeric_forms_are_no_names) {
    for (const char *host : {"0x7f.1", "127.1", "2130706433", "0177.0.0.1", "127.0.0.1 ", "127.0.0.1 x", "1.2.3.4\n"})
        EXPECT_EQ(resolve_passive(host, 80).error, EAI_NONAME) << host;
}

TEST(Resolve, H_I1_H_I2_long_names_and_zero_bytes_never_reach_the_resolver) {
    for (size_t size : {254u, 255u, 256u, 257u, 70000u})
        EXPECT_EQ(resolve_passive(std::string(size, 'a'), 80).error, EAI_NONAME) << size;
    EXPECT_EQ(resolve_passive(std::string("localhost\0.evil", 15), 80).error, EAI_NONAME);
    EXPECT_EQ(resolve_passive(std::string(1, '\0'), 80).error, EAI_NONAME);
}

}  // namespace
}  // namespace ioloop::os
