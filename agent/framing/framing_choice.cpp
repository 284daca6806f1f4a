#include "agent/framing/framing_choice.h"

#include <algorithm>
#include <array>

#include "agent/framing/event_stream_message.h"
#include "agent/framing/media_type.h"

namespace llmsnoop::framing {

namespace {

constexpr std::size_t kHeadBytes = 64;
constexpr std::string_view kSpace = " \t\r\n";

// How a line of an event stream begins; a comment begins with the colon itself.
constexpr std::array<std::string_view, 5> kSseFields{":", "data:", "event:", "id:", "retry:"};

constexpr std::array<std::string_view, 7> kJsonLinesTypes{
    "application/x-ndjson",  "application/ndjson",      "application/jsonl",      "application/x-jsonl",
    "application/jsonlines", "application/x-jsonlines", "application/stream+json"};

constexpr std::array<std::string_view, 5> kOpaqueTypes{"image/", "audio/", "video/", "font/", "multipart/"};

}  // namespace

FramingChoice::FramingChoice(std::string_view content_type) : hint_(hint_of(content_type)) {}

FramingChoice::Hint FramingChoice::hint_of(std::string_view content_type) {
    const std::string type = media_type(content_type);
    if (type == "text/event-stream") return Hint::sse;
    if (type == "application/vnd.amazon.eventstream") return Hint::event_stream;
    if (std::find(kJsonLinesTypes.begin(), kJsonLinesTypes.end(), type) != kJsonLinesTypes.end())
        return Hint::json_lines;
    if (type == "multipart/form-data" && !parameter(content_type, "boundary").value_or("").empty())
        return Hint::multipart;
    if (type == "application/json" || type == "text/json" || type.ends_with("+json")) return Hint::json;
    const auto begins_type = [&](std::string_view prefix) { return type.starts_with(prefix); };
    if (std::any_of(kOpaqueTypes.begin(), kOpaqueTypes.end(), begins_type)) return Hint::body;
    return Hint::none;
}

std::optional<model::Framing> FramingChoice::by_type() const {
    switch (hint_) {
        case Hint::body:
            return model::Framing::body;
        case Hint::json_lines:
            return model::Framing::json_lines;
        case Hint::multipart:
            return model::Framing::multipart;
        case Hint::none:
        case Hint::json:
        case Hint::sse:
        case Hint::event_stream:
            break;
    }
    return std::nullopt;
}

model::Framing FramingChoice::at_end() const {
    if (const auto typed = by_type()) return *typed;
    if (in_object_) return model::Framing::body;
    if (hint_ == Hint::sse) return model::Framing::sse;
    if (hint_ == Hint::event_stream) return model::Framing::event_stream;
    return model::Framing::body;
}

std::optional<model::Framing> FramingChoice::look(base::Bytes bytes) {
    if (in_object_) return look_at_object(bytes);
    const std::size_t added = std::min(bytes.size(), kHeadBytes - head_.size());
    head_.append(base::as_text(bytes.first(added)));
    switch (judge_head()) {
        case Verdict::undecided:
            if (head_.size() < kHeadBytes) return std::nullopt;
            return at_end();
        case Verdict::body:
            return model::Framing::body;
        case Verdict::sse:
            return model::Framing::sse;
        case Verdict::event_stream:
            return model::Framing::event_stream;
        case Verdict::object:
            break;
    }
    in_object_ = true;
    const std::string_view begun = std::string_view(head_).substr(head_.find('{'));
    if (const auto framing = look_at_object(base::as_bytes(begun))) return framing;
    return look_at_object(bytes.subspan(added));
}

FramingChoice::Verdict FramingChoice::judge_head() const {
    std::string_view text = head_;
    if (text.empty()) return Verdict::undecided;
    // The length that begins a message is far below 32 MB.
    const bool may_be_prelude = static_cast<std::uint8_t>(text.front()) <= 1;
    if (hint_ == Hint::event_stream) return text.front() == '{' ? Verdict::body : Verdict::event_stream;
    if (hint_ == Hint::none && may_be_prelude) {
        if (text.size() < EventStreamPrelude::kSize) return Verdict::undecided;
        return EventStreamPrelude::read(base::as_bytes(text)) ? Verdict::event_stream : Verdict::body;
    }
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (text.starts_with(kMark)) {
        text.remove_prefix(kMark.size());
    } else if (kMark.starts_with(text)) {
        return Verdict::undecided;
    }
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return Verdict::undecided;
    return judge_text(text.substr(first));
}

FramingChoice::Verdict FramingChoice::judge_text(std::string_view text) const {
    if (text.front() == '{') return hint_ == Hint::json ? Verdict::body : Verdict::object;
    if (text.front() == '[') return Verdict::body;
    if (hint_ == Hint::sse) return Verdict::sse;
    for (const std::string_view field : kSseFields) {
        if (text.starts_with(field)) return Verdict::sse;
        if (field.starts_with(text)) return Verdict::undecided;
    }
    return Verdict::body;
}

std::optional<model::Framing> FramingChoice::look_at_object(base::Bytes bytes) {
    if (!after_object_) {
        const base::Bytes part = bytes.first(nesting_.follow(bytes));
        // Raw line breaks cannot stand in strings: the object is laid out over several lines, which JSON lines are not.
        if (std::find(part.begin(), part.end(), '\n') != part.end()) return model::Framing::body;
        if (!nesting_.done()) return std::nullopt;
        after_object_ = true;
        bytes = bytes.subspan(part.size());
    }
    for (const std::uint8_t byte : bytes) {
        if (byte == '{' && after_line_) return model::Framing::json_lines;
        if (kSpace.find(static_cast<char>(byte)) == std::string_view::npos) return model::Framing::body;
        if (byte == '\n') after_line_ = true;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::framing
