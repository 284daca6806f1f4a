#pragma once
// Capture events as lines of text, close to the language of scripts, so that tests can compare and people can read
// them.
#include <string>
#include <variant>
#include <vector>

#include "agent/model/capture_event.h"

namespace llmsnoop::support {

inline std::string text_of_endpoint(const std::optional<model::Endpoint>& endpoint) {
    return endpoint ? model::to_string(endpoint->address) + ":" + std::to_string(endpoint->port) : "?";
}

inline std::string escaped(base::Bytes bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const std::uint8_t byte : bytes) {
        if (byte == '\r') {
            out += "\\r";
        } else if (byte == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        } else {
            out += static_cast<char>(byte);
        }
    }
    return out + "\"";
}

// Without times; `>>` is Direction::sent.
struct EventText {
    static std::string arrow(model::Direction direction) { return direction == model::Direction::sent ? ">> " : "<< "; }
    static std::string key(const model::ProcessKey& process) {
        return std::to_string(process.pid) + "/" + std::to_string(process.start_boot_ns);
    }

    std::string operator()(const model::Chunk& event) const {
        std::string out = arrow(event.direction) + std::to_string(event.connection) + " @" +
                          std::to_string(event.offset) + " " + escaped(event.bytes);
        if (event.length != event.bytes.size()) {
            out += " of " + std::to_string(event.length) + " " + std::string(model::text_of(event.missing).name);
        }
        return out;
    }
    std::string operator()(const model::ConnectionOpened& event) const {
        return "open " + std::to_string(event.id) + (event.from_start ? " from_start " : " joined ") +
               std::string(model::name_of(event.library)) + " " +
               (event.viewpoint == model::Viewpoint::wire ? "wire " : "") +
               (event.process ? "process " + key(*event.process) + " " : "") + text_of_endpoint(event.local) + " -> " +
               text_of_endpoint(event.peer);
    }
    std::string operator()(const model::ConnectionAddressed& event) const {
        return "address " + std::to_string(event.id) + " " + text_of_endpoint(event.local) + " -> " +
               text_of_endpoint(event.peer);
    }
    std::string operator()(const model::ConnectionNamed& event) const {
        return "name " + std::to_string(event.id) + " " + event.server_name;
    }
    std::string operator()(const model::DirectionEnded& event) const {
        return "end " + arrow(event.direction) + std::to_string(event.connection) + " @" + std::to_string(event.offset);
    }
    std::string operator()(const model::ConnectionClosed& event) const {
        static constexpr const char* kHow[] = {"orderly", "reset", "process_ended", "source_ended"};
        std::string out = "close " + std::to_string(event.id) + " " + kHow[static_cast<int>(event.how)];
        if (event.sent) out += " sent=" + std::to_string(*event.sent);
        if (event.received) out += " received=" + std::to_string(*event.received);
        return out;
    }
    std::string operator()(const model::ProcessSeen& event) const {
        return "process " + key(event.process.key) + " " + event.process.comm;
    }
    std::string operator()(const model::ProcessEnded& event) const {
        return std::string(event.how == model::ProcessEnded::How::exited ? "exit " : "exec ") + key(event.process);
    }
    std::string operator()(const model::UnprobedTls& event) const {
        const std::string whose = key(event.process) + " " + std::to_string(event.socket);
        if (event.what == model::UnprobedTls::What::carries_data) return "tls data " + whose;
        return "tls hello " + whose + " " + event.server_name + " " + text_of_endpoint(event.local) + " -> " +
               text_of_endpoint(event.peer);
    }
};

inline std::string text_of_event(const model::CaptureEvent& event) {
    return std::visit(EventText{}, event);
}

// An event that owns its bytes.
struct OwnedEvent {
    model::CaptureEvent event;
    std::string payload;

    explicit OwnedEvent(model::CaptureEvent seen) : event(std::move(seen)) {
        if (auto* chunk = std::get_if<model::Chunk>(&event)) {
            payload = base::as_text(chunk->bytes);
            chunk->bytes = {};
        }
    }

    // Every field counts.
    friend bool operator==(const OwnedEvent& a, const OwnedEvent& b) {
        const auto* left = std::get_if<model::Chunk>(&a.event);
        const auto* right = std::get_if<model::Chunk>(&b.event);
        if (left != nullptr && right != nullptr) {
            return left->connection == right->connection && left->direction == right->direction &&
                   left->offset == right->offset && left->time == right->time && left->length == right->length &&
                   left->missing == right->missing && a.payload == b.payload;
        }
        return left == nullptr && right == nullptr &&
               std::visit(
                   [&](const auto& one) {
                       using Kind = std::decay_t<decltype(one)>;
                       if constexpr (std::is_same_v<Kind, model::Chunk>) {
                           return false;
                       } else {
                           const auto* other = std::get_if<Kind>(&b.event);
                           return other != nullptr && one == *other;
                       }
                   },
                   a.event);
    }
};

}  // namespace llmsnoop::support
