#include "agent/tokens/model_family.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsnoop::tokens {
namespace {

std::string_view name(std::string_view model, Api api = Api::chat) {
    return family_of(model, api).name;
}

TEST(ModelFamily, ByPrefix) {
    EXPECT_EQ(name("gpt-4o-mini-2024-07-18"), "gpt-4o");
    EXPECT_EQ(name("gpt-4.1-nano"), "gpt-4.");
    EXPECT_EQ(name("gpt-4-turbo"), "gpt-4");
    EXPECT_EQ(name("gpt-35-turbo"), "gpt-3");
    EXPECT_EQ(name("gpt-5.4-mini-2026-03-05"), "gpt-5");
    EXPECT_EQ(name("gpt-5-chat-latest"), "gpt-5-chat");
    EXPECT_EQ(name("o4-mini"), "o4");
    EXPECT_EQ(name("text-embedding-3-small"), "text-embedding-3");
}

TEST(ModelFamily, WhateverStandsInFront) {
    EXPECT_EQ(name("openai/gpt-4o"), "gpt-4o");
    EXPECT_EQ(name("ft:gpt-4o-mini-2024-07-18:acme::abc"), "gpt-4o");
    EXPECT_EQ(name("us.anthropic.claude-3-7-sonnet-20250219-v1:0"), "claude");
    EXPECT_EQ(name("arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova-lite-v1:0"), "nova");
    EXPECT_EQ(name("models/gemini-2.5-flash"), "gemini");
    EXPECT_EQ(name("Meta-Llama-3.3-70B-Instruct"), "llama-3.3");
    EXPECT_EQ(name("openai.gpt-oss-120b-1:0"), "gpt-oss");
}

TEST(ModelFamily, NewerClaudeHasAnotherTokenizer) {
    EXPECT_EQ(family_of("claude-sonnet-4-6", Api::chat).input.scale, 1.155);
    EXPECT_EQ(family_of("claude-opus-4-7", Api::chat).input.scale, 1.41);
    EXPECT_EQ(family_of("claude-sonnet-5", Api::chat).input.scale, 1.41);
}

TEST(ModelFamily, TheApiMatters) {
    EXPECT_EQ(family_of("gpt-4o", Api::responses).output.base, 1);
    EXPECT_EQ(family_of("gpt-4o", Api::chat).output.base, 0);
}

TEST(ModelFamily, Encodings) {
    EXPECT_EQ(family_of("gpt-4", Api::chat).encoding, Encoding::cl100k_base);
    EXPECT_EQ(family_of("gpt-3.5-turbo", Api::chat).encoding, Encoding::cl100k_base);
    EXPECT_EQ(family_of("gpt-4o", Api::chat).encoding, Encoding::o200k_base);
    EXPECT_EQ(family_of("something new", Api::chat).encoding, Encoding::o200k_base);
}

TEST(ModelFamily, StrangeNames) {
    EXPECT_EQ(name(""), "");
    EXPECT_EQ(name("."), "");
    EXPECT_EQ(name("a.b.c."), "");
    EXPECT_EQ(name("/"), "");
    EXPECT_EQ(name(std::string(100'000, '.')), "");
    EXPECT_EQ(name(std::string(100'000, 'a')), "");
}

}  // namespace
}  // namespace llmsnoop::tokens
