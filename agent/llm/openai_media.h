#pragma once
// OpenAI's requests about pictures, sound and policy: POST */images/{generations,edits,variations},
// */audio/{speech,transcriptions, translations}, */moderations. Bodies may be forms (multipart), answers may be
// pictures or sound.
//
// Usage is reported by the newer models only: {input_tokens, output_tokens, total_tokens}, for transcriptions also
// {type: duration, seconds}, which is no count of tokens.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class OpenaiMedia final : public JsonDialect {
 public:
    enum class Kind : std::uint8_t { images, audio, moderations };

    OpenaiMedia(Kind kind, model::LossCounters& losses) : JsonDialect(losses), kind_(kind) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    void on_field(std::string_view name, std::string_view value, Calls& calls) override;
    void on_text(std::string_view text, const model::Frame& frame, Calls& calls) override;

 private:
    Kind kind_;
};

}  // namespace llmsnoop::llm
