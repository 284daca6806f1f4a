#pragma once
// Gemini Live (WebSocket …BidiGenerateContent): the client sends `setup` first, then content; the server's messages up
// to `turnComplete` are one turn, with its own usage (traps T27, T32). Field names come in camelCase and in snake_case.
#include <memory>
#include <optional>

#include "agent/llm/websocket_dialect.h"

namespace llmsnoop::llm {

class GeminiLive final : public WebSocketDialect {
 public:
    explicit GeminiLive(model::LossCounters& losses) : WebSocketDialect(losses) {}

    void end(base::Time time, Calls& calls) override;

 protected:
    void from_client(Json message, const model::Frame& frame, Calls& calls) override;
    void from_server(Json message, const model::Frame& frame, Calls& calls) override;

 private:
    model::LlmCall& turn(base::Time time, Calls& calls);
    void read_content(Json content, const model::Frame& frame, Calls& calls);
    void finish(base::Time time, Calls& calls);

    Answer answer_;
    model::LlmCall conversation_;  // holds the prompt so far, and the tools
    std::optional<base::Time> asked_;
    std::optional<base::Time> over_;  // turnComplete was seen, the usage not yet
};

// A socket whose path says no more than "realtime": the first message decides between OpenAI's and Gemini's dialect.
class RealtimeByShape final : public Dialect {
 public:
    explicit RealtimeByShape(model::LossCounters& losses) : losses_(losses) {}

    void request(const model::Frame& frame, Calls& calls) override;
    void response_head(const model::MessageHead& head, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;
    void end(base::Time time, Calls& calls) override;

 private:
    Dialect& inner(const model::Frame& frame, Calls& calls);

    model::LossCounters& losses_;
    std::unique_ptr<Dialect> inner_;
    int status_ = 0;
};

}  // namespace llmsnoop::llm
