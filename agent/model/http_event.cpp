#include "agent/model/http_event.h"

namespace llmsnoop::model {

std::string_view name_of(Protocol value) {
    switch (value) {
        case Protocol::unknown:
            return "";
        case Protocol::http1:
            return "http/1.1";
        case Protocol::http2:
            return "h2";
        case Protocol::websocket:
            return "websocket";
    }
    return "";
}

std::optional<std::string_view> header(const MessageHead& head, std::string_view name) {
    for (const Header& one : head.headers) {
        if (one.name == name) return one.value;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::model
