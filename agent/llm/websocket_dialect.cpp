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

void WebSocketDialect::request(const model::Frame& frame, Calls& calls) {
    if (frame.document.empty()) return;
    JsonDocument document;
    if (const Json message = document.parse(base::as_text(frame.document), ending_of(frame))) {
        from_client(message, frame, calls);
    } else if (!frame.truncated) {
        losses_.add(model::Loss::bad_json);
    }
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
    if (!message) {
        if (!frame.truncated) losses_.add(model::Loss::bad_json);
    } else if (status_ >= 400) {
        read_error(message, ErrorBody::of_http_error, calls.open());
    } else {
        from_server(message, frame, calls);
    }
}

}  // namespace llmsnoop::llm
