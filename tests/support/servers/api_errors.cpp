// Error documents as the two providers shape them.
#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

struct OpenAiError {
    std::string_view type;
    std::string_view code;  // empty: null
};

OpenAiError openai_error(int status) {
    switch (status) {
        case 401:
            return {"invalid_request_error", "invalid_api_key"};
        case 403:
            return {"invalid_request_error", "unsupported_country_region_territory"};
        case 404:
            return {"invalid_request_error", "model_not_found"};
        case 429:
            return {"tokens", "rate_limit_exceeded"};
        default:
            return status >= 500 ? OpenAiError{"server_error", ""} : OpenAiError{"invalid_request_error", ""};
    }
}

std::string_view anthropic_error(int status) {
    switch (status) {
        case 401:
            return "authentication_error";
        case 403:
            return "permission_error";
        case 404:
            return "not_found_error";
        case 413:
            return "request_too_large";
        case 429:
            return "rate_limit_error";
        case 529:
            return "overloaded_error";
        default:
            return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

}  // namespace

Answer answer_error(Api api, int status, std::string_view message, std::uint64_t seed) {
    Wording wording(seed);
    Answer answer;
    answer.status = status;
    answer.truth.api = name_of(api);
    const std::string request_id = "req_" + wording.identifier(24);
    if (status == 429 || status == 529) answer.headers.emplace_back("retry-after", std::to_string(1 + seed % 20));
    if (api == Api::anthropic_messages) {
        answer.headers.emplace_back("request-id", request_id);
        answer.truth.error_type = anthropic_error(status);
        append(answer.body, R"({"type":"error","error":{"type":")", answer.truth.error_type, R"(","message":")");
        append_escaped(answer.body, message);
        append(answer.body, R"("},"request_id":")", request_id, R"("})");
    } else {
        const OpenAiError error = openai_error(status);
        answer.headers.emplace_back("x-request-id", request_id);
        answer.truth.error_type = error.type;
        answer.body = "{\n  \"error\": {\n    \"message\": \"";
        append_escaped(answer.body, message);
        append(answer.body, "\",\n    \"type\": \"", error.type, "\",\n    \"param\": null,\n    \"code\": ");
        if (error.code.empty()) {
            answer.body += "null";
        } else {
            append(answer.body, "\"", error.code, "\"");
        }
        answer.body += "\n  }\n}\n";
    }
    cut_document(answer);
    answer.counts_piece = Answer::kNever;
    return answer;
}

}  // namespace llmsnoop::support
