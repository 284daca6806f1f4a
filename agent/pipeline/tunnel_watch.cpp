#include "agent/pipeline/tunnel_watch.h"

#include "agent/capture/client_hello.h"

namespace llmsnoop::pipeline {

namespace {

// RFC 8446 section 5.1.
constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::size_t kChangeCipherSpecSize = 6;
constexpr std::uint64_t kMoreThanAHandshake = 128;  // HELLO_DATA_LEAST of the kernel programs

bool is_record(base::Bytes bytes) {
    return bytes.size() >= 5 && bytes[0] >= kChangeCipherSpec && bytes[0] <= kApplicationData && bytes[1] == 3;
}

bool is_client_hello(base::Bytes bytes) {
    return is_record(bytes) && bytes[0] == kHandshake && bytes.size() > 5 && bytes[5] == 1;
}

}  // namespace

TunnelWatch::Wants TunnelWatch::sent(const model::Chunk& chunk, const ConnectionFacts& facts,
                                     blind::BlindTable& table) {
    if (chunk.direction != model::Direction::sent) return Wants::more;
    model::UnprobedTls event;
    event.process = *facts.opened.process;
    event.time = chunk.time;
    event.socket = facts.opened.id;
    if (!begun_) {
        if (!is_client_hello(chunk.bytes)) return Wants::nothing;
        begun_ = true;
        event.server_name = capture::server_name_of(chunk.bytes).value_or("");
        if (event.server_name.empty()) event.server_name = host_;
        event.local = facts.local;
        event.peer = facts.peer;
        table.unprobed(event);
        return Wants::more;
    }
    if (!is_record(chunk.bytes)) {
        if (data_ > 0) data_ += chunk.length;  // it goes on in the middle of a record
    } else if (chunk.bytes[0] == kApplicationData) {
        data_ += chunk.length;
    } else if (chunk.bytes[0] == kChangeCipherSpec && chunk.length > kChangeCipherSpecSize) {
        data_ += chunk.length - kChangeCipherSpecSize;
    }
    if (data_ <= kMoreThanAHandshake) return Wants::more;
    event.what = model::UnprobedTls::What::carries_data;
    table.unprobed(event);
    return Wants::nothing;
}

}  // namespace llmsnoop::pipeline
