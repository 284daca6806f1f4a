#include "agent/llm/gemini_live.h"

#include "agent/base/bytes.h"
#include "agent/llm/gemini_generate.h"
#include "agent/llm/json_document.h"
#include "agent/llm/limits.h"
#include "agent/llm/openai_realtime.h"
#include "agent/llm/shapes.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

constexpr std::string_view kLane = "turn";

}  // namespace

model::LlmCall& GeminiLive::turn(base::Time time, Calls& calls) {
    if (over_) finish(*over_, calls);
    if (!calls.is_open(kLane)) {
        calls.started(asked_.value_or(time), kLane);
        asked_.reset();
        model::LlmCall& call = calls.open(kLane);
        call.stream = true;
        call.prompt = conversation_.prompt;
        call.prompt_cut = conversation_.prompt_cut;
        call.tool_definitions = conversation_.tool_definitions;
        answer_ = Answer();
    }
    return calls.open(kLane);
}

void GeminiLive::finish(base::Time time, Calls& calls) {
    over_.reset();
    if (!calls.is_open(kLane)) return;
    for (const model::Message& said : calls.open(kLane).completion)
        PromptWriter(conversation_, PromptWriter::Of::conversation).add("model", said.text.view());
    calls.finish(time, true, kLane);
}

void GeminiLive::from_client(Json message, const model::Frame& frame, Calls& calls) {
    if (const Json setup = message["setup"]) {
        set_if_given(calls.seed.request_model, setup["model"].text_or_empty());
        PromptWriter prompt(conversation_, PromptWriter::Of::conversation);
        read_gemini_system(either(setup, "systemInstruction", "system_instruction"), prompt);
        set_tool_definitions(conversation_, setup["tools"]);
    } else if (const Json content = either(message, "clientContent", "client_content")) {
        PromptWriter prompt(conversation_, PromptWriter::Of::conversation);
        read_gemini_contents(content["turns"], prompt);
        asked_ = frame.time;
    } else if (const Json input = either(message, "realtimeInput", "realtime_input")) {
        if (const auto text = input["text"].text())
            PromptWriter(conversation_, PromptWriter::Of::conversation).add("user", *text);
        if (!asked_) asked_ = frame.time;
    }
}

void GeminiLive::from_server(Json message, const model::Frame& frame, Calls& calls) {
    answer_.begin_event();
    if (const Json content = either(message, "serverContent", "server_content")) read_content(content, frame, calls);
    if (const Json tools = either(message, "toolCall", "tool_call")) {
        model::LlmCall& call = turn(frame.time, calls);
        either(tools, "functionCalls", "function_calls").each([&](Json one) {
            answer_.tool_call(call, one["name"].text_or_empty(), one["id"].text_or_empty(), one["args"], frame.time);
        });
    }
    const Json counts = either(message, "usageMetadata", "usage_metadata");
    if (auto usage = read_gemini_usage(counts, model::UsageRule::gemini_live)) {
        // It belongs to the turn that is open, also if that has just been completed.
        model::LlmCall& call = calls.is_open(kLane) ? calls.open(kLane) : turn(frame.time, calls);
        call.reported = std::move(usage);
        set_if_given(call.service_tier, read_gemini_tier(counts));
        if (over_) finish(*over_, calls);
    }
}

void GeminiLive::read_content(Json content, const model::Frame& frame, Calls& calls) {
    const Json heard = either(content, "inputTranscription", "input_transcription");
    if (const auto text = heard["text"].text())
        PromptWriter(conversation_, PromptWriter::Of::conversation).add("user", *text);
    const Json parts = either(content, "modelTurn", "model_turn")["parts"];
    const std::string_view said =
        either(content, "outputTranscription", "output_transcription")["text"].text_or_empty();
    if (parts || !said.empty()) {
        model::LlmCall& call = turn(frame.time, calls);
        read_gemini_parts(parts, 0, frame.time, answer_, call);
        answer_.text(call, 0, said, frame.time);
    }
    const bool complete = either(content, "turnComplete", "turn_complete").truth().value_or(false);
    if (!complete) return;
    if (calls.is_open(kLane)) {
        const bool interrupted = content["interrupted"].truth().value_or(false);
        answer_.finish(calls.open(kLane), 0, interrupted ? "interrupted" : "turn_complete");
        over_ = frame.time;
    }
}

void GeminiLive::end(base::Time /*time*/, Calls& calls) {
    if (over_) finish(*over_, calls);
}

Dialect& RealtimeByShape::inner(const model::Frame& frame, Calls& calls) {
    if (inner_) return *inner_;
    JsonDocument document;
    const Json message = document.parse(base::as_text(frame.document));
    if (is_gemini_message(message)) {
        calls.seed.dialect = "gemini.live.ws";
        inner_ = std::make_unique<GeminiLive>(losses_);
    } else {
        inner_ = std::make_unique<OpenaiRealtime>(losses_);
    }
    model::MessageHead head;
    head.status = status_;
    inner_->response_head(head, calls);
    return *inner_;
}

void RealtimeByShape::request(const model::Frame& frame, Calls& calls) {
    inner(frame, calls).request(frame, calls);
}

void RealtimeByShape::response_head(const model::MessageHead& head, Calls& calls) {
    status_ = head.lost ? 0 : head.status;
    if (inner_ || status_ >= 400) {
        if (!inner_) inner_ = std::make_unique<OpenaiRealtime>(losses_);
        inner_->response_head(head, calls);
    }
}

void RealtimeByShape::response(const model::Frame& frame, Calls& calls) {
    inner(frame, calls).response(frame, calls);
}

void RealtimeByShape::end(base::Time time, Calls& calls) {
    if (inner_) inner_->end(time, calls);
}

}  // namespace llmsnoop::llm
