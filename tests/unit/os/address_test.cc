#include "os/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace ioloop::os {
namespace {

using std::string;
using std::string_view;
using namespace std::string_view_literals;

bool accepts(string_view text) {
    // Exactly as long as the text, so that a sanitizer sees a read beyond it.
    string copy(text);
    copy.shrink_to_fit();
    Address address;
    return parse_numeric(copy, 80, &address);
}

string canonical(string_view text) {
    Address address;
    if (!parse_numeric(text, 80, &address)) return "refused";
    char out[INET6_ADDRSTRLEN] = {};
    if (address.family() == Family::ipv4) {
        sockaddr_in raw;
        memcpy(&raw, address.bytes, sizeof raw);
        inet_ntop(AF_INET, &raw.sin_addr, out, sizeof out);
    } else {
        sockaddr_in6 raw;
        memcpy(&raw, address.bytes, sizeof raw);
        inet_ntop(AF_INET6, &raw.sin6_addr, out, sizeof out);
    }
    return out;
}

TEST(Address, proper_numeric_forms) {
    EXPECT_EQ(canonical("127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(canonical("0.0.0.0"), "0.0.0.0");
    EXPECT_EQ(canonical("255.255.255.255"), "255.255.255.255");
    EXPECT_EQ(canonical("1.20.3.100"), "1.20.3.100");
    EXPECT_EQ(canonical("::"), "::");
    EXPECT_EQ(canonical("::1"), "::1");
    EXPECT_EQ(canonical("2001:DB8::0:1"), "2001:db8::1");
    EXPECT_EQ(canonical("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
    EXPECT_EQ(canonical("::ffff:1.2.3.4"), "::ffff:1.2.3.4");
    EXPECT_EQ(canonical("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(Address, H_I3_legacy_numeric_forms_are_refused) {
    for (string_view text : {"0x7f.1"sv, "127.1"sv, "2130706433"sv, "017700000001"sv, "0177.0.0.1"sv, "127.0.0.01"sv,
                             "0x7f000001"sv, "127.0.0.0x1"sv, "1.2.3"sv, "00.0.0.0"sv, "127.000.000.001"sv})
        EXPECT_FALSE(accepts(text)) << text;
}

TEST(Address, H_I2_empty_spaces_controls_and_zero_bytes_are_refused) {
    for (string_view text :
         {""sv, " "sv, " 127.0.0.1"sv, "127.0.0.1 "sv, "127.0.0.1\n"sv, "127.0.0.1\0"sv, "127.0.0.1\0.evil"sv,
          "127.\0 0.0.1"sv, "\0"sv, "::1\0"sv, "::1 "sv, "\t::1"sv, "::1%\0lo"sv, "::1%lo\0"sv, "\xef\xbc\x91.2.3.4"sv})
        EXPECT_FALSE(accepts(text)) << testing::PrintToString(text);
}

TEST(Address, not_addresses) {
    for (string_view text :
         {"256.0.0.1"sv, "1.2.3.256"sv, "1.2.3.999"sv, "1.2.3.4.5"sv, "1.2.3.4."sv, ".1.2.3.4"sv, "1..2.3"sv,
          "+1.2.3.4"sv, "-1.2.3.4"sv, "1.2.3.4294967297"sv, "1.2.3.99999999999999999999"sv, "localhost"sv,
          "[::1]"sv, ":"sv, ":::"sv, "1::2::3"sv, "12345::"sv, "g::"sv, "1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7:8:9"sv,
          "::1.2.3"sv, "::1.2.3.04"sv, "1.2.3.4%lo"sv, "%lo"sv, "127.0.0.1:80"sv, "127.0.0.1/8"sv})
        EXPECT_FALSE(accepts(text)) << text;
}

TEST(Address, zones) {
    Address address;
    ASSERT_TRUE(parse_numeric("fe80::1%lo", 80, &address));
    sockaddr_in6 raw;
    memcpy(&raw, address.bytes, sizeof raw);
    EXPECT_EQ(raw.sin6_scope_id, if_nametoindex("lo"));
    ASSERT_TRUE(parse_numeric("fe80::1%4294967295", 80, &address));
    memcpy(&raw, address.bytes, sizeof raw);
    EXPECT_EQ(raw.sin6_scope_id, 4294967295u);
    for (string_view text : {"fe80::1%"sv, "fe80::1%%lo"sv, "fe80::1%no such"sv, "fe80::1%4294967296"sv, "fe80::1%01"sv,
                             "fe80::1%-1"sv, "fe80::1%lo%lo"sv, "fe80::1%aaaaaaaaaaaaaaaaaaaaaaaa"sv, "lo%fe80::1"sv})
        EXPECT_FALSE(accepts(text)) << text;
}

TEST(Address, H_I1_H_I4_long_texts_are_refused_not_cut) {
    EXPECT_FALSE(accepts("0000:0000:0000:0000:0000:0000:0000:00001"));
    for (size_t size : {15u, 16u, 45u, 46u, 47u, 255u, 256u, 257u, 4096u, 70000u}) {
        EXPECT_FALSE(accepts(string(size, '1'))) << size;
        EXPECT_FALSE(accepts(string(size, ':'))) << size;
        EXPECT_FALSE(accepts(string(size, 'a'))) << size;
        EXPECT_FALSE(accepts("1.2.3.4" + string(size, '0'))) << size;
        EXPECT_FALSE(accepts("1.2.3.4" + string(size, '\0'))) << size;
        EXPECT_FALSE(accepts("::1%" + string(size, '9'))) << size;
        EXPECT_FALSE(accepts("::1" + string(size, '0') + "%lo")) << size;
    }
}

// Whatever is accepted must be what the system's own strict parser makes of it.
TEST(Address, H_I4_random_texts_agree_with_the_system) {
    std::mt19937 random(1);
    const string_view letters = "0123456789.:%xaf \0"sv;
    int accepted = 0;
    for (int round = 0; round < 200000; ++round) {
        string text = round % 3 == 0 ? "" : round % 3 == 1 ? "1.2.3.4" : "::12";
        for (int edits = static_cast<int>(random() % 6); edits >= 0; --edits) {
            size_t at = random() % (text.size() + 1);
            if (random() % 3 == 0 && at < text.size())
                text.erase(at, 1);
            else
                text.insert(at, 1, letters[random() % letters.size()]);
        }
        Address address;
        if (!parse_numeric(text, 1, &address)) continue;
        ++accepted;
        ASSERT_EQ(text.find('\0'), string::npos);
        unsigned char system[16] = {}, ours[16] = {};
        size_t zone = text.find('%');
        if (address.family() == Family::ipv4) {
            ASSERT_EQ(inet_pton(AF_INET, text.c_str(), system), 1) << text;
            memcpy(ours, address.bytes + offsetof(sockaddr_in, sin_addr), 4);
        } else {
            ASSERT_EQ(inet_pton(AF_INET6, text.substr(0, zone).c_str(), system), 1) << text;
            memcpy(ours, address.bytes + offsetof(sockaddr_in6, sin6_addr), 16);
        }
        EXPECT_EQ(memcmp(system, ours, sizeof ours), 0) << text;
    }
    EXPECT_GT(accepted, 1000);
}

TEST(Address, H_I7_ports_keep_all_16_bits) {
    for (unsigned port : {0u, 1u, 80u, 255u, 256u, 8888u, 32768u, 65535u}) {
        for (string_view text : {"10.0.0.1"sv, "::1"sv}) {
            Address address;
            ASSERT_TRUE(parse_numeric(text, static_cast<uint16_t>(port), &address));
            EXPECT_EQ(address.port(), port);
            address.set_port(0);
            EXPECT_EQ(address.port(), 0);
            address.set_port(static_cast<uint16_t>(port));
            EXPECT_EQ(address.port(), port);
        }
    }
    Address local, before;
    ASSERT_TRUE(parse_local("/tmp/x", &local));
    before = local;
    local.set_port(80);
    EXPECT_EQ(local.port(), 0);
    EXPECT_EQ(local, before);
}

TEST(Address, equality) {
    auto numeric = [](string_view text, uint16_t port) {
        Address address;
        EXPECT_TRUE(parse_numeric(text, port, &address));
        return address;
    };
    EXPECT_EQ(numeric("::1", 1), numeric("0:0:0:0:0:0:0:1", 1));
    EXPECT_FALSE(numeric("::1", 1) == numeric("::1", 2));
    EXPECT_FALSE(numeric("::1", 1) == numeric("::2", 1));
    EXPECT_FALSE(numeric("fe80::1%1", 1) == numeric("fe80::1%2", 1));
    EXPECT_FALSE(numeric("127.0.0.1", 1) == numeric("::ffff:127.0.0.1", 1));
    EXPECT_EQ(numeric("1.2.3.4", 1), numeric("1.2.3.4", 1));
    EXPECT_FALSE(numeric("1.2.3.4", 1) == numeric("1.2.3.4", 3));
    EXPECT_EQ(Address{}, Address{});
    EXPECT_FALSE(Address{} == numeric("1.2.3.4", 1));
    Address a, b;
    ASSERT_TRUE(parse_local("\0ab"sv, &a));
    ASSERT_TRUE(parse_local("\0ac"sv, &b));
    EXPECT_FALSE(a == b);
    ASSERT_TRUE(parse_local("ab", &b));
    EXPECT_FALSE(a == b);
    ASSERT_TRUE(parse_local("\0ab"sv, &b));
    EXPECT_EQ(a, b);
}

TEST(Address, H_D17_unix_paths) {
    Address address;
    for (size_t size : {1u, 2u, 106u, 107u}) {
        string path(size, 'p');
        ASSERT_TRUE(parse_local(path, &address)) << size;
        EXPECT_EQ(address.family(), Family::local);
        EXPECT_EQ(local_path(address), path);
        EXPECT_FALSE(is_abstract(address));
        EXPECT_EQ(address.size, offsetof(sockaddr_un, sun_path) + size + 1);
    }
    for (size_t size : {0u, 108u, 109u, 70000u}) EXPECT_FALSE(parse_local(string(size, 'p'), &address)) << size;
    EXPECT_FALSE(parse_local("a\0b"sv, &address));
    EXPECT_FALSE(parse_local("a\0"sv, &address));
}

TEST(Address, H_D17_abstract_names) {
    Address address;
    for (size_t size : {2u, 107u, 108u}) {
        string name = string(1, '\0') + string(size - 1, 'n');
        ASSERT_TRUE(parse_local(name, &address)) << size;
        EXPECT_TRUE(is_abstract(address));
        EXPECT_EQ(local_path(address), "");
        EXPECT_EQ(address.size, offsetof(sockaddr_un, sun_path) + size);
    }
    EXPECT_TRUE(parse_local("\0a\0b"sv, &address)) << "zero bytes are part of such a name";
    EXPECT_FALSE(parse_local("\0"sv, &address));
    EXPECT_FALSE(parse_local(string(1, '\0') + string(108, 'n'), &address));
}

TEST(Address, what_is_no_address_has_no_parts) {
    Address address;
    EXPECT_EQ(address.family(), Family::none);
    EXPECT_EQ(address.port(), 0);
    EXPECT_FALSE(is_abstract(address));
    EXPECT_EQ(local_path(address), "");
    // An unnamed Unix socket, as getsockname gives it.
    sa_family_t family = AF_UNIX;
    memcpy(address.bytes, &family, sizeof family);
    address.size = sizeof family;
    EXPECT_EQ(address.family(), Family::local);
    EXPECT_FALSE(is_abstract(address));
    EXPECT_EQ(local_path(address), "");
}

}  // namespace
}  // namespace ioloop::os
