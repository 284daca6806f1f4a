#include "agent/model/connection.h"

namespace llmsnoop::model {

std::string_view name_of(Direction value) {
    return value == Direction::sent ? "sent" : "received";
}

std::string_view name_of(Transport value) {
    return value == Transport::tls ? "tls" : "plain";
}

std::string_view name_of(Library value) {
    switch (value) {
        case Library::none:
            return "none";
        case Library::openssl:
            return "openssl";
        case Library::boringssl:
            return "boringssl";
        case Library::gnutls:
            return "gnutls";
        case Library::go:
            return "go";
        case Library::rustls:
            return "rustls";
    }
    return "?";
}

}  // namespace llmsnoop::model
