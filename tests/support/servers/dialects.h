#pragma once
// The APIs that the server speaks: one renderer each, from a request to a complete answer in memory.
#include <cstdint>
#include <string_view>

#include "tests/support/servers/answer.h"
#include "tests/support/servers/answer_options.h"
#include "tests/support/servers/call_request.h"

namespace llmsnoop::support {

// Everything that shapes one answer. The seed decides text, ids and numbers; the same call gives the same answer.
struct Call {
    const CallRequest& request;
    const AnswerOptions& options;
    std::size_t request_bytes = 0;  // of the decoded body: the prompt's token count follows it
    std::uint64_t seed = 0;
    std::int64_t now = 0;  // seconds since 1970
};

Answer answer_openai_chat(const Call& call);
Answer answer_openai_responses(const Call& call);
Answer answer_openai_embeddings(const Call& call);
Answer answer_anthropic_messages(const Call& call);

// An error document in the API's own shape, with the type that goes with the status.
Answer answer_error(Api api, int status, std::string_view message, std::uint64_t seed);

}  // namespace llmsnoop::support
