#include "agent/tokens/model_match.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace llmsnoop::tokens {
namespace {

using Text = ModelMatch::Text;

bool matches(const ModelMatch& match, std::string_view name) {
    return match.matches(ModelName(name));
}

TEST(ModelMatch, Texts) {
    EXPECT_TRUE(matches(ModelMatch::text(Text::equals, "gpt-4o"), "GPT-4o"));
    EXPECT_FALSE(matches(ModelMatch::text(Text::equals, "gpt-4o"), "gpt-4o-mini"));
    EXPECT_TRUE(matches(ModelMatch::text(Text::starts_with, "GPT-4o"), "gpt-4o-mini"));
    EXPECT_FALSE(matches(ModelMatch::text(Text::starts_with, "gpt-4o"), "openai/gpt-4o"));
    EXPECT_TRUE(matches(ModelMatch::text(Text::ends_with, ":free"), "x/y:free"));
    EXPECT_TRUE(matches(ModelMatch::text(Text::contains, "claude"), "eu.anthropic.claude-3"));
    EXPECT_FALSE(matches(ModelMatch::text(Text::contains, "claude"), ""));
}

TEST(ModelMatch, RegularExpressions) {
    const auto dated = ModelMatch::regex(R"(^gpt-5\.4-\d{4}-\d{2}-\d{2}$)");
    ASSERT_TRUE(dated);
    EXPECT_TRUE(matches(*dated, "gpt-5.4-2026-03-05"));
    EXPECT_FALSE(matches(*dated, "gpt-5.4-mini-2026-03-05"));
    const auto no_speech = ModelMatch::regex("^(?!.*-tts)");
    ASSERT_TRUE(no_speech);
    EXPECT_FALSE(matches(*no_speech, "gemini-2.5-flash-tts"));
    EXPECT_FALSE(ModelMatch::regex("["));
}

TEST(ModelMatch, Groups) {
    const auto any = ModelMatch::group(ModelMatch::Group::any_of,
                                       {ModelMatch::text(Text::equals, "a"), ModelMatch::text(Text::equals, "b")});
    EXPECT_TRUE(matches(any, "b"));
    EXPECT_FALSE(matches(any, "c"));
    const auto all = ModelMatch::group(ModelMatch::Group::all_of,
                                       {ModelMatch::text(Text::contains, "a"), ModelMatch::text(Text::contains, "b")});
    EXPECT_TRUE(matches(all, "xbxa"));
    EXPECT_FALSE(matches(all, "a"));
}

TEST(ModelMatch, ALongNameIsCutBeforeItIsMatched) {
    EXPECT_TRUE(matches(ModelMatch::text(Text::equals, std::string(256, 'x')), std::string(1'000'000, 'x')));
}

TEST(ModelMatch, AnExpressionThatBacktracksForEverEnds) {
    const auto greedy = ModelMatch::regex("^(a*)*(a|aa)+b$");
    ASSERT_TRUE(greedy);
    EXPECT_FALSE(matches(*greedy, std::string(1'000, 'a')));
    EXPECT_FALSE(ModelMatch::regex("(a)\\1")) << "back-references are refused";
}

}  // namespace
}  // namespace llmsnoop::tokens
