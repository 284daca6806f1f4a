#pragma once
// OpenAI Responses over HTTP: POST */responses, GET */responses/ID (a re-read), */responses/compact,
// */responses/input_tokens.
//
// The usage stands in the response object, and in a stream only in the one of the terminal event. Finish reason: the
// status.
#include <string>
#include <string_view>
#include <vector>

#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

// Reads one response, from its request to its last event; used for each turn of a WebSocket as well.
class ResponseReader {
 public:
    enum class State : std::uint8_t { running, over };

    explicit ResponseReader(Answer& answer) : answer_(answer) {}

    // {model, input, instructions, tools, ...}.
    static void read_request(Json body, model::LlmCall& call);
    // An event of a stream, or a response object.
    State read(Json document, base::Time time, model::LlmCall& call);

 private:
    // A call that has begun in an event of its own.
    struct OpenItem {
        std::string id;
        std::string call_id;
        std::uint64_t place = 0;
        std::string key;
    };

    const OpenItem* open_item(Json id, Json output_index, Json call_id) const;
    const OpenItem* begin_item(Json item, Json output_index, const model::LlmCall& call);
    State read_response(Json response, base::Time time, model::LlmCall& call);
    void read_item(Json item, const std::string& key, base::Time time, model::LlmCall& call);
    void read_text(Json item, base::Time time, model::LlmCall& call);

    Answer& answer_;
    std::vector<OpenItem> open_items_;
    bool items_seen_ = false;  // the output came in events: the final response object repeats it
};

class OpenaiResponses final : public JsonDialect {
 public:
    explicit OpenaiResponses(model::LossCounters& losses) : JsonDialect(losses), reader_(answer()) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    ResponseReader reader_;
};

// */responses/input_tokens and other requests that count tokens without using any: model in, number out (trap T17).
class TokenCounting final : public JsonDialect {
 public:
    explicit TokenCounting(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

}  // namespace llmsnoop::llm
