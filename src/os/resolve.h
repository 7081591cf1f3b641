// Names to addresses, as the system is configured to do it. Blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/address.h"

namespace ioloop::os {

// Stream addresses to bind for a host name; empty means every address of the machine. error is 0 on success, a
// getaddrinfo code otherwise. Duplicates are gone, IPv4 comes first.
Result<std::vector<Address>> resolve_passive(const std::string &host, uint16_t port);

}  // namespace ioloop::os
