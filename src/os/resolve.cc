#include "os/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace ioloop::os {
namespace {

constexpr size_t max_host_size = 253;

struct FreeAddressInfo {
    void operator()(addrinfo *list) const { freeaddrinfo(list); }
};

// Spellings like 0x7f.1 or "127.0.0.1 x", which the resolver would take for addresses although they are no proper ones.
bool is_legacy_numeric(const std::string &host) {
    in_addr ignored;
    return inet_aton(host.c_str(), &ignored) != 0;
}

}  // namespace

Result<std::vector<Address>> resolve_passive(const std::string &host, uint16_t port) {
    using Addresses = Result<std::vector<Address>>;
    Address numeric;
    if (parse_numeric(host, port, &numeric)) return {{numeric}, 0};
    if (host.size() > max_host_size || host.find('\0') != std::string::npos || is_legacy_numeric(host))
        return Addresses::failure(EAI_NONAME);

    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo *found = nullptr;
    int error = getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) return Addresses::failure(error);
    std::unique_ptr<addrinfo, FreeAddressInfo> owner(found);

    std::vector<Address> addresses;
    for (addrinfo *entry = found; entry; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
        Address address;
        if (entry->ai_addrlen > sizeof address.bytes) continue;
        memcpy(address.bytes, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
    }
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const Address &address) { return address.family() == Family::ipv4; });
    return {std::move(addresses), 0};
}

}  // namespace ioloop::os
