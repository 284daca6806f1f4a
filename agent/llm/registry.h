#pragma once
// Which dialect an exchange is in, if any. Decided by the path's suffix first, the host only names the provider, and
// the body confirms. Other traffic must not be taken for a model call.
//
// Thread-safe: no state.
#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/llm/dialect.h"
#include "agent/model/exchange.h"
#include "agent/model/http_event.h"

namespace llmsnoop::llm {

// What is known of an exchange when it is asked about. `request` always exists, but may be `lost`.
struct Clues {
    const model::MessageHead* request = nullptr;
    const model::MessageHead* response = nullptr;  // if it has begun
    std::optional<base::Bytes> request_body;       // decoded; absent: not over yet, or not kept
    bool request_body_cut = false;                 // request_body holds only the beginning
    std::optional<base::Bytes> response_document;  // the first document of the response, if there is one
    std::string_view server_name;                  // SNI
    std::uint16_t server_port = 0;
    bool server_is_private = false;  // loopback, RFC 1918, link-local, unique local
};

enum class Interest : std::uint8_t {
    none,   // certainly no model call: bodies need not be kept
    maybe,  // ask again with the request body, and then with the first document of the response
    sure,
};

// What becomes of the files in which the results of batches are downloaded (batch_results.h). Ignored, they are traffic
// like any other.
enum class Batches : std::uint8_t { ignored, counted };

// By the request's head alone.
Interest interest(const model::MessageHead& request, Batches batches = Batches::ignored);

// The dialect, once the clues suffice; nothing if they do not (yet) point to a model call. `calls.seed` is filled in,
// and for a plain exchange its call is open.
std::unique_ptr<Dialect> recognise(const Clues& clues, Calls& calls, model::LossCounters& losses,
                                   Batches batches = Batches::ignored);

}  // namespace llmsnoop::llm
