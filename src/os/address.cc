#include "os/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>

namespace ioloop::os {
namespace {

static_assert(sizeof(Address::bytes) >= sizeof(sockaddr_storage));

constexpr size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr size_t path_capacity = sizeof(sockaddr_un::sun_path);

template <class T>
T view(const Address &address) {
    T raw;
    memcpy(&raw, address.bytes, sizeof raw);
    return raw;
}

template <class T>
void store(Address *address, const T &raw) {
    *address = Address{};
    memcpy(address->bytes, &raw, sizeof raw);
    address->size = sizeof raw;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number in its only spelling: no sign, no leading zero, nothing behind it.
bool parse_decimal(std::string_view text, uint32_t *out) {
    if (text.empty() || !is_digit(text[0]) || (text[0] == '0' && text.size() > 1)) return false;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return error == std::errc() && end == text.data() + text.size();
}

bool parse_ipv4(std::string_view text, in_addr *out) {
    uint32_t host = 0;
    for (int part = 0; part < 4; ++part) {
        size_t length = part < 3 ? text.find('.') : text.size();
        if (length == std::string_view::npos) return false;
        uint32_t value;
        if (!parse_decimal(text.substr(0, length), &value) || value > 255) return false;
        host = host << 8 | value;
        text.remove_prefix(part < 3 ? length + 1 : length);
    }
    out->s_addr = htonl(host);
    return true;
}

// The scope of a link-local address: the number of an interface, or its name.
bool parse_zone(std::string_view text, uint32_t *out) {
    if (parse_decimal(text, out)) return true;
    char name[IF_NAMESIZE] = {};
    if (text.empty() || text.size() >= sizeof name) return false;
    text.copy(name, text.size());
    *out = if_nametoindex(name);
    return *out != 0;
}

bool parse_ipv6(std::string_view text, sockaddr_in6 *out) {
    size_t mark = text.find('%');
    if (mark != std::string_view::npos && !parse_zone(text.substr(mark + 1), &out->sin6_scope_id)) return false;
    text = text.substr(0, mark);
    char bounded[INET6_ADDRSTRLEN] = {};
    if (text.size() >= sizeof bounded) return false;
    text.copy(bounded, text.size());
    return inet_pton(AF_INET6, bounded, &out->sin6_addr) == 1;
}

// The bytes of a Unix address behind the family: a path with its end mark, or an abstract name, or nothing.
std::string_view local_name(const Address &address) {
    if (address.family() != Family::local || address.size <= path_offset) return {};
    return {reinterpret_cast<const char *>(address.bytes) + path_offset, address.size - path_offset};
}

}  // namespace

Family Address::family() const {
    if (size < sizeof(sa_family_t)) return Family::none;
    switch (view<sockaddr>(*this).sa_family) {
        case AF_INET: return Family::ipv4;
        case AF_INET6: return Family::ipv6;
        case AF_UNIX: return Family::local;
        default: return Family::none;
    }
}

uint16_t Address::port() const {
    switch (family()) {
        case Family::ipv4: return ntohs(view<sockaddr_in>(*this).sin_port);
        case Family::ipv6: return ntohs(view<sockaddr_in6>(*this).sin6_port);
        default: return 0;
    }
}

void Address::set_port(uint16_t port) {
    // Both families keep the port at the same place.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    if (family() != Family::ipv4 && family() != Family::ipv6) return;
    in_port_t network = htons(port);
    memcpy(bytes + offsetof(sockaddr_in, sin_port), &network, sizeof network);
}

bool Address::operator==(const Address &other) const {
    if (family() != other.family()) return false;
    switch (family()) {
        case Family::ipv4:
            return port() == other.port() &&
                   view<sockaddr_in>(*this).sin_addr.s_addr == view<sockaddr_in>(other).sin_addr.s_addr;
        case Family::ipv6: {
            // Not the flow label, which says nothing about who is addressed.
            auto mine = view<sockaddr_in6>(*this), theirs = view<sockaddr_in6>(other);
            return mine.sin6_port == theirs.sin6_port && mine.sin6_scope_id == theirs.sin6_scope_id &&
                   memcmp(&mine.sin6_addr, &theirs.sin6_addr, sizeof mine.sin6_addr) == 0;
        }
        case Family::local:
            return is_abstract(*this) == is_abstract(other) && local_path(*this) == local_path(other) &&
                   (!is_abstract(*this) || local_name(*this) == local_name(other));
        case Family::none: return size == other.size && memcmp(bytes, other.bytes, size) == 0;
    }
    return false;
}

bool parse_numeric(std::string_view text, uint16_t port, Address *out) {
    // What follows works on copies that end at a zero byte, so none may be inside.
    if (text.find('\0') != std::string_view::npos) return false;
    sockaddr_in v4{};
    if (parse_ipv4(text, &v4.sin_addr)) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        store(out, v4);
        return true;
    }
    sockaddr_in6 v6{};
    if (!parse_ipv6(text, &v6)) return false;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    store(out, v6);
    return true;
}

bool parse_local(std::string_view path, Address *out) {
    bool abstract = !path.empty() && path[0] == '\0';
    if (path.size() < (abstract ? 2u : 1u) || path.size() > path_capacity - (abstract ? 0 : 1)) return false;
    if (!abstract && path.find('\0') != std::string_view::npos) return false;
    sockaddr_un raw{};
    raw.sun_family = AF_UNIX;
    path.copy(raw.sun_path, path.size());
    store(out, raw);
    // A path is sent with its zero byte, as the system returns it; an abstract name is exactly its bytes.
    out->size = static_cast<uint32_t>(path_offset + path.size() + (abstract ? 0 : 1));
    return true;
}

bool is_abstract(const Address &address) {
    std::string_view name = local_name(address);
    return !name.empty() && name[0] == '\0';
}

std::string_view local_path(const Address &address) {
    std::string_view name = local_name(address);
    return name.substr(0, name.find('\0'));
}

}  // namespace ioloop::os
