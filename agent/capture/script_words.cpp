#include "agent/capture/script_words.h"

#include "agent/capture/script_values.h"

namespace llmsnoop::capture {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

// `at` is behind the opening quote, and afterwards behind the closing one.
base::Result<std::string> quoted(std::string_view line, std::size_t& at) {
    std::string out;
    while (at < line.size()) {
        const char c = line[at++];
        if (c == '"') return out;
        if (c != '\\') {
            out.push_back(c);
            continue;
        }
        const char escape = at < line.size() ? line[at++] : '\0';
        switch (escape) {
            case 'n':
                out.push_back('\n');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case 't':
                out.push_back('\t');
                break;
            case '0':
                out.push_back('\0');
                break;
            case '\\':
            case '"':
                out.push_back(escape);
                break;
            case 'x': {
                const auto byte = script_hex(line.substr(at, 2));
                if (!byte || byte->size() != 1) return base::error("\\x needs two hexadecimal digits");
                out += *byte;
                at += 2;
                break;
            }
            default:
                return base::error("an escape that is none of \\r \\n \\t \\0 \\\" \\\\ \\xHH");
        }
    }
    return base::error("a text without closing quote");
}

// "*3" behind a piece.
base::Result<std::uint64_t> times(std::string_view suffix) {
    if (suffix.empty()) return std::uint64_t{1};
    if (suffix[0] == '*') {
        if (const auto count = script_number(suffix.substr(1))) return *count;
    }
    return base::error("expected a blank or *COUNT behind a piece");
}

}  // namespace

base::Result<std::vector<ScriptWord>> split_script_line(std::string_view line) {
    std::vector<ScriptWord> out;
    std::size_t at = 0;
    const auto rest_of_word = [&] {
        const std::size_t from = at;
        while (at < line.size() && !is_blank(line[at]))
            ++at;
        return line.substr(from, at - from);
    };
    while (true) {
        while (at < line.size() && is_blank(line[at]))
            ++at;
        if (at == line.size() || line[at] == '#') return out;
        ScriptWord word;
        if (line[at] == '"') {
            ++at;
            auto text = quoted(line, at);
            if (!text) return text.error();
            auto count = times(rest_of_word());
            if (!count) return count.error();
            word = {ScriptWord::Kind::quoted, std::move(*text), *count};
        } else if (line[at] == '@') {
            ++at;
            std::string_view name = rest_of_word();
            if (const std::size_t star = name.rfind('*'); star != std::string_view::npos) {
                auto count = times(name.substr(star));
                if (!count) return count.error();
                word.times = *count;
                name = name.substr(0, star);
            }
            word.kind = ScriptWord::Kind::file;
            word.text = name;
        } else {
            word.text = rest_of_word();
        }
        out.push_back(std::move(word));
    }
}

}  // namespace llmsnoop::capture
