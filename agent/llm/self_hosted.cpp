#include "agent/llm/self_hosted.h"

#include <array>
#include <string>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

void add_prompts(Json text, model::LlmCall& call) {
    PromptWriter prompt(call);
    if (const auto one = text.text()) prompt.add("user", *one);
    text.each([&](Json one) {
        if (const auto plain = one.text()) prompt.add("user", *plain);
    });
}

// A string, or an object that holds one: SGLang's {"type": "stop", "matched": …}.
std::string_view reason_of(Json reason) {
    return reason.is_object() ? reason["type"].text_or_empty() : reason.text_or_empty();
}

}  // namespace

// ---- TGI

void Tgi::response_head(const model::MessageHead& head, Calls& calls) {
    JsonDialect::response_head(head, calls);
    model::ReportedUsage usage;
    usage.input = count_in_header(head, "x-prompt-tokens");
    usage.output = count_in_header(head, "x-generated-tokens");
    if (has_counts(usage)) calls.open().reported = std::move(usage);
}

void Tgi::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (const auto stream = body["stream"].truth(); stream && !call.stream) call.stream = stream;
    add_prompts(body["inputs"], call);
}

void Tgi::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    if (document.is_array()) {
        std::size_t choice = 0;
        document.each([&](Json one) { read_result(one, choice++, frame, call); });
    } else {
        read_result(document, 0, frame, call);
        if (document["generated_text"].text()) end_stream(frame, calls);
    }
}

void Tgi::read_result(Json result, std::size_t choice, const model::Frame& frame, model::LlmCall& call) {
    const Json token = result["token"];
    if (token) {
        if (!token["special"].truth().value_or(false))
            answer().text(call, choice, token["text"].text_or_empty(), frame.time);
    } else {
        answer().text(call, choice, result["generated_text"].text_or_empty(), frame.time);
    }
    const Json details = result["details"];
    if (!details) return;
    answer().finish(call, choice, details["finish_reason"].text_or_empty());
    model::ReportedUsage usage = call.reported.value_or(model::ReportedUsage{});
    if (const auto count = details["generated_tokens"].count()) usage.output = count;
    if (const auto count = details["input_length"].count()) {
        usage.input = count;
    } else if (!usage.input && details["prefill"].size() > 0) {
        usage.input = details["prefill"].size();  // one element for each token of the prompt
    }
    if (has_counts(usage)) call.reported = std::move(usage);
}

// ---- llama.cpp

void LlamaCpp::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    several_ = body["prompt"].is_array() && body["prompt"].size() > 1;
    add_prompts(body["prompt"], call);
    add_prompts(body["input_prefix"], call);
    add_prompts(body["input_suffix"], call);
}

void LlamaCpp::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_model, document["model"].text_or_empty());
    answer().text(call, 0, document["content"].text_or_empty(), frame.time);
    if (!document["stop"].truth().value_or(false)) return;  // counts of a chunk on the way are those so far
    answer().finish(call, 0, document["stop_type"].text_or_empty());
    if (call.finish_reasons.empty()) {
        for (const std::string_view name : {"stopped_eos", "stopped_word", "stopped_limit"}) {
            if (document[name].truth().value_or(false)) answer().finish(call, 0, name);
        }
    }
    model::ReportedUsage usage;
    const Json timings = document["timings"];
    usage.input = document["tokens_evaluated"].count();
    usage.output = document["tokens_predicted"].count();
    usage.cache_read = timings["cache_n"].count();
    if (!usage.input) {
        if (const auto rest = timings["prompt_n"].count()) usage.input = *rest + usage.cache_read.value_or(0);
    }
    if (!usage.output) usage.output = timings["predicted_n"].count();
    if (const auto cached = document["tokens_cached"].number()) add_detail(usage, "tokens_cached", *cached);
    if (has_counts(usage)) call.reported = std::move(usage);
    if (!several_) end_stream(frame, calls);
}

// ---- SGLang

void Sglang::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    add_prompts(body["text"], call);
}

void Sglang::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    model::ReportedUsage usage;
    if (document.is_array()) {  // several prompts: each answer counts its own
        std::size_t choice = 0;
        document.each([&](Json one) { read_one(one, choice++, frame, call, usage); });
    } else {
        read_one(document, static_cast<std::size_t>(document["index"].count().value_or(0)), frame, call, usage);
    }
    if (has_counts(usage)) call.reported = std::move(usage);
}

void Sglang::read_one(Json result, std::size_t choice, const model::Frame& frame, model::LlmCall& call,
                      model::ReportedUsage& usage) {
    const std::string_view text = result["text"].text_or_empty();
    if (frame.kind == model::Frame::Kind::event) {
        answer().text_so_far(call, choice, text,
                             frame.time);  // or what is new, where the server runs with --stream-output
    } else {
        answer().text(call, choice, text, frame.time);
    }
    const Json meta = result["meta_info"];
    set_if_given(call.response_id, meta["id"].text_or_empty());
    answer().finish(call, choice, reason_of(meta["finish_reason"]));
    const auto add = [](model::Count& sum, model::Count count) {
        if (count) sum = sum.value_or(0) + *count;
    };
    add(usage.input, meta["prompt_tokens"].count());
    add(usage.output, meta["completion_tokens"].count());
    add(usage.cache_read, meta["cached_tokens"].count());
}

// ---- Triton

void Triton::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    add_prompts(body["text_input"], call);
    body["inputs"].each([&](Json input) {  // /infer
        if (input["name"].text_or_empty() == "text_input") add_prompts(input["data"], call);
    });
    if (const auto stream = body["stream"].truth(); stream && !call.stream) call.stream = stream;
}

void Triton::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_model, document["model_name"].text_or_empty());
    set_if_given(call.response_id, document["id"].text_or_empty());
    answer().text(call, 0, document["text_output"].text_or_empty(), frame.time);
    document["outputs"].each([&](Json output) {
        if (output["name"].text_or_empty() != "text_output") return;
        output["data"].each([&](Json text) { answer().text(call, 0, text.text_or_empty(), frame.time); });
    });
}

JsonDialect::Chunks Triton::chunks() const {
    static constexpr std::array<std::string_view, 1> kText{"text_output"};
    return {kText, {}};
}

}  // namespace llmsnoop::llm
