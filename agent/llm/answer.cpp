#include "agent/llm/answer.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

constexpr std::string_view kAssistant = "assistant";

std::string_view cut_at_character(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
        --limit;
    return text.substr(0, limit);
}

}  // namespace

void note_content(model::LlmCall& call, base::Time time) {
    model::ContentTiming& timing = call.timing;
    if (!timing.first) {
        timing.first = time;
    } else if (timing.gaps_us.size() < limits::kGaps) {
        const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(time - *timing.last).count();
        timing.gaps_us.push_back(
            static_cast<std::uint32_t>(std::clamp<decltype(gap)>(gap, 0, std::numeric_limits<std::uint32_t>::max())));
    }
    timing.last = time;
}

void Answer::append(model::LlmCall& call, std::string& out, std::string_view piece) {
    const std::size_t room = limits::kCompletionBytes - bytes_;
    if (piece.size() > room) {
        call.completion_cut = true;
        piece = cut_at_character(piece, room);
        bytes_ = limits::kCompletionBytes;  // nothing after a cut: the text must stay a beginning
        out.append(piece);
        return;
    }
    bytes_ += piece.size();
    out.append(piece);
}

void Answer::arrived(model::LlmCall& call, base::Time time) {
    if (arrived_) return;
    arrived_ = true;
    note_content(call, time);
}

void Answer::added(Added::What what, std::size_t where, const char* source) {
    added_.what = what;
    (what == Added::What::arguments ? added_.tool : added_.choice) = where;
    added_.source = source;
    ++added_.pieces;
}

void Answer::add(model::LlmCall& call, const Added& like, std::string_view piece, base::Time time) {
    switch (like.what) {
        case Added::What::text:
            return text(call, like.choice, piece, time);
        case Added::What::reasoning:
            return reasoning(call, piece, time);
        case Added::What::arguments:
            return arguments(call, like.tool, piece, time);
        case Added::What::nothing:
        case Added::What::other:
            return;
    }
}

Answer::Added Answer::take_added() {
    return std::exchange(added_, {});
}

void Answer::text(model::LlmCall& call, std::size_t choice, std::string_view piece, base::Time time) {
    if (piece.empty()) return;
    added(Added::What::text, choice, piece.data());
    arrived(call, time);
    if (choice >= limits::kChoices) {
        call.completion_cut = true;
        return;
    }
    while (call.completion.size() <= choice)
        call.completion.push_back({std::string(kAssistant), {}, 0});
    append(call, call.completion[choice].text.edit(), piece);
}

void Answer::reasoning(model::LlmCall& call, std::string_view piece, base::Time time) {
    if (piece.empty()) return;
    added(Added::What::reasoning, 0, piece.data());
    arrived(call, time);
    append(call, call.reasoning.edit(), piece);
}

void Answer::text_so_far(model::LlmCall& call, std::size_t choice, std::string_view whole, base::Time time) {
    const std::string_view known =
        choice < call.completion.size() ? call.completion[choice].text.view() : std::string_view{};
    text(call, choice, whole.starts_with(known) ? whole.substr(known.size()) : whole, time);
}

void Answer::reasoning_so_far(model::LlmCall& call, std::string_view whole, base::Time time) {
    const std::string_view known = call.reasoning.view();
    reasoning(call, whole.starts_with(known) ? whole.substr(known.size()) : whole, time);
}

void Answer::other_content(model::LlmCall& call, base::Time time) {
    added(Added::What::other, 0, nullptr);
    arrived(call, time);
}

bool Answer::has_tool(std::string_view key) const {
    return std::any_of(tools_.begin(), tools_.end(), [&](const Tool& one) { return one.key == key; });
}

model::ToolCall* Answer::tool(model::LlmCall& call, std::string_view key) {
    key = key.substr(0, limits::kNameBytes);
    for (const Tool& one : tools_) {
        if (one.key == key) return &call.tool_calls[one.index];
    }
    if (call.tool_calls.size() >= limits::kToolCalls) {
        call.completion_cut = true;
        return nullptr;
    }
    added(Added::What::other, 0, nullptr);
    tools_.push_back({std::string(key), call.tool_calls.size()});
    return &call.tool_calls.emplace_back();
}

void Answer::tool_name(model::LlmCall& call, std::string_view key, std::string_view name) {
    if (name.empty()) return;
    if (model::ToolCall* one = tool(call, key)) one->name = bounded(name);
}

void Answer::tool_id(model::LlmCall& call, std::string_view key, std::string_view id) {
    if (id.empty()) return;
    if (model::ToolCall* one = tool(call, key)) one->id = bounded(id);
}

void Answer::tool_arguments(model::LlmCall& call, std::string_view key, std::string_view piece, base::Time time) {
    const model::ToolCall* one = tool(call, key);
    if (one != nullptr) arguments(call, static_cast<std::size_t>(one - call.tool_calls.data()), piece, time);
}

void Answer::arguments(model::LlmCall& call, std::size_t tool, std::string_view piece, base::Time time) {
    if (piece.empty()) return;
    added(Added::What::arguments, tool, piece.data());
    arrived(call, time);
    append(call, call.tool_calls[tool].arguments.edit(), piece);
}

void Answer::tool_arguments(model::LlmCall& call, std::string_view key, Json value, base::Time time) {
    if (const auto text = value.text()) return tool_arguments(call, key, *text, time);
    if (!value) return;
    std::string written;
    if (!value.write(written, limits::kCompletionBytes)) call.completion_cut = true;
    tool_arguments(call, key, written, time);
}

void Answer::tool_arguments_so_far(model::LlmCall& call, std::string_view key, std::string_view whole,
                                   base::Time time) {
    const model::ToolCall* one = tool(call, key);
    if (one == nullptr) return;
    const std::string_view known = one->arguments.view();
    tool_arguments(call, key, whole.starts_with(known) ? whole.substr(known.size()) : whole, time);
}

void Answer::tool_call(model::LlmCall& call, std::string_view name, std::string_view id, Json arguments,
                       base::Time time) {
    const std::string key = "whole " + std::to_string(call.tool_calls.size());
    model::ToolCall* one = tool(call, key);
    if (one == nullptr) return;
    one->name = bounded(name);
    one->id = bounded(id);
    arrived(call, time);
    tool_arguments(call, key, arguments, time);
}

void Answer::finish(model::LlmCall& call, std::size_t choice, std::string_view reason) {
    if (reason.empty() || choice >= limits::kChoices) return;
    if (call.finish_reasons.size() <= choice) call.finish_reasons.resize(choice + 1);
    if (call.finish_reasons[choice] != reason) call.finish_reasons[choice] = bounded(reason);
}

PromptWriter::PromptWriter(model::LlmCall& call, Of of) : call_(call), of_(of) {
    for (const model::Message& one : call.prompt)
        bytes_ += one.text.size();
}

void PromptWriter::add(std::string_view role, std::string_view text, std::uint32_t other_parts) {
    const std::size_t bytes = of_ == Of::request ? limits::kPromptBytes : limits::kConversationBytes;
    const std::size_t messages = of_ == Of::request ? limits::kPromptMessages : limits::kConversationMessages;
    bytes_ += text.size();
    if (call_.prompt_cut || call_.prompt.size() >= messages || bytes_ > bytes) {
        call_.prompt_cut = true;
        return;
    }
    call_.prompt.push_back({bounded(role), model::Content(text), other_parts});
}

namespace {

void gather(Json content, PartsText& out, std::size_t depth) {
    if (const auto text = content.text()) {
        out.text.append(*text);
    } else if (content.is_array() && depth < limits::kPartsDepth) {
        content.each([&](Json part) { gather(part, out, depth + 1); });
    } else if (content.is_object()) {
        if (const Json inner = content["text"]; inner.text()) {
            out.text.append(inner.text_or_empty());
        } else if (content["content"] && depth < limits::kPartsDepth) {  // results of tools hold parts of their own
            gather(content["content"], out, depth + 1);
        } else {
            ++out.other_parts;
        }
    }
}

}  // namespace

PartsText text_of_parts(Json content) {
    PartsText out;
    gather(content, out, 0);
    return out;
}

void read_messages(Json messages, model::LlmCall& call) {
    PromptWriter prompt(call);
    messages.each([&](Json message) {
        const std::string_view role = message["role"].text_or_empty();
        if (const auto text = message["content"].text()) {
            prompt.add(role, *text);
        } else {
            const PartsText parts = text_of_parts(message["content"]);
            prompt.add(role, parts.text, parts.other_parts);
        }
    });
}

void set_tool_definitions(model::LlmCall& call, Json tools) {
    if (!tools) return;
    std::string written;
    if (!tools.write(written, limits::kToolDefinitionBytes)) call.prompt_cut = true;
    call.tool_definitions = model::Content(std::move(written));
}

std::string bounded(std::string_view text) {
    return std::string(cut_at_character(text, limits::kNameBytes));
}

std::string bounded_message(std::string_view text) {
    return std::string(cut_at_character(text, limits::kMessageBytes));
}

std::string text_or_number(Json value) {
    if (const auto text = value.text()) return bounded(*text);
    std::string written;
    if (value.kind() == Json::Kind::number) value.write(written, limits::kNameBytes);
    return written;
}

void set_if_given(std::string& field, std::string_view text) {
    if (!text.empty() && field != text) field = bounded(text);
}

}  // namespace llmsnoop::llm
