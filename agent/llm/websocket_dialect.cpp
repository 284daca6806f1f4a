#include "agent/llm/websocket_dialect.h"

#include "agent/base/bytes.h"
#include "agent/llm/json_dialect.h"
#include "agent/llm/json_document.h"

namespace llmsnoop::llm {
namespace {

JsonDocument::Ending ending_of(const model::Frame& frame) {
    return frame.truncated ? JsonDocument::Ending::cut : JsonDocument::Ending::whole;
}

}  // namespace

void WebSocketDialect::lose(Calls& calls) {
    losses_.add(model::Loss::bad_json);
    calls.lower(model::Completeness::truncated);
}

void WebSocketDialect::request(const model::Frame& frame, Calls& calls) {
    if (frame.document.empty()) return;
    JsonDocument document;
    const Json message = document.parse(base::as_text(frame.document), ending_of(frame));
    if (document.was_damaged() && !frame.truncated) lose(calls);
    if (message) from_client(message, frame, calls);
}

void WebSocketDialect::response_head(const model::MessageHead& head, Calls& calls) {
    status_ = head.status;
    if (head.lost || status_ < 400) return;
    model::LlmCall& call = calls.open();
    call.error.emplace();
    call.error->code = std::to_string(status_);
}

void WebSocketDialect::response(const model::Frame& frame, Calls& calls) {
    if (frame.document.empty()) return;
    JsonDocument document;
    const Json message = document.parse(base::as_text(frame.document), ending_of(frame));
    if (document.was_damaged() && !frame.truncated) lose(calls);
    if (!message) return;
    if (status_ >= 400) {
        read_error(message, ErrorBody::of_http_error, calls.open());
    } else {
        from_server(message, frame, calls);
    }
}

}  // namespace llmsnoop::llm
