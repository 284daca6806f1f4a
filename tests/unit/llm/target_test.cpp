#include "agent/llm/target.h"

#include <gtest/gtest.h>

namespace llmsnoop::llm {
namespace {

TEST(Target, MatchesTheEndOfThePath) {
    const Target target("/any/prefix/v1/chat/completions?api-version=2");
    EXPECT_TRUE(target.ends_in("chat/completions"));
    EXPECT_TRUE(target.ends_in("*/completions"));
    EXPECT_TRUE(target.ends_in("completions"));
    EXPECT_FALSE(target.ends_in("v2/chat/completions"));
    EXPECT_FALSE(target.ends_in("at/completions"));
    EXPECT_FALSE(target.ends_in("any/prefix/v1/chat"));
    EXPECT_TRUE(Target("/v1/messages/").ends_in("v1/messages"));
    EXPECT_TRUE(Target("//v1//messages").ends_in("v1/messages"));
    EXPECT_FALSE(Target("/").ends_in("messages"));
    EXPECT_FALSE(Target("").ends_in("messages"));
    EXPECT_TRUE(Target("<BASE>/chat/completions").ends_in("chat/completions"));
    EXPECT_TRUE(Target("http://proxy.example/v1/responses").ends_in("v1/responses"));
    EXPECT_FALSE(Target("http://proxy.example").ends_in("proxy.example"));
}

TEST(Target, ReadsModelsOutOfThePath) {
    EXPECT_EQ(Target("/v1/models/gemini-2.5-pro:generateContent").before_verb(), "gemini-2.5-pro");
    EXPECT_TRUE(Target("/v1/models/gemini-2.5-pro:generateContent").ends_in("*:generateContent"));
    EXPECT_TRUE(Target("/v1/models/gemini-2.5-pro%3AgenerateContent").ends_in("models/*:generateContent"));
    EXPECT_EQ(Target("/v1/models/gemini-2.5-pro%3AgenerateContent").before_verb(), "gemini-2.5-pro");
    EXPECT_EQ(Target("/model/arn%3Aaws%3Abedrock%3A%3A1%3Aprofile%2Fx.y/converse").segment(1),
              "arn:aws:bedrock::1:profile/x.y");
    EXPECT_EQ(Target("/openai/deployments/my%20one/chat/completions").after("deployments/"), "my one");
    EXPECT_EQ(Target("/v1/publishers/anthropic/models/m:rawPredict").after("publishers/"), "anthropic");
    EXPECT_EQ(Target("/x").segment(4), "");
    EXPECT_EQ(Target("/x").after("deployments/"), "");
}

TEST(Target, ReadsParameters) {
    const Target target("/v1/realtime?a&model=gpt%2D4&b=#x");
    EXPECT_EQ(target.parameter("model"), "gpt-4");
    EXPECT_EQ(target.parameter("a"), "");
    EXPECT_EQ(target.parameter("b"), "");
    EXPECT_FALSE(target.parameter("mode"));
}

TEST(Target, DecodesOnlyWhatIsEncoded) {
    EXPECT_EQ(percent_decode("a%20b%2"), "a b%2");
    EXPECT_EQ(percent_decode("%zz%"), "%zz%");
    EXPECT_EQ(percent_decode("%C3%A9"), "\u00e9");
}

}  // namespace
}  // namespace llmsnoop::llm
