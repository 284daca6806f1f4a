#pragma once
// One end of a TCP connection.
#include <array>
#include <cstdint>
#include <string>

namespace llmsnoop::model {

struct Address {
    enum class Family : std::uint8_t { ipv4, ipv6 };

    Family family = Family::ipv4;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four

    friend bool operator==(const Address&, const Address&) = default;
    friend auto operator<=>(const Address&, const Address&) = default;
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// RFC 5952 text; IPv4-mapped IPv6 addresses print as IPv4, because that is what the user connected to.
std::string to_string(const Address& address);

}  // namespace llmsnoop::model
