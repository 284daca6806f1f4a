// The filter language. Input: a filter, then after a newline the text of a record.
//   - a filter is read, or refused with the column;
//   - what it says of a record obeys logic: !(a) is true where a is not, (a) && (a) and (a) || (a) are a;
//   - a pattern matches what a plain table of all prefixes says it does.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/filter/filter.h"

namespace {

using llmsnoop::exporters::Filter;
using llmsnoop::exporters::glob_matches;
namespace base = llmsnoop::base;

constexpr std::string_view kRecord =
    R"({"process":{"comm":"python3","pid":1},"llm":{"provider":"openai","tool_calls":["a","b"],"stream":true},)"
    R"("usage":{"input_tokens":13,"details":{"x":2.5}},"http":{"status":200},"timing":{"ttft_ms":1e3}})";

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

bool glob_by_table(std::string_view pattern, std::string_view text) {
    // row[i]: does the pattern so far match the first i characters?
    std::vector<bool> row(text.size() + 1, false);
    row[0] = true;
    for (const char one : pattern) {
        std::vector<bool> next(text.size() + 1, false);
        next[0] = one == '*' && row[0];
        for (std::size_t i = 1; i <= text.size(); ++i)
            next[i] = one == '*' ? next[i - 1] || row[i] : row[i - 1] && (one == '?' || one == text[i - 1]);
        row = std::move(next);
    }
    return row[text.size()];
}

void check_logic(const std::string& text, const Filter& filter, std::string_view line) {
    const bool matched = filter.matches_line(line);
    const std::string inner = "(" + text + ")";
    // One level deeper, so it may be refused where the filter itself was not.
    if (const auto both = Filter::parse(inner + " && " + inner))
        require(both->matches_line(line) == matched, "a && a is a");
    if (const auto either = Filter::parse(inner + " || " + inner))
        require(either->matches_line(line) == matched, "a || a is a");
    if (const auto negation = Filter::parse("!" + inner); negation && !filter.matches_everything()) {
        // What is no record does not match, whatever is asked.
        const bool is_record = Filter::parse("!has(id) || has(id)")->matches_line(line);
        require(negation->matches_line(line) == (is_record && !matched), "!a is not a");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t newline = std::min(input.find('\n'), size);
    const std::string text(input.substr(0, newline));
    const std::string_view line = newline < size ? input.substr(newline + 1) : kRecord;

    if (text.size() <= 256 && line.size() <= 1024)
        require(glob_matches(text, line) == glob_by_table(text, line), "a pattern matches by its definition");
    const auto filter = Filter::parse(text);
    if (!filter) {
        require(filter.error().kind == base::Error::Kind::usage, "a filter that cannot be read is a usage error");
        require(filter.error().message.starts_with("filter, column "), "the error names the column");
        return 0;
    }
    check_logic(text, *filter, kRecord);
    check_logic(text, *filter, line);
    return 0;
}
