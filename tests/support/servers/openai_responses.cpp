// POST /v1/responses.
#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

class ResponseRenderer {
 public:
    explicit ResponseRenderer(const Call& call) : call_(call), generation_(call) {
        Truth& truth = answer_.truth;
        truth.api = name_of(Api::openai_responses);
        truth.id = "resp_" + generation_.identifier(48);
        truth.request_model = call.request.model;
        truth.model = answered_model(call.request.model);
        truth.stream = call.request.stream;
        append_escaped(model_, truth.model);
        item_suffix_ = generation_.identifier(40);
        answer_.headers = {{"openai-version", "2020-10-01"},
                           {"openai-processing-ms", std::to_string(200 + call.seed % 700)},
                           {"x-request-id", "req_" + generation_.identifier(24)}};
    }

    Answer stream() {
        answer_.content_type = "text/event-stream; charset=utf-8";
        answer_.body.reserve((std::size_t{generation_.deltas()} + 32) * (256 + call_.options.chunk_bytes));
        for (const std::string_view type : {"response.created", "response.in_progress"}) {
            begin_event(type);
            append(answer_.body, R"(,"response":)");
            append_response("in_progress", "", Usage::absent);
            end_event();
        }
        if (call_.request.thinks) render_reasoning_item();
        if (generation_.tool_calls().empty()) {
            if (!render_message()) return std::move(answer_);
        }
        for (const GeneratedCall& made : generation_.tool_calls())
            render_function_call(made);
        begin_event("response.completed");
        append(answer_.body, R"(,"response":)");
        append_response("completed", items_, Usage::present);
        end_event();
        finish();
        answer_.counts_piece = answer_.finish_piece = answer_.pieces() - 1;
        return std::move(answer_);
    }

    Answer document() {
        std::string text;
        for (unsigned i = 0; i < generation_.deltas(); ++i)
            text += generation_.delta();
        if (call_.request.thinks) add_item(reasoning_item());
        if (generation_.tool_calls().empty()) add_item(message_item("completed", text));
        for (const GeneratedCall& made : generation_.tool_calls())
            add_item(function_call_item(made, "completed", made.arguments));
        append_response("completed", items_, Usage::present);
        finish();
        cut_document(answer_);
        return std::move(answer_);
    }

 private:
    enum class Usage : std::uint8_t { absent, present };

    // The Responses API has no finish reason: its status is what records carry.
    void finish() {
        answer_.truth.finish_reasons = {"completed"};
        for (const GeneratedCall& made : generation_.tool_calls())
            answer_.truth.tool_calls.push_back(made.name);
        answer_.truth.counts = generation_.counts();
        if (*generation_.counts().cache_write == 0) answer_.truth.counts.cache_write.reset();
    }

    void append_response(std::string_view status, std::string_view output, Usage usage,
                         std::string_view error = "null") {
        std::string& body = answer_.body;
        append(body, R"({"id":")", answer_.truth.id, R"(","object":"response","created_at":)", call_.now,
               R"(,"status":")", status, R"(","background":false,"error":)", error,
               R"(,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":")", model_,
               R"(","output":[)", output,
               R"(],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},)"
               R"("store":true,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],)"
               R"("top_p":1.0,"truncation":"disabled","usage":)");
        if (usage == Usage::absent) {
            body += "null";
        } else {
            const TokenCounts& counts = generation_.counts();
            append(body, R"({"input_tokens":)", *counts.input, R"(,"input_tokens_details":{"cached_tokens":)",
                   *counts.cache_read);
            if (*counts.cache_write > 0) append(body, R"(,"cache_write_tokens":)", *counts.cache_write);
            append(body, R"(},"output_tokens":)", *counts.output, R"(,"output_tokens_details":{"reasoning_tokens":)",
                   *counts.reasoning, R"(},"total_tokens":)", *counts.input + *counts.output, "}");
        }
        body += R"(,"user":null,"metadata":{}})";
    }

    std::string message_item(std::string_view status, std::string_view text) const {
        std::string item;
        append(item, R"({"id":"msg_)", item_suffix_, R"(","type":"message","status":")", status, R"(","content":[)");
        if (status == "completed")
            append(item, R"({"type":"output_text","annotations":[],"logprobs":[],"text":")", text, R"("})");
        item += R"(],"role":"assistant"})";
        return item;
    }

    std::string reasoning_item() const {
        std::string item;
        append(item, R"({"id":"rs_)", item_suffix_, R"(","type":"reasoning","summary":[]})");
        return item;
    }

    static std::string function_call_item(const GeneratedCall& made, std::string_view status,
                                          std::string_view arguments) {
        std::string item;
        append(item, R"({"id":"fc_)", made.id_suffix, R"(","type":"function_call","status":")", status,
               R"(","arguments":")");
        append_escaped(item, arguments);
        append(item, R"(","call_id":"call_)", made.id_suffix, R"(","name":")");
        append_escaped(item, made.name);
        item += R"("})";
        return item;
    }

    void add_item(std::string_view item) {
        append(items_, items_.empty() ? "" : ",", item);
        ++output_index_;
    }

    void begin_event(std::string_view type) {
        append(answer_.body, "event: ", type, "\ndata: {\"type\":\"", type, R"(","sequence_number":)", sequence_++);
    }

    void end_event() {
        answer_.body += "}\n\n";
        answer_.end_piece();
    }

    void item_event(std::string_view type, std::string_view item) {
        begin_event(type);
        append(answer_.body, R"(,"output_index":)", output_index_, R"(,"item":)", item);
        end_event();
    }

    void render_reasoning_item() {
        item_event("response.output_item.added", reasoning_item());
        item_event("response.output_item.done", reasoning_item());
        add_item(reasoning_item());
    }

    void begin_text_event(std::string_view type) {
        begin_event(type);
        append(answer_.body, R"(,"item_id":"msg_)", item_suffix_, R"(","output_index":)", output_index_,
               R"(,"content_index":0)");
    }

    // False if the stream ended in an error.
    bool render_message() {
        item_event("response.output_item.added", message_item("in_progress", ""));
        begin_text_event("response.content_part.added");
        append(answer_.body, R"(,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""})");
        end_event();
        std::string text;
        for (unsigned i = 0; i < generation_.deltas(); ++i) {
            if (call_.options.error_after == i) return render_error();
            const std::string_view delta = generation_.delta();
            text += delta;
            begin_text_event("response.output_text.delta");
            append(answer_.body, R"(,"delta":")", delta, R"(","logprobs":[])");
            end_event();
        }
        begin_text_event("response.output_text.done");
        append(answer_.body, R"(,"text":")", text, R"(","logprobs":[])");
        end_event();
        begin_text_event("response.content_part.done");
        append(answer_.body, R"(,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":")", text, R"("})");
        end_event();
        const std::string item = message_item("completed", text);
        item_event("response.output_item.done", item);
        add_item(item);
        return true;
    }

    void render_function_call(const GeneratedCall& made) {
        item_event("response.output_item.added", function_call_item(made, "in_progress", ""));
        for (const std::string& fragment : made.fragments) {
            begin_event("response.function_call_arguments.delta");
            append(answer_.body, R"(,"item_id":"fc_)", made.id_suffix, R"(","output_index":)", output_index_,
                   R"(,"delta":")");
            append_escaped(answer_.body, fragment);
            answer_.body += '"';
            end_event();
        }
        begin_event("response.function_call_arguments.done");
        append(answer_.body, R"(,"item_id":"fc_)", made.id_suffix, R"(","output_index":)", output_index_,
               R"(,"arguments":")");
        append_escaped(answer_.body, made.arguments);
        answer_.body += '"';
        end_event();
        const std::string item = function_call_item(made, "completed", made.arguments);
        item_event("response.output_item.done", item);
        add_item(item);
    }

    bool render_error() {
        constexpr std::string_view kError =
            R"("code":"server_error","message":"An error occurred while processing your request.")";
        begin_event("error");
        append(answer_.body, ",", kError, R"(,"param":null)");
        end_event();
        begin_event("response.failed");
        append(answer_.body, R"(,"response":)");
        append_response("failed", items_, Usage::absent, "{" + std::string(kError) + "}");
        end_event();
        answer_.truth.error_type = "server_error";
        answer_.truth.finish_reasons = {"failed"};
        answer_.finish_piece = answer_.pieces() - 1;
        return false;
    }

    const Call& call_;
    Generation generation_;
    Answer answer_;
    std::string model_;  // escaped
    std::string item_suffix_;
    std::string items_;  // finished output items, joined
    unsigned output_index_ = 0;
    unsigned sequence_ = 0;
};

}  // namespace

Answer answer_openai_responses(const Call& call) {
    ResponseRenderer renderer(call);
    return call.request.stream ? renderer.stream() : renderer.document();
}

}  // namespace llmsnoop::support
