#include "agent/llm/chunk_template.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "agent/llm/json_leaves.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool contains(std::span<const std::string_view> list, std::string_view one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

bool is_whole_number(std::string_view text) {
    return !text.empty() && text.size() <= 18 && std::all_of(text.begin(), text.end(), is_digit) &&
           (text.size() == 1 || text[0] != '0');
}

// RFC 8259 section 7, without \u, which is left to the parser.
char unescape(char c) {
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        default:
            return '\0';
    }
}

}  // namespace

void ChunkTemplate::forget() {
    usable_ = false;
}

bool ChunkTemplate::add(std::size_t literal_end, std::size_t hole_length, Hole hole) {
    if (count_ == kSegments) return false;
    segments_[count_++] = {tail_, literal_end - tail_, hole};
    tail_ = literal_end + hole_length;
    return true;
}

void ChunkTemplate::learn(std::string_view chunk, std::string_view text_path,
                          std::span<const std::string_view> unread) {
    usable_ = false;
    if (!chunk.starts_with('{') || chunk.size() > limits::kTemplateBytes || misses_ >= limits::kTemplateMisses) return;
    ++misses_;
    const std::vector<JsonLeaf> leaves = json_leaves(chunk);
    const JsonLeaf* text = nullptr;
    for (const JsonLeaf& leaf : leaves) {
        if (!leaf.is_string || leaf.path != text_path) continue;
        if (text != nullptr) return;
        text = &leaf;
    }
    if (text == nullptr) return;

    count_ = 0;
    tail_ = 0;
    for (const JsonLeaf& leaf : leaves) {
        if (&leaf == text) {
            if (!add(leaf.begin, leaf.length, Hole::text)) return;
        } else if (contains(unread, leaf.path)) {
            const bool number = is_whole_number(chunk.substr(leaf.begin, leaf.length));
            if (!leaf.is_string && !number) continue;  // stays literal
            if (!add(leaf.begin, leaf.length, leaf.is_string ? Hole::unread_text : Hole::unread_number)) return;
        }
    }
    // Anthropic pads chunks with blanks before the last brace; blanks there may come and go.
    const std::size_t brace = chunk.find_last_of('}');
    if (brace == std::string_view::npos || brace < tail_) return;
    std::size_t blank = brace;
    while (blank > tail_ && is_blank(chunk[blank - 1]))
        --blank;
    if (!add(blank, brace - blank, Hole::blank)) return;
    chunk_.assign(chunk);
    usable_ = true;
}

// The string body at `at`, which is moved behind it. Sets `body` to the unescaped text.
inline bool ChunkTemplate::match_string(const char*& at, const char* end, std::string_view& body) {
    const char* const begin = at;
    unsigned char seen = 0;
    bool escaped = false;
    while (at < end && *at != '"') {
        const auto c = static_cast<unsigned char>(*at);
        if (c < 0x20) return false;
        seen |= c;
        if (c == '\\') {
            if (!escaped) unescaped_.assign(begin, at);
            escaped = true;
            const char plain = ++at < end ? unescape(*at) : '\0';
            if (plain == '\0') return false;
            unescaped_.push_back(plain);
        } else if (escaped) {
            unescaped_.push_back(*at);
        }
        ++at;
    }
    if (at >= end) return false;
    body = escaped ? std::string_view(unescaped_) : std::string_view(begin, static_cast<std::size_t>(at - begin));
    return seen < 0x80 || simdjson::validate_utf8(begin, static_cast<std::size_t>(at - begin));
}

std::optional<std::string_view> ChunkTemplate::match(std::string_view chunk) {
    if (!usable_) return std::nullopt;
    const char* at = chunk.data();
    const char* const end = at + chunk.size();
    std::string_view text;
    for (std::size_t i = 0; i < count_; ++i) {
        const Segment& segment = segments_[i];
        if (static_cast<std::size_t>(end - at) < segment.length ||
            std::memcmp(at, chunk_.data() + segment.begin, segment.length) != 0) {
            return std::nullopt;
        }
        at += segment.length;
        switch (segment.hole) {
            case Hole::text:
                if (!match_string(at, end, text)) return std::nullopt;
                break;
            case Hole::unread_text:
                while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) - 0x20U < 0x60U)
                    ++at;
                if (at >= end || *at != '"') return std::nullopt;
                break;
            case Hole::unread_number: {
                const char* const begin = at;
                while (at < end && is_digit(*at))
                    ++at;
                if (!is_whole_number({begin, static_cast<std::size_t>(at - begin)})) return std::nullopt;
                break;
            }
            case Hole::blank:
                while (at < end && is_blank(*at))
                    ++at;
                break;
        }
    }
    const std::size_t rest = chunk_.size() - tail_;
    if (static_cast<std::size_t>(end - at) != rest || std::memcmp(at, chunk_.data() + tail_, rest) != 0)
        return std::nullopt;
    misses_ = 0;
    return text;
}

}  // namespace llmsnoop::llm
