// Socket addresses: IPv4, IPv6 and Unix, from and to text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ioloop::os {

enum class Family : uint8_t { none, ipv4, ipv6, local };

// A sockaddr of any family; size is what the system calls want.
struct Address {
    alignas(8) unsigned char bytes[128] = {};
    uint32_t size = 0;

    Family family() const;
    uint16_t port() const;  // host order, 0 for Unix addresses
    void set_port(uint16_t port);
    bool operator==(const Address &other) const;
};

// Strict numeric forms only: dotted quad with four decimal parts without leading zeros, or RFC 4291 text with an
// optional %zone. False for anything else: names, 0x7f.1, spaces, embedded zero bytes.
bool parse_numeric(std::string_view text, uint16_t port, Address *out);

// A path of 1 to 107 bytes without a zero byte, or an abstract name that begins with one (2 to 108 bytes).
bool parse_local(std::string_view path, Address *out);
bool is_abstract(const Address &address);
// The path of a Unix address that has one, else empty.
std::string_view local_path(const Address &address);

}  // namespace ioloop::os
