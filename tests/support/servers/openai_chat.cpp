// POST /v1/chat/completions.
#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

class ChatRenderer {
 public:
    explicit ChatRenderer(const Call& call) : call_(call), generation_(call) {
        Truth& truth = answer_.truth;
        truth.api = name_of(Api::openai_chat);
        truth.id = "chatcmpl-" + generation_.identifier(29);
        truth.request_model = call.request.model;
        truth.model = answered_model(call.request.model);
        truth.stream = call.request.stream;
        append_escaped(model_, truth.model);
        append(fingerprint_, "fp_", generation_.identifier(10));
        answer_.headers = {{"openai-organization", "org-test"},
                           {"openai-processing-ms", std::to_string(120 + call.seed % 900)},
                           {"openai-version", "2020-10-01"},
                           {"x-request-id", "req_" + generation_.identifier(24)}};
    }

    Answer stream() {
        answer_.content_type = "text/event-stream; charset=utf-8";
        prepare_stream();
        if (!render_deltas()) return std::move(answer_);
        for (unsigned choice = 0; choice < choices(); ++choice) {
            begin_event(choice);
            append(answer_.body, R"({},"logprobs":null,"finish_reason":")", finish_of(choice), "\"");
            end_event();
        }
        answer_.finish_piece = answer_.pieces() - 1;
        if (call_.request.include_usage) {
            append(answer_.body, prefix_, R"(],"usage":)");
            append_usage();
            append_obfuscation();
            answer_.body += "}\n\n";
            answer_.end_piece();
            answer_.counts_piece = answer_.pieces() - 1;
        }
        answer_.body += "data: [DONE]\n\n";
        answer_.end_piece();
        return std::move(answer_);
    }

    Answer document() {
        std::string& body = answer_.body;
        append(body, "{\n  \"id\": \"", answer_.truth.id,
               "\",\n  \"object\": \"chat.completion\",\n  \"created\": ", call_.now, ",\n  \"model\": \"", model_,
               "\",\n  \"choices\": [\n");
        for (unsigned choice = 0; choice < choices(); ++choice) {
            append(body, choice == 0 ? "" : ",\n", "    {\n      \"index\": ", choice,
                   ",\n      \"message\": {\n        \"role\": \"assistant\",\n        \"content\": ");
            if (calls_tools(choice)) {
                body += "null,\n        \"tool_calls\": [";
                append_tool_calls();
                body += "]";
            } else {
                body += '"';
                for (unsigned i = 0; i < generation_.deltas(); ++i)
                    body += generation_.delta();
                body += '"';
            }
            append(body,
                   ",\n        \"refusal\": null,\n        \"annotations\": []\n      },\n      \"logprobs\": null,",
                   "\n      \"finish_reason\": \"", finish_of(choice), "\"\n    }");
        }
        body += "\n  ],\n  \"usage\": ";
        append_usage();
        append(body, ",\n  \"service_tier\": \"default\",\n  \"system_fingerprint\": \"", fingerprint_, "\"\n}\n");
        cut_document(answer_);
        return std::move(answer_);
    }

 private:
    unsigned choices() const { return call_.request.choices; }
    bool calls_tools(unsigned choice) const { return choice == 0 && !generation_.tool_calls().empty(); }

    std::string_view finish_of(unsigned choice) {
        const std::string_view reason = calls_tools(choice) ? "tool_calls" : call_.seed % 11 == 10 ? "length" : "stop";
        answer_.truth.finish_reasons.emplace_back(reason);
        if (calls_tools(choice))
            for (const GeneratedCall& made : generation_.tool_calls())
                answer_.truth.tool_calls.push_back(made.name);
        return reason;
    }

    void prepare_stream() {
        append(prefix_, R"(data: {"id":")", answer_.truth.id, R"(","object":"chat.completion.chunk","created":)",
               call_.now, R"(,"model":")", model_, R"(","service_tier":"default","system_fingerprint":")", fingerprint_,
               R"(","choices":[)");
        const std::size_t event = prefix_.size() + 96 + call_.options.chunk_bytes;
        answer_.body.reserve(event * (std::size_t{generation_.deltas()} * choices() + std::size_t{choices()} * 2 + 3));
        // OpenAI hides the length of tokens with a field of noise, unless asked not to.
        obfuscated_ = call_.request.obfuscation && call_.seed % 2 == 0;
    }

    // False if the stream ended in an error.
    bool render_deltas() {
        for (unsigned choice = 0; choice < choices(); ++choice) {
            begin_event(choice);
            append(answer_.body, R"({"role":"assistant","content":)", calls_tools(choice) ? "null" : R"("")",
                   R"(,"refusal":null},"logprobs":null,"finish_reason":null)");
            end_event();
        }
        for (const GeneratedCall& made : generation_.tool_calls())
            render_tool_call(made);
        const unsigned first = generation_.tool_calls().empty() ? 0 : 1;
        for (unsigned i = 0; i < generation_.deltas(); ++i) {
            if (call_.options.error_after == i) return render_error();
            for (unsigned choice = first; choice < choices(); ++choice) {
                begin_event(choice);
                append(answer_.body, R"({"content":")", generation_.delta(),
                       R"("},"logprobs":null,"finish_reason":null)");
                end_event();
            }
        }
        return true;
    }

    void render_tool_call(const GeneratedCall& made) {
        const auto index = static_cast<std::size_t>(&made - generation_.tool_calls().data());
        begin_event(0);
        append(answer_.body, R"({"tool_calls":[{"index":)", index, R"(,"id":"call_)", made.id_suffix,
               R"(","type":"function","function":{"name":")");
        append_escaped(answer_.body, made.name);
        answer_.body += R"(","arguments":""}}]},"logprobs":null,"finish_reason":null)";
        end_event();
        for (const std::string& fragment : made.fragments) {
            begin_event(0);
            append(answer_.body, R"({"tool_calls":[{"index":)", index, R"(,"function":{"arguments":")");
            append_escaped(answer_.body, fragment);
            answer_.body += R"("}}]},"logprobs":null,"finish_reason":null)";
            end_event();
        }
    }

    bool render_error() {
        answer_.body +=
            R"(data: {"error":{"message":"The server had an error while processing your request. Sorry about that!",)"
            R"("type":"server_error","param":null,"code":null}})"
            "\n\n";
        answer_.end_piece();
        answer_.truth.error_type = "server_error";
        return false;
    }

    void begin_event(unsigned choice) { append(answer_.body, prefix_, R"({"index":)", choice, R"(,"delta":)"); }

    void end_event() {
        append(answer_.body, "}]", call_.request.include_usage ? R"(,"usage":null)" : "");
        append_obfuscation();
        answer_.body += "}\n\n";
        answer_.end_piece();
    }

    void append_obfuscation() {
        if (obfuscated_)
            append(answer_.body, R"(,"obfuscation":")", std::string_view("tQ7bXk2Lm0aZ").substr(answer_.pieces() % 12),
                   "\"");
    }

    void append_tool_calls() {
        std::string_view separator;
        for (const GeneratedCall& made : generation_.tool_calls()) {
            append(answer_.body, separator, "\n          {\n            \"id\": \"call_", made.id_suffix,
                   "\",\n            \"type\": \"function\",\n            \"function\": {\n              \"name\": \"");
            append_escaped(answer_.body, made.name);
            answer_.body += "\",\n              \"arguments\": \"";
            append_escaped(answer_.body, made.arguments);
            answer_.body += "\"\n            }\n          }";
            separator = ",";
        }
    }

    void append_usage() {
        const TokenCounts& counts = generation_.counts();
        append(answer_.body, R"({"prompt_tokens":)", *counts.input, R"(,"completion_tokens":)", *counts.output,
               R"(,"total_tokens":)", *counts.input + *counts.output, R"(,"prompt_tokens_details":{"cached_tokens":)",
               *counts.cache_read, R"(,"audio_tokens":0)");
        if (*counts.cache_write > 0) append(answer_.body, R"(,"cache_write_tokens":)", *counts.cache_write);
        append(answer_.body, R"(},"completion_tokens_details":{"reasoning_tokens":)", *counts.reasoning,
               R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})");
        answer_.truth.counts = counts;
        if (*counts.cache_write == 0) answer_.truth.counts.cache_write.reset();
    }

    const Call& call_;
    Generation generation_;
    Answer answer_;
    std::string model_;  // escaped
    std::string fingerprint_;
    std::string prefix_;
    bool obfuscated_ = false;
};

}  // namespace

Answer answer_openai_chat(const Call& call) {
    ChatRenderer renderer(call);
    return call.request.stream ? renderer.stream() : renderer.document();
}

}  // namespace llmsnoop::support
