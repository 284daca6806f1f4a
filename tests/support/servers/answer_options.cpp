#include "tests/support/servers/answer_options.h"

#include <array>
#include <charconv>

namespace llmsnoop::support {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& value) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    return status == std::errc() && end == text.data() + text.size();
}

template <typename Number>
bool read_number(std::string_view text, std::optional<Number>& value) {
    Number number{};
    if (!read_number(text, number)) return false;
    value = number;
    return true;
}

bool read_encoding(std::string_view text, AnswerOptions& options) {
    if (text == "auto") {
        options.negotiate = true;
        return true;
    }
    const auto coding = coding_named(text);
    if (coding) options.coding = *coding;
    return coding.has_value();
}

bool read_framing(std::string_view name, std::string_view value, AnswerOptions& options) {
    if (value != "0" && value != "1") return false;
    if (name == "close") {
        if (value == "1") options.framing = Framing::until_close;
    } else {
        options.framing = value == "1" ? Framing::chunked : Framing::content_length;
    }
    return true;
}

bool read_deflate(std::string_view text, Deflate& deflate) {
    const auto named = deflate_named(text);
    if (named) deflate = *named;
    return named.has_value();
}

bool read_option(std::string_view name, std::string_view value, AnswerOptions& options) {
    if (name == "chunks") return read_number(value, options.chunks);
    if (name == "chunk_bytes") return read_number(value, options.chunk_bytes);
    if (name == "gap_us") return read_number(value, options.gap_us);
    if (name == "end_us") return read_number(value, options.end_us);
    if (name == "encoding") return read_encoding(value, options);
    if (name == "chunked" || name == "close") return read_framing(name, value, options);
    if (name == "die") return read_number(value, options.die_after);
    if (name == "error_after") return read_number(value, options.error_after);
    if (name == "error") return read_number(value, options.error_status);
    if (name == "input") return read_number(value, options.input);
    if (name == "output") return read_number(value, options.output);
    if (name == "cached") return read_number(value, options.cached);
    if (name == "cache_write") return read_number(value, options.cache_write);
    if (name == "reasoning") return read_number(value, options.reasoning);
    if (name == "tools") return read_number(value, options.tool_calls);
    if (name == "seed") return read_number(value, options.seed);
    if (name == "write") return read_number(value, options.write_bytes);
    if (name == "pad") return read_number(value, options.padding);
    if (name == "goaway") return (options.goaway = value == "1");
    if (name == "deflate") return read_deflate(value, options.deflate);
    if (name == "fragment") return read_number(value, options.fragment);
    // What real clients append, and what changes nothing here.
    constexpr std::array<std::string_view, 4> kIgnored = {"beta", "api-version", "api_key", "tag"};
    for (std::string_view ignored : kIgnored)
        if (name == ignored) return true;
    return false;
}

constexpr std::string_view kOptionsInPath = "/with/";

base::Result<void> read_options(std::string_view query, AnswerOptions& options) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view item = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        const std::size_t equals = item.find('=');
        const std::string_view name = item.substr(0, equals);
        const std::string_view value = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
        if (!read_option(name, value, options))
            return base::error("bad query option " + std::string(item), base::Error::Kind::usage);
    }
    return {};
}

}  // namespace

base::Result<Target> parse_target(std::string_view target) {
    Target result;
    const std::size_t mark = target.find('?');
    result.path = target.substr(0, mark);
    std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    if (result.path.starts_with(kOptionsInPath)) {
        std::string_view items = result.path.substr(kOptionsInPath.size());
        items = items.substr(0, items.find('/'));
        if (auto read = read_options(items, result.options); !read) return read.error();
    }
    if (auto read = read_options(query, result.options); !read) return read.error();
    return result;
}

}  // namespace llmsnoop::support
