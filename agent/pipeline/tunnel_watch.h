#pragma once
// TLS inside of a proxy's tunnel (CONNECT, RFC 9110 section 9.3.6), as the client's side of the plain connection shows
// it: the same that the kernel programs tell of TLS on a connection of its own (bpf/lib/hello.bpf.h).
//
// Belongs to its connection; not thread-safe.
#include <cstdint>
#include <string>
#include <utility>

#include "agent/blind/blind_table.h"
#include "agent/model/capture_event.h"
#include "agent/pipeline/connection_facts.h"

namespace llmsnoop::pipeline {

class TunnelWatch {
 public:
    enum class Wants : std::uint8_t { more, nothing };

    // `host`: whom the tunnel is to lead to. Where the ClientHello names one, that counts.
    explicit TunnelWatch(std::string host) : host_(std::move(host)) {}

    // Bytes that came after the tunnel was made; those that were received are of no interest.
    Wants sent(const model::Chunk& chunk, const ConnectionFacts& facts, blind::BlindTable& table);

 private:
    std::string host_;
    bool begun_ = false;
    std::uint64_t data_ = 0;  // that was sent, in bytes of its ciphertext
};

}  // namespace llmsnoop::pipeline
