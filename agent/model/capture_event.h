#pragma once
// What a capture source delivers, whatever it is: live BPF, a tape, a packet capture, a test script.
//
// Order: a connection is opened before its chunks and closed after them; events of different connections interleave
// freely. Lifetime: `Chunk::bytes` is valid only during the call that delivers it.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/connection.h"
#include "agent/model/loss.h"
#include "agent/model/process.h"

namespace llmsnoop::model {

struct ConnectionOpened {
    ConnectionId id = 0;
    base::Time time;
    std::optional<ProcessKey> process;  // absent for packet captures
    Transport transport = Transport::plain;
    Library library = Library::none;
    Viewpoint viewpoint = Viewpoint::process;
    Ordering ordering = Ordering::in_order;
    bool from_start = false;  // false: it may have been in use before the source saw it
    std::optional<Endpoint> local;
    std::optional<Endpoint> peer;

    friend bool operator==(const ConnectionOpened&, const ConnectionOpened&) = default;
};

// The socket under a TLS connection became known after the connection was announced.
struct ConnectionAddressed {
    ConnectionId id = 0;
    std::optional<Endpoint> local;
    std::optional<Endpoint> peer;

    friend bool operator==(const ConnectionAddressed&, const ConnectionAddressed&) = default;
};

// The server name (SNI, RFC 6066) became known.
struct ConnectionNamed {
    ConnectionId id = 0;
    std::string server_name;

    friend bool operator==(const ConnectionNamed&, const ConnectionNamed&) = default;
};

struct Chunk {
    ConnectionId connection = 0;
    Direction direction = Direction::sent;
    std::uint64_t offset = 0;  // of the first byte, counted from the beginning of this direction as the source saw it
    base::Time time;
    std::uint64_t length = 0;  // true number of bytes moved; more than bytes.size() if the rest could not be captured
    base::Bytes bytes;
    Loss missing = Loss::stream_gap;  // why bytes.size() < length, where it is
};

// No more bytes will come in this direction (FIN, close_notify).
struct DirectionEnded {
    ConnectionId connection = 0;
    Direction direction = Direction::sent;
    base::Time time;
    std::uint64_t offset = 0;  // the length of the stream; beyond the bytes seen there is a gap

    friend bool operator==(const DirectionEnded&, const DirectionEnded&) = default;
};

struct ConnectionClosed {
    enum class How : std::uint8_t {
        orderly,  // both directions ended (and told so before)
        reset,    // broken off
        process_ended,
        source_ended,  // nobody closed it, but no more will be seen of it
        released,      // the observed process let go of it: it sent what it wanted to, but need not have read all
    };

    ConnectionId id = 0;
    base::Time time;
    How how = How::orderly;
    std::optional<std::uint64_t> sent;  // final lengths, where the source knows them
    std::optional<std::uint64_t> received;

    friend bool operator==(const ConnectionClosed&, const ConnectionClosed&) = default;
};

// A process began, executed another program, or was met for the first time.
struct ProcessSeen {
    base::Time time;
    Process process;

    friend bool operator==(const ProcessSeen&, const ProcessSeen&) = default;
};

struct ProcessEnded {
    base::Time time;
    ProcessKey process;
    // Execution of another program ends the connections of the process, but not the process.
    enum class How : std::uint8_t { exited, executed } how = How::exited;

    friend bool operator==(const ProcessEnded&, const ProcessEnded&) = default;
};

// A process speaks TLS, as a client, over a socket that no probed call of a TLS library has been seen to use. By itself
// that is no blind spot: a runtime may shake hands on its own and have its plaintext seen later.
struct UnprobedTls {
    enum class What : std::uint8_t {
        began,         // it has sent a ClientHello
        carries_data,  // more than a handshake needs was sent over the same socket since
    };

    ProcessKey process;
    base::Time time;
    std::uint64_t socket = 0;  // names it as long as it is open
    What what = What::began;
    // Known for `began` only.
    std::optional<Endpoint> local;
    std::optional<Endpoint> peer;
    std::string server_name;  // in lower case; empty: none was asked for, or it could not be read

    friend bool operator==(const UnprobedTls&, const UnprobedTls&) = default;
};

using CaptureEvent = std::variant<Chunk, ConnectionOpened, ConnectionAddressed, ConnectionNamed, DirectionEnded,
                                  ConnectionClosed, ProcessSeen, ProcessEnded, UnprobedTls>;

}  // namespace llmsnoop::model
