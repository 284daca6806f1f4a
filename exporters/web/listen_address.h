#pragma once
// "127.0.0.1:9464", "[::1]:9464", "0.0.0.0:9465": where a server listens. Port 0 takes a free one.
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::exporters {

struct ListenAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    std::uint16_t port() const;
    void set_port(std::uint16_t port);
    bool is_loopback() const;  // 127.0.0.0/8 or ::1: nobody beyond this machine reaches it
    bool is_v6() const { return storage.ss_family == AF_INET6; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<ListenAddress> parse_listen_address(std::string_view text);

// Whether it can be understood; says nothing about whether it can be listened on.
bool is_listen_address(std::string_view text);

}  // namespace llmsnoop::exporters
