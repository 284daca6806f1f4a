#include "agent/model/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>

namespace llmsnoop::model {

std::string to_string(const Address& address) {
    static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN] = "";
    const std::uint8_t* bytes = address.bytes.data();
    int family = address.family == Address::Family::ipv4 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && std::equal(kMapped.begin(), kMapped.end(), bytes)) {
        family = AF_INET;
        bytes += kMapped.size();
    }
    inet_ntop(family, bytes, text, sizeof text);
    return text;
}

}  // namespace llmsnoop::model
