#include "agent/llm/openai_chat.h"

#include <algorithm>
#include <array>

#include "agent/llm/limits.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

// prompt_n leaves out what came from the cache (T23).
std::optional<model::ReportedUsage> read_timings(Json timings) {
    const model::Count prompt = timings["prompt_n"].count();
    const model::Count predicted = timings["predicted_n"].count();
    if (!prompt || !predicted) return std::nullopt;
    model::ReportedUsage out;
    out.cache_read = timings["cache_n"].count();
    out.input = *prompt + out.cache_read.value_or(0);
    out.output = predicted;
    return out;
}

// MiniMax answers with status 200 whatever has happened.
void read_base_resp(Json base, model::LlmCall& call) {
    const std::string code = text_or_number(base["status_code"]);
    if (!code.empty() && code != "0") set_error(call, code, base["status_msg"].text_or_empty());
}

}  // namespace

void OpenaiChat::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, (body["model"] ? body["model"] : body["model_id"]).text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    if (const auto n = body["n"].count(); n && *n > 0)
        call.choices = static_cast<std::uint32_t>(std::min<std::uint64_t>(*n, limits::kChoices));
    if (kind_ == Kind::chat) {
        read_messages(body["messages"], call);
        set_tool_definitions(call, body["tools"] ? body["tools"] : body["functions"]);
        return;
    }
    PromptWriter prompt(call);
    const Json text = body["prompt"] ? body["prompt"] : body["input"];
    if (text.text()) {
        prompt.add("user", *text.text());
    } else {
        // Several prompts, or token numbers (which hold no text).
        text.each([&](Json one) {
            if (one.text()) prompt.add("user", *one.text());
        });
    }
}

void OpenaiChat::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    const auto [error, object, id, model, model_id, tier, choices, usage, x_groq, timings, base_resp] =
        document.pick({"error", "object", "id", "model", "model_id", "service_tier", "choices", "usage", "x_groq",
                       "timings", "base_resp"});
    if (error || object.text_or_empty() == "error") read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, id.text_or_empty());
    set_if_given(call.response_model, (model ? model : model_id).text_or_empty());
    set_if_given(call.service_tier, tier.text_or_empty());
    read_base_resp(base_resp, call);
    std::size_t position = 0;
    choices.each([&](Json choice) { read_choice(choice, position++, frame, call); });

    auto reported = read_openai_usage(usage);
    if (!reported) reported = read_openai_usage(x_groq["usage"]);
    if (!reported && !call.reported) reported = read_timings(timings);
    if (reported) call.reported = std::move(reported);
}

void OpenaiChat::read_choice(Json choice, std::size_t position, const model::Frame& frame, model::LlmCall& call) {
    const auto [number, delta, whole, text, reason, error, usage] =
        choice.pick({"index", "delta", "message", "text", "finish_reason", "error", "usage"});
    const std::size_t index = static_cast<std::size_t>(number.count().value_or(position));
    if (index < limits::kChoices)
        call.choices = std::max(call.choices.value_or(0), static_cast<std::uint32_t>(index + 1));
    // Perplexity sends both: the message so far and what is new.
    const Json message = (frame.kind == model::Frame::Kind::body || !delta) && whole ? whole : delta;
    // Together sends both: the text as in Completions, and the same as a delta.
    if (text.text() && (kind_ == Kind::completions || !message)) {
        answer().text(call, index, *text.text(), frame.time);
    } else {
        // MiniMax ends a stream with the message as a whole.
        const bool so_far = frame.kind == model::Frame::Kind::event && !delta;
        read_message(message, index, so_far ? Told::so_far : Told::new_part, frame.time, call);
    }
    answer().finish(call, index, reason.text_or_empty());
    if (error) read_error(choice, ErrorBody::of_success, call);  // OpenRouter: the upstream failed after it had begun
    if (auto reported = read_openai_usage(usage)) call.reported = std::move(reported);
}

void OpenaiChat::read_message(Json message, std::size_t choice, Told told, base::Time time, model::LlmCall& call) {
    if (!message) return;
    const auto say = [&](std::string_view text) {
        told == Told::so_far ? answer().text_so_far(call, choice, text, time) : answer().text(call, choice, text, time);
    };
    const auto think = [&](std::string_view text) {
        told == Told::so_far ? answer().reasoning_so_far(call, text, time) : answer().reasoning(call, text, time);
    };
    const auto [content, reasoning_content, reasoning, reasoning_details, refusal, audio, tools, function] =
        message.pick({"content", "reasoning_content", "reasoning", "reasoning_details", "refusal", "audio",
                      "tool_calls", "function_call"});
    if (const Json thinking = reasoning_content ? reasoning_content : reasoning) {
        think(thinking.text_or_empty());
    } else {  // OpenRouter repeats the reasoning there, Snowflake has it nowhere else
        reasoning_details.each([&](Json part) { think(part["text"].text_or_empty()); });
    }
    if (content.is_array()) {  // Mistral: [{type: text | thinking}]
        content.each([&](Json part) {
            if (part["thinking"]) {
                think(text_of_parts(part["thinking"]).text);
            } else {
                say(part["text"].text_or_empty());
            }
        });
    } else {
        say(content.text_or_empty());
    }
    say(refusal.text_or_empty());
    if (audio["data"]) answer().other_content(call, time);
    say(audio["transcript"].text_or_empty());
    if (told == Told::so_far && !call.tool_calls.empty()) return;
    std::size_t position = 0;
    tools.each([&](Json tool) { read_tool(tool, choice, position++, time, call); });
    if (!function) return;
    // Before there were tools. Snowflake always sends it, mostly empty.
    const std::string key = "function " + std::to_string(choice);
    answer().tool_name(call, key, function["name"].text_or_empty());
    if (answer().has_tool(key)) answer().tool_arguments(call, key, function["arguments"], time);
}

void OpenaiChat::read_tool(Json tool, std::size_t choice, std::size_t position, base::Time time, model::LlmCall& call) {
    const Json custom = tool["custom"];
    const Json function = custom["name"].text_or_empty().empty() && tool["function"] ? tool["function"] : custom;
    const std::string_view id = tool["id"].text_or_empty();
    const std::string_view name = function["name"].text_or_empty();
    const std::uint64_t index = tool["index"].count().value_or(position);
    auto open = std::find_if(open_tools_.begin(), open_tools_.end(),
                             [&](const OpenTool& one) { return one.choice == choice && one.index == index; });
    // Deltas of one call share an index. Where servers leave it out, or count every call as 0, a new name and
    // identifier tell a new call.
    const bool is_new = open == open_tools_.end() || (!id.empty() && !name.empty() && [&] {
                            const model::ToolCall* known = answer().tool(call, open->key);
                            return known != nullptr && !known->id.empty() && known->id != id;
                        }());
    if (is_new) {
        if (open == open_tools_.end()) {
            if (open_tools_.size() >= limits::kToolCalls) return;
            open = open_tools_.insert(open_tools_.end(), {choice, index, {}});
        }
        open->key = std::to_string(choice) + "/" + std::to_string(call.tool_calls.size());
    }
    answer().tool_id(call, open->key, id);
    answer().tool_name(call, open->key, name);
    answer().tool_arguments(call, open->key, function["arguments"] ? function["arguments"] : function["input"], time);
}

JsonDialect::Chunks OpenaiChat::chunks() const {
    static constexpr std::array<std::string_view, 5> kText{
        "choices.#.delta.content", "choices.#.delta.reasoning_content", "choices.#.delta.reasoning", "choices.#.text",
        "choices.#.delta.tool_calls.#.function.arguments"};
    static constexpr std::array<std::string_view, 2> kUnread{"obfuscation", "created"};
    return {kText, kUnread};
}

}  // namespace llmsnoop::llm
