#include "exporters/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "agent/base/utf8.h"

namespace llmsnoop::exporters {

namespace {

// Bytes that do not stand for themselves in a string: controls, the quote, the backslash, and what may be ill-formed.
constexpr std::array<bool, 256> kSpecial = [] {
    std::array<bool, 256> special{};
    for (std::size_t byte = 0; byte < special.size(); ++byte) {
        special[byte] = byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\';
    }
    return special;
}();

void append_escape(std::string& out, char byte) {
    static constexpr char kDigits[] = "0123456789abcdef";
    const auto value = static_cast<std::uint8_t>(byte);
    switch (byte) {
        case '"':
            out.append("\\\"");
            return;
        case '\\':
            out.append("\\\\");
            return;
        case '\n':
            out.append("\\n");
            return;
        case '\r':
            out.append("\\r");
            return;
        case '\t':
            out.append("\\t");
            return;
        default:
            out.append("\\u00").push_back(kDigits[value >> 4]);
            out.push_back(kDigits[value & 15]);
    }
}

template <typename Number>
void append_number(std::string& out, Number value) {
    std::array<char, 32> text{};  // the longest double has 24 characters
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    out.append(text.data(), end);
}

}  // namespace

void JsonWriter::separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
}

void JsonWriter::key(std::string_view key) {
    separate();
    quoted(key);
    out_.push_back(':');
}

void JsonWriter::quoted(std::string_view text) {
    out_.push_back('"');
    std::size_t plain = 0;  // where the bytes begin that stand for themselves and are not written yet
    std::size_t at = 0;
    while (at < text.size()) {
        if (!kSpecial[static_cast<std::uint8_t>(text[at])]) {
            ++at;
            continue;
        }
        const base::CodePoint point = base::decode_utf8(text.substr(at));
        if (point.valid && point.value > 0x7F) {
            at += point.length;
            continue;
        }
        out_.append(text, plain, at - plain);
        if (point.valid) {
            append_escape(out_, text[at]);
        } else {
            out_.append("\uFFFD");
        }
        at += point.length;
        plain = at;
    }
    out_.append(text, plain, at - plain);
    out_.push_back('"');
}

JsonWriter::Mark JsonWriter::begin(char bracket, std::size_t before, bool first) {
    out_.push_back(bracket);
    first_ = true;
    return {before, out_.size(), first};
}

void JsonWriter::end(char bracket) {
    out_.push_back(bracket);
    first_ = false;
}

JsonWriter::Mark JsonWriter::begin_object() {
    const std::size_t before = out_.size();
    const bool first = first_;
    separate();
    return begin('{', before, first);
}

JsonWriter::Mark JsonWriter::begin_object(std::string_view name) {
    const std::size_t before = out_.size();
    const bool first = first_;
    key(name);
    return begin('{', before, first);
}

JsonWriter::Mark JsonWriter::begin_array(std::string_view name) {
    const std::size_t before = out_.size();
    const bool first = first_;
    key(name);
    return begin('[', before, first);
}

void JsonWriter::end_object_unless_empty(Mark mark) {
    if (out_.size() != mark.inside) return end_object();
    out_.resize(mark.before);
    first_ = mark.first;
}

void JsonWriter::end_array_unless_empty(Mark mark) {
    if (out_.size() != mark.inside) return end_array();
    out_.resize(mark.before);
    first_ = mark.first;
}

void JsonWriter::string(std::string_view value) {
    separate();
    quoted(value);
}

void JsonWriter::member(std::string_view name, std::string_view value) {
    key(name);
    quoted(value);
}

void JsonWriter::member(std::string_view name, std::uint64_t value) {
    key(name);
    append_number(out_, value);
}

void JsonWriter::member(std::string_view name, bool value) {
    key(name);
    out_.append(value ? "true" : "false");
}

void JsonWriter::member(std::string_view name, double value) {
    if (!std::isfinite(value)) return;
    key(name);
    append_number(out_, value);
}

}  // namespace llmsnoop::exporters
