#pragma once
// OpenAI Realtime (GET */realtime with Upgrade; also Azure's and xAI's): a conversation, in which every response is a
// turn with usage of its own (trap T27). Transcription of what the user says is done by another model, with its own
// usage, and becomes a call of its own.
#include <memory>
#include <string>
#include <vector>

#include "agent/llm/websocket_dialect.h"

namespace llmsnoop::llm {

class OpenaiRealtime final : public WebSocketDialect {
 public:
    explicit OpenaiRealtime(model::LossCounters& losses) : WebSocketDialect(losses) {}

 protected:
    void from_client(Json message, const model::Frame& frame, Calls& calls) override;
    void from_server(Json message, const model::Frame& frame, Calls& calls) override;

 private:
    struct Turn {
        std::string response_id;
        Answer answer;
    };

    void read_session(Json session, Calls& calls);
    Turn& turn_of(Json message, base::Time time, Calls& calls);
    void read_delta(std::string_view type, Json message, const model::Frame& frame, Calls& calls);
    void read_done(Json message, const model::Frame& frame, Calls& calls);
    void read_transcription(Json message, const model::Frame& frame, Calls& calls);

    std::vector<std::unique_ptr<Turn>> turns_;
    std::string instructions_;
    std::string tools_;
    std::string transcription_model_;
    model::LlmCall conversation_;      // holds the prompt so far
    std::optional<base::Time> asked_;  // when the client last asked for a response
};

}  // namespace llmsnoop::llm
