#pragma once
// One TCP or TLS connection as one process (or one capture file) sees it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/clock.h"
#include "agent/model/endpoint.h"
#include "agent/model/process.h"

namespace llmsnoop::model {

// Unique for the life of a capture source; never reused, unlike sockets and TLS objects.
using ConnectionId = std::uint64_t;

// Relative to the observed end: `sent` left it, `received` reached it.
enum class Direction : std::uint8_t { sent, received };

enum class Transport : std::uint8_t { tls, plain };
enum class Library : std::uint8_t { none, openssl, boringssl, gnutls, go, rustls };

// Whose view the directions are. On the wire nobody is the process; the client is taken to be the observed end.
enum class Viewpoint : std::uint8_t { process, wire };

// Does the source promise that chunks of one direction come in stream order? Probes do; packets do not.
enum class Ordering : std::uint8_t { in_order, may_reorder };

std::string_view name_of(Direction value);
std::string_view name_of(Transport value);
std::string_view name_of(Library value);

}  // namespace llmsnoop::model
