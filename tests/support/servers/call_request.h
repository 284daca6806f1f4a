#pragma once
// What a request body asks of the model: the few fields of each API that change the answer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::support {

enum class Api : std::uint8_t { openai_chat, openai_responses, openai_embeddings, anthropic_messages };

// The dialect's name as llmsnoop's records spell it: openai.chat, ...
std::string_view name_of(Api api);

struct CallRequest {
    Api api = Api::openai_chat;
    std::string model;
    bool stream = false;
    bool include_usage = false;      // stream_options.include_usage (openai.chat)
    bool obfuscation = true;         // stream_options.include_obfuscation
    unsigned choices = 1;            // n
    std::vector<std::string> tools;  // names offered; empty where tool_choice is "none"
    bool thinks = false;             // reasoning was asked for, or the model always does
    std::size_t inputs = 1;          // embeddings: how many
    std::size_t dimensions = 256;    // embeddings: of what length
    bool base64 = false;             // embeddings: encoding_format
};

// One reader per thread; it keeps its parser's memory from body to body.
class CallReader {
 public:
    CallReader();
    ~CallReader();

    // An error's message is worded as the APIs word theirs and goes into the 400 answer.
    base::Result<CallRequest> read(Api api, std::string_view body);

 private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace llmsnoop::support
