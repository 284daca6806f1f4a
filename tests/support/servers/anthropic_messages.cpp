// POST /v1/messages.
#include <algorithm>

#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

constexpr std::uint64_t kTokensPerThinkingDelta = 8;
constexpr std::uint64_t kMaxThinkingDeltas = 64;

class MessageRenderer {
 public:
    explicit MessageRenderer(const Call& call) : call_(call), generation_(call) {
        Truth& truth = answer_.truth;
        truth.api = name_of(Api::anthropic_messages);
        truth.id = "msg_01" + generation_.identifier(22);
        truth.request_model = call.request.model;
        truth.model = answered_model(call.request.model);
        truth.stream = call.request.stream;
        append_escaped(model_, truth.model);
        request_id_ = "req_011" + generation_.identifier(21);
        answer_.headers = {{"request-id", request_id_},
                           {"anthropic-organization-id", "00000000-0000-0000-0000-000000000000"},
                           {"anthropic-ratelimit-requests-limit", "4000"},
                           {"anthropic-ratelimit-requests-remaining", std::to_string(3999 - call.seed % 100)}};
    }

    Answer stream() {
        answer_.content_type = "text/event-stream; charset=utf-8";
        answer_.body.reserve((std::size_t{generation_.deltas()} + 32) * (128 + call_.options.chunk_bytes));
        render_start();
        if (call_.request.thinks) render_thinking();
        if (!render_text()) return std::move(answer_);
        for (const GeneratedCall& made : generation_.tool_calls())
            render_tool_use(made);
        append(answer_.body, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"",
               stop_reason(), "\",\"stop_sequence\":null},\"usage\":{");
        // Newer answers repeat the input counts here; the sum must not double them.
        if (call_.seed % 2 == 0) {
            append_input_counts();
            answer_.body += ',';
        }
        append_output_counts(*generation_.counts().output);
        answer_.truth.counts = canonical_counts();
        end_event();
        answer_.counts_piece = answer_.finish_piece = answer_.pieces() - 1;
        answer_.body += "event: message_stop\ndata: {\"type\":\"message_stop\"";
        end_event("");
        return std::move(answer_);
    }

    Answer document() {
        std::string& body = answer_.body;
        append(body, R"({"model":")", model_, R"(","id":")", answer_.truth.id,
               R"(","type":"message","role":"assistant","content":[)");
        if (call_.request.thinks) {
            body += R"({"type":"thinking","thinking":")";
            for (std::uint64_t i = 0; i < thinking_deltas(); ++i)
                body += generation_.delta();
            append(body, R"(","signature":")", generation_.identifier(88), R"("},)");
        }
        body += R"({"type":"text","text":")";
        for (unsigned i = 0; i < generation_.deltas(); ++i)
            body += generation_.delta();
        body += R"("})";
        for (const GeneratedCall& made : generation_.tool_calls()) {
            append(body, R"(,{"type":"tool_use","id":"toolu_01)", std::string_view(made.id_suffix).substr(2),
                   R"(","name":")");
            append_escaped(body, made.name);
            append(body, R"(","input":)", made.arguments, "}");
        }
        append(body, R"(],"stop_reason":")", stop_reason(), R"(","stop_sequence":null,"usage":{)");
        append_input_counts();
        body += ',';
        append_output_counts(*generation_.counts().output);
        body += R"(,"service_tier":"standard"}})";
        answer_.truth.counts = canonical_counts();
        cut_document(answer_);
        return std::move(answer_);
    }

 private:
    std::uint64_t thinking_deltas() const {
        return std::min(*generation_.counts().reasoning / kTokensPerThinkingDelta + 1, kMaxThinkingDeltas);
    }

    std::string_view stop_reason() {
        for (const GeneratedCall& made : generation_.tool_calls())
            answer_.truth.tool_calls.push_back(made.name);
        const std::string_view reason = !generation_.tool_calls().empty() ? "tool_use"
                                        : call_.seed % 11 == 10           ? "max_tokens"
                                                                          : "end_turn";
        answer_.truth.finish_reasons.emplace_back(reason);
        return reason;
    }

    TokenCounts canonical_counts() const {
        TokenCounts counts = generation_.counts();
        if (!call_.request.thinks) counts.reasoning.reset();
        return counts;
    }

    // Anthropic's three input counts are disjoint: "input_tokens" is what neither came from nor went into the cache.
    void append_input_counts() {
        const TokenCounts& counts = generation_.counts();
        append(answer_.body, R"("input_tokens":)", *counts.input - *counts.cache_read - *counts.cache_write,
               R"(,"cache_creation_input_tokens":)", *counts.cache_write, R"(,"cache_read_input_tokens":)",
               *counts.cache_read);
    }

    void append_output_counts(std::uint64_t output) {
        append(answer_.body, R"("output_tokens":)", output);
        if (call_.request.thinks)
            append(answer_.body, R"(,"output_tokens_details":{"thinking_tokens":)", *generation_.counts().reasoning,
                   "}");
    }

    void render_start() {
        append(
            answer_.body, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"", model_,
            R"(","id":")", answer_.truth.id,
            R"(","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{)");
        append_input_counts();
        append(answer_.body, R"(,"cache_creation":{"ephemeral_5m_input_tokens":)", *generation_.counts().cache_write,
               R"(,"ephemeral_1h_input_tokens":0},"output_tokens":)", 1 + call_.seed % 8,
               R"(,"service_tier":"standard"})");
        answer_.truth.first_counts = generation_.counts();
        answer_.truth.first_counts.output.reset();
        answer_.truth.first_counts.reasoning.reset();
        end_event();
    }

    void begin_block(std::string_view fields) {
        append(answer_.body, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":", block_,
               R"(,"content_block":{)", fields);
    }

    void begin_delta(std::string_view type, std::string_view field) {
        append(answer_.body, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":", block_,
               R"(,"delta":{"type":")", type, R"(",")", field, R"(":")");
    }

    void end_delta() {
        answer_.body += '"';
        end_event();
    }

    void end_block() {
        append(answer_.body, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":", block_);
        end_event("");
        ++block_;
    }

    // `inner` closes what stands between the document and the event's own fields. Spaces before the last brace hide the
    // event's length, as the real service pads it.
    void end_event(std::string_view inner = "}") {
        append(answer_.body, inner, std::string_view("               ").substr(answer_.pieces() % 15), "}\n\n");
        answer_.end_piece();
    }

    void render_thinking() {
        begin_block(R"("type":"thinking","thinking":"","signature":"")");
        end_event();
        for (std::uint64_t i = 0; i < thinking_deltas(); ++i) {
            begin_delta("thinking_delta", "thinking");
            answer_.body += generation_.delta();
            end_delta();
        }
        begin_delta("signature_delta", "signature");
        answer_.body += generation_.identifier(88);
        end_delta();
        end_block();
    }

    // False if the stream ended in an error.
    bool render_text() {
        begin_block(R"("type":"text","text":"")");
        end_event();
        answer_.body += "event: ping\ndata: {\"type\": \"ping\"}\n\n";
        answer_.end_piece();
        for (unsigned i = 0; i < generation_.deltas(); ++i) {
            if (call_.options.error_after == i) return render_error();
            begin_delta("text_delta", "text");
            answer_.body += generation_.delta();
            end_delta();
        }
        end_block();
        return true;
    }

    void render_tool_use(const GeneratedCall& made) {
        begin_block(R"("type":"tool_use","id":"toolu_01)");
        append(answer_.body, std::string_view(made.id_suffix).substr(2), R"(","name":")");
        append_escaped(answer_.body, made.name);
        answer_.body += R"(","input":{})";
        end_event();
        begin_delta("input_json_delta", "partial_json");  // the first one is always empty
        end_delta();
        for (const std::string& fragment : made.fragments) {
            begin_delta("input_json_delta", "partial_json");
            append_escaped(answer_.body, fragment);
            end_delta();
        }
        end_block();
    }

    bool render_error() {
        append(answer_.body,
               "event: error\ndata: {\"type\":\"error\",\"error\":{\"details\":null,\"type\":\"overloaded_error\",",
               R"("message":"Overloaded"},"request_id":")", request_id_, "\"");
        end_event("");
        answer_.truth.error_type = "overloaded_error";
        answer_.truth.counts = answer_.truth.first_counts;
        return false;
    }

    const Call& call_;
    Generation generation_;
    Answer answer_;
    std::string model_;  // escaped
    std::string request_id_;
    unsigned block_ = 0;
};

}  // namespace

Answer answer_anthropic_messages(const Call& call) {
    MessageRenderer renderer(call);
    return call.request.stream ? renderer.stream() : renderer.document();
}

}  // namespace llmsnoop::support
