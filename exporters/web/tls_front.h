#pragma once
// Terminates TLS (1.2 and later) in front of a server on this machine: accepts, decrypts, and passes the bytes on. A
// thread for each connection, and no more connections at a time than the server behind has threads; what comes beyond
// waits in the kernel's queue.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "exporters/web/listen_address.h"

namespace llmsnoop::exporters {

class TlsFront {
 public:
    struct Options {
        std::string name;  // for messages
        ListenAddress address;
        std::string certificate_file;  // PEM, the chain
        std::string key_file;
        ListenAddress behind;
        std::size_t connections = 4;
        std::chrono::milliseconds timeout{10'000};  // of the handshake, and of a connection on which nothing moves
    };

    // Certificate and key are read here, once.
    static base::Result<std::unique_ptr<TlsFront>> start(Options options);
    ~TlsFront();  // ends all connections
    TlsFront(const TlsFront&) = delete;
    TlsFront& operator=(const TlsFront&) = delete;

    std::uint16_t port() const;

 private:
    struct State;
    explicit TlsFront(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace llmsnoop::exporters
