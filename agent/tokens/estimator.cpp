#include "agent/tokens/estimator.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "agent/tokens/model_family.h"
#include "agent/tokens/tokenizer.h"
#include "agent/tokens/tool_signature.h"

namespace llmsnoop::tokens {

namespace {

using model::Count;
using model::LlmCall;
using model::UsageSource;

enum class Operation { conversation, continuation, embedding, other };

// Continuations and embeddings see the text alone; a conversation is wrapped in the format of the model.
Operation operation_of(const LlmCall& call) {
    if (call.operation == "chat" || call.operation == "generate_content") return Operation::conversation;
    if (call.operation == "text_completion") return Operation::continuation;
    if (call.operation == "embeddings") return Operation::embedding;
    return Operation::other;
}

bool has_text(const model::Message& message) {
    return !message.text.empty();
}

bool generated(const LlmCall& call) {
    return std::any_of(call.completion.begin(), call.completion.end(), has_text) || !call.tool_calls.empty() ||
           !call.reasoning.empty();
}

}  // namespace

bool is_unfinished(const LlmCall& call) {
    return std::any_of(call.finish_reasons.begin(), call.finish_reasons.end(),
                       [](const std::string& reason) { return reason == "queued" || reason == "in_progress"; });
}

namespace {

// A refused request is not charged, and neither is one that never got an answer.
bool has_begun(const LlmCall& call) {
    if (generated(call)) return true;
    if (is_unfinished(call)) return false;
    return !call.error && (!call.finish_reasons.empty() || !call.response_id.empty());
}

double apply(const Calibration& calibration, double text, std::size_t units, std::size_t bases) {
    const double plain = std::min(text, calibration.unscaled);
    return plain + (text - plain) * calibration.scale + calibration.per_unit * static_cast<double>(units) +
           calibration.base * static_cast<double>(bases);
}

std::uint64_t rounded(double tokens) {
    return tokens > 0 ? static_cast<std::uint64_t>(std::llround(tokens)) : 0;
}

double count(const ModelFamily& family, std::string_view text) {
    return static_cast<double>(count_tokens(family.encoding, text));
}

bool is_instruction(const model::Message& message) {
    return message.role == "system" || message.role == "developer";
}

double tool_tokens(const LlmCall& call, const ModelFamily& family) {
    const std::string_view definitions = call.tool_definitions.view();
    if (definitions.size() <= 2) return 0;  // none, or an empty list
    const ToolCalibration& tools = family.tools;
    const bool instructed = std::any_of(call.prompt.begin(), call.prompt.end(), is_instruction);
    std::optional<std::string> signatures;
    if (tools.form == ToolCalibration::Form::signature) signatures = tool_signatures(definitions);
    const double text = count(family, signatures ? std::string_view(*signatures) : definitions);
    return std::max(0.0, text * tools.scale + (instructed ? tools.base_with_system : tools.base));
}

Count estimate_input(const LlmCall& call, const ModelFamily& family, Operation operation) {
    if (call.prompt_cut || call.prompt.empty()) return std::nullopt;
    double text = 0;
    for (const model::Message& message : call.prompt) {
        if (message.other_parts > 0) return std::nullopt;
        text += count(family, message.text.view());
    }
    if (operation != Operation::conversation) return rounded(text);
    const double reasoning = call.reasoning.empty() ? 0 : family.reasoning_prompt;
    return rounded(apply(family.input, text, call.prompt.size(), 1) + reasoning + tool_tokens(call, family));
}

Count estimate_output(const LlmCall& call, const ModelFamily& family, Operation operation, CutAnswer cut) {
    if (operation == Operation::embedding) return 0;
    if ((call.completion_cut && cut == CutAnswer::unknown) || !generated(call)) return std::nullopt;
    double text = count(family, call.reasoning.view());
    for (const model::Message& choice : call.completion)
        text += count(family, choice.text.view());
    for (const model::ToolCall& tool : call.tool_calls) {
        text += count(family, tool.name) + count(family, tool.arguments.view());
    }
    if (operation == Operation::continuation) return rounded(text);
    const std::size_t choices = std::max<std::size_t>(1, call.completion.size());
    return rounded(apply(family.output, text, call.tool_calls.size(), choices));
}

Api api_of(const LlmCall& call) {
    return call.dialect.starts_with("openai.responses") ? Api::responses : Api::chat;
}

}  // namespace

model::Usage estimate(const LlmCall& call, model::Usage known, CutAnswer cut) {
    const Operation operation = operation_of(call);
    const bool has_input = known.input.has_value();
    const bool has_output = known.output.has_value();
    if ((has_input && has_output) || operation == Operation::other || !has_begun(call)) return known;
    // A total without its sides would be contradicted by estimates of both.
    if (known.total && !has_input && !has_output) return known;

    const std::string& name = call.response_model.empty() ? call.request_model : call.response_model;
    const ModelFamily& family = family_of(name, api_of(call));
    if (!family.is_known()) return known;
    if (!has_input) known.input = estimate_input(call, family, operation);
    if (!has_output) {
        known.output = estimate_output(call, family, operation, cut);
        if (known.output && !known.reasoning && !call.reasoning.empty()) {
            known.reasoning =
                std::min(*known.output, rounded(count(family, call.reasoning.view()) * family.output.scale));
        }
        const bool unseen = family.reasoning == ModelFamily::Reasoning::hidden && call.reasoning.empty();
        if (known.output && unseen && operation == Operation::conversation) known.adjusted_by = "visible_output";
    }
    if (known.input.has_value() == has_input && known.output.has_value() == has_output) return known;
    known.source = has_input || has_output ? UsageSource::partial : UsageSource::estimated;
    std::uint64_t total = 0;
    if (known.input && known.output && !__builtin_add_overflow(*known.input, *known.output, &total))
        known.total = total;
    return known;
}

}  // namespace llmsnoop::tokens
