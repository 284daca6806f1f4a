#include "exporters/web/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace llmsnoop::exporters {

namespace {

sockaddr_in6* v6_of(sockaddr_storage& storage) {
    return reinterpret_cast<sockaddr_in6*>(&storage);
}
sockaddr_in* v4_of(sockaddr_storage& storage) {
    return reinterpret_cast<sockaddr_in*>(&storage);
}

}  // namespace

std::uint16_t ListenAddress::port() const {
    sockaddr_storage copy = storage;
    return ntohs(is_v6() ? v6_of(copy)->sin6_port : v4_of(copy)->sin_port);
}

void ListenAddress::set_port(std::uint16_t port) {
    (is_v6() ? v6_of(storage)->sin6_port : v4_of(storage)->sin_port) = htons(port);
}

bool ListenAddress::is_loopback() const {
    sockaddr_storage copy = storage;
    if (is_v6()) return IN6_IS_ADDR_LOOPBACK(&v6_of(copy)->sin6_addr);
    return ntohl(v4_of(copy)->sin_addr.s_addr) >> 24 == 127;
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;

    ListenAddress address;
    const std::string host(text.substr(0, colon));
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        address.storage.ss_family = AF_INET6;
        address.size = sizeof(sockaddr_in6);
        if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6_of(address.storage)->sin6_addr) != 1)
            return std::nullopt;
    } else {
        address.storage.ss_family = AF_INET;
        address.size = sizeof(sockaddr_in);
        if (::inet_pton(AF_INET, host.c_str(), &v4_of(address.storage)->sin_addr) != 1) return std::nullopt;
    }
    address.set_port(port);
    return address;
}

bool is_listen_address(std::string_view text) {
    return parse_listen_address(text).has_value();
}

}  // namespace llmsnoop::exporters
