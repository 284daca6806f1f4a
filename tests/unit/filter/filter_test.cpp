#include "exporters/filter/filter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace llmsnoop::exporters {
namespace {

const nlohmann::json kRecord = nlohmann::json::parse(R"({
  "time": "2026-11-20T10:00:00.000000000Z",
  "process": {"pid": 100, "comm": "python3"},
  "http": {"status": 429},
  "llm": {"provider": "openai", "stream": true, "tool_calls": ["look_up", "add"], "request_model": "gpt-4o-mini"},
  "usage": {"input_tokens": 3000, "details": {"audio_tokens": 7}}
})");

bool matches(const std::string& text) {
    const auto filter = Filter::parse(text);
    EXPECT_TRUE(filter) << text << ": " << (filter ? "" : filter.error().message);
    return filter && filter->matches(kRecord);
}

TEST(FilterTest, ComparesFields) {
    EXPECT_TRUE(matches(""));
    EXPECT_TRUE(matches(R"(llm.provider == "openai" && usage.input_tokens > 2048 && http.status >= 400)"));
    EXPECT_FALSE(matches("usage.input_tokens > 3000"));
    EXPECT_TRUE(matches("usage.input_tokens >= 3000"));
    EXPECT_TRUE(matches("usage.input_tokens <= 3000.5"));
    EXPECT_TRUE(matches("llm.stream == true"));
    EXPECT_TRUE(matches("llm.provider != 'anthropic'"));
    EXPECT_TRUE(matches("time > '2026-11-20T09'"));
    EXPECT_TRUE(matches("usage.details.audio_tokens == 7"));
}

TEST(FilterTest, CombinesByPrecedence) {
    EXPECT_TRUE(matches("http.status == 1 && http.status == 2 || http.status == 429"));
    EXPECT_FALSE(matches("http.status == 1 && (http.status == 2 || http.status == 429)"));
    EXPECT_TRUE(matches("!(http.status < 400)"));
    EXPECT_FALSE(matches("!!(http.status < 400)"));
}

TEST(FilterTest, LooksIntoLists) {
    EXPECT_TRUE(matches("llm.tool_calls == 'add'"));
    EXPECT_FALSE(matches("llm.tool_calls == 'subtract'"));
    EXPECT_TRUE(matches("llm.tool_calls ~ 'look*'"));
    EXPECT_TRUE(matches("http.status in [400, 429]"));
    EXPECT_FALSE(matches("http.status in [400]"));
}

TEST(FilterTest, TreatsUnknownAsUnknown) {
    EXPECT_FALSE(matches("usage.output_tokens == 0"));
    EXPECT_FALSE(matches("usage.output_tokens != 0"));
    EXPECT_FALSE(matches("usage.output_tokens < 10"));
    EXPECT_FALSE(matches("has(usage.output_tokens)"));
    EXPECT_TRUE(matches("has(usage.input_tokens)"));
    EXPECT_TRUE(matches("!(usage.output_tokens == 0)"));
}

TEST(FilterTest, KnowsGlobs) {
    EXPECT_TRUE(glob_matches("gpt-4*", "gpt-4o-mini"));
    EXPECT_TRUE(glob_matches("*mini", "gpt-4o-mini"));
    EXPECT_TRUE(glob_matches("*4o*", "gpt-4o-mini"));
    EXPECT_TRUE(glob_matches("gpt-?o-*", "gpt-4o-mini"));
    EXPECT_FALSE(glob_matches("gpt", "gpt-4o-mini"));
    EXPECT_FALSE(glob_matches("?", ""));
    EXPECT_TRUE(glob_matches("**", ""));
    // Not exponential in the number of stars.
    EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(20'000, 'a')));
}

TEST(FilterTest, SaysWhatIsWrongAndWhere) {
    const struct {
        const char *text, *message;
    } cases[] = {
        {"llm.providr == 'x'", "column 1: a field of the record is wanted, found 'llm.providr'"},
        {"http.status = 200", "column 13: ==, !=, <, <=, >, >=, ~ or in is wanted, found '='"},
        {"http.status == ", "column 16: a quoted text, a number, true or false is wanted, found the end"},
        {"http.status == 200 http", "column 20: &&, || or the end is wanted, found 'http'"},
        {"(http.status == 200", "column 20: ')' is wanted, found the end"},
        {"llm.provider == \"open", "a quoted text"},
        {"llm.provider ~ 5", "column 16: a quoted pattern is wanted, found '5'"},
        {"http.status == 20x0", "a number is wanted"},
    };
    for (const auto& one : cases) {
        const auto filter = Filter::parse(one.text);
        ASSERT_FALSE(filter) << one.text;
        EXPECT_EQ(filter.error().kind, base::Error::Kind::usage);
        EXPECT_NE(filter.error().message.find(one.message), std::string::npos) << filter.error().message;
    }
}

TEST(FilterTest, BoundsItsDepth) {
    EXPECT_FALSE(Filter::parse(std::string(10'000, '(') + "has(http.status)" + std::string(10'000, ')')));
    EXPECT_FALSE(Filter::parse(std::string(10'000, '!') + "has(http.status)"));
    std::string chain = "has(http.status)";
    for (int i = 0; i < 20'000; ++i)
        chain += " || has(http.status)";
    EXPECT_FALSE(Filter::parse(chain));
}

TEST(FilterTest, ReadsLines) {
    const auto filter = Filter::parse("http.status == 200");
    EXPECT_TRUE(filter->matches_line(R"({"http":{"status":200}})"));
    EXPECT_FALSE(filter->matches_line(R"({"http":{"status":500}})"));
    EXPECT_FALSE(filter->matches_line("no json"));
}

}  // namespace
}  // namespace llmsnoop::exporters
