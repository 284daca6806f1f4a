#pragma once
// TCP over 127.0.0.1, for programs that must never be reachable from elsewhere.
#include <cstdint>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace llmsnoop::support {

struct Listener {
    base::Fd fd;
    std::uint16_t port = 0;
};

// Port 0 takes a free one.
base::Result<Listener> listen_on_loopback(std::uint16_t port);

// Blocking, with TCP_NODELAY.
base::Result<base::Fd> connect_to_loopback(std::uint16_t port);

void send_without_delay(int fd);

// The port of this end, 0 if unknown.
std::uint16_t local_port(int fd);
std::uint16_t peer_port(int fd);

}  // namespace llmsnoop::support
