// Address texts: what is taken is what the system's own parser takes, and no byte outside the text is read.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <memory>

#include "input.h"
#include "os/address.h"

using namespace ioloop;

namespace {

// A copy with nothing behind it.
struct Exact {
    explicit Exact(const std::string &text) : bytes(new char[text.size()]), size(text.size()) {
        std::memcpy(bytes.get(), text.data(), size);
    }
    std::string_view view() const { return {bytes.get(), size}; }
    std::unique_ptr<char[]> bytes;
    size_t size;
};

void check_numeric(const std::string &text, uint16_t port) {
    const Exact exact(text);
    os::Address address;
    const bool taken = os::parse_numeric(exact.view(), port, &address);
    const bool zero_inside = text.find('\0') != std::string::npos;
    in_addr v4{};
    in6_addr v6{};
    const size_t zone = text.find('%');
    const bool is_v4 = !zero_inside && inet_pton(AF_INET, text.c_str(), &v4) == 1;
    const bool is_v6 = !zero_inside && inet_pton(AF_INET6, text.substr(0, zone).c_str(), &v6) == 1;
    if (zone == std::string::npos) {
        FUZZ_CHECK(taken == (is_v4 || is_v6));
    } else {
        FUZZ_CHECK(!taken || is_v6);
        FUZZ_CHECK(!taken || zone + 1 < text.size());
    }
    if (!taken) return;
    FUZZ_CHECK(address.port() == port);
    FUZZ_CHECK(address.size <= sizeof address.bytes);
    FUZZ_CHECK(address.family() == (is_v4 ? os::Family::ipv4 : os::Family::ipv6));
    if (is_v4) {
        FUZZ_CHECK(std::memcmp(address.bytes + offsetof(sockaddr_in, sin_addr), &v4, sizeof v4) == 0);
    } else {
        FUZZ_CHECK(std::memcmp(address.bytes + offsetof(sockaddr_in6, sin6_addr), &v6, sizeof v6) == 0);
    }
    os::Address again;
    FUZZ_CHECK(os::parse_numeric(exact.view(), static_cast<uint16_t>(port + 1), &again) && !(again == address));
    again.set_port(port);
    FUZZ_CHECK(again == address);
    FUZZ_CHECK(!os::is_abstract(address) && os::local_path(address).empty());
}

void check_local(const std::string &text) {
    const Exact exact(text);
    os::Address address;
    const bool taken = os::parse_local(exact.view(), &address);
    const bool abstract = !text.empty() && text[0] == '\0';
    const bool expected = abstract ? text.size() >= 2 && text.size() <= 108
                                   : !text.empty() && text.size() <= 107 && text.find('\0') == std::string::npos;
    FUZZ_CHECK(taken == expected);
    if (!taken) return;
    FUZZ_CHECK(address.family() == os::Family::local && address.port() == 0);
    FUZZ_CHECK(address.size <= sizeof(sockaddr_un));
    FUZZ_CHECK(os::is_abstract(address) == abstract);
    FUZZ_CHECK(os::local_path(address) == (abstract ? std::string_view() : exact.view()));
    os::Address again;
    FUZZ_CHECK(os::parse_local(exact.view(), &again) && again == address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    const auto port = static_cast<uint16_t>(input.pick(65536));
    const std::string text = input.bytes(70000);
    check_numeric(text, port);
    check_local(text);
    check_local('\0' + text);
    return 0;
}
