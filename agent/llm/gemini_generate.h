#pragma once
// Gemini: POST …/models/M:generateContent and :streamGenerateContent, on generativelanguage.googleapis.com and on
// Vertex. Without alt=sse a stream is one growing JSON array.
//
// Usage: cumulative in (nearly) every chunk; the last object that holds counts is taken as a whole (trap T9).
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class GeminiGenerate final : public JsonDialect {
 public:
    enum class Kind : std::uint8_t { generate, stream, stream_as_array };

    GeminiGenerate(Kind kind, model::LossCounters& losses) : JsonDialect(losses), kind_(kind) {}

    void response_head(const model::MessageHead& head, Calls& calls) override;
    model::Framing response_framing() const override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_chunk(Json chunk, const model::Frame& frame, model::LlmCall& call);

    Kind kind_;
};

// A member by its name in camelCase or snake_case: REST clients write the one, some protobuf ones the other.
Json either(Json object, std::string_view camel, std::string_view snake);

// Shared with the other Gemini dialects: [{role, parts: [{text}]}], and the parts of an answer.
void read_gemini_contents(Json contents, PromptWriter& prompt);
void read_gemini_system(Json instruction, PromptWriter& prompt);
void read_gemini_parts(Json parts, std::size_t choice, base::Time time, Answer& answer, model::LlmCall& call);

}  // namespace llmsnoop::llm
