#include "agent/policy/credential_members.h"

#include <gtest/gtest.h>

#include <random>

namespace llmsnoop::policy {
namespace {

std::string masked(std::string text) {
    const std::size_t size = text.size();
    mask_credential_members(text);
    EXPECT_EQ(text.size(), size);
    return text;
}

TEST(CredentialMembers, AreMaskedByTheirNames) {
    EXPECT_EQ(masked(R"({"api_key":"abc","apiKey":"d","X-Api-Key":"e","password" :  "f"})"),
              R"({"api_key":"***","apiKey":"*","X-Api-Key":"*","password" :  "*"})");
    EXPECT_EQ(masked(R"({"token":"a","secret":"b","clientSecret":"c","authorization_token":"d","Cookie":"e"})"),
              R"({"token":"*","secret":"*","clientSecret":"*","authorization_token":"*","Cookie":"*"})");
    EXPECT_EQ(masked(R"({"authorization":"a\"b\\","next":"c"})"), R"({"authorization":"******","next":"c"})");
    EXPECT_EQ(masked(R"({"authorization":"cut off)"), R"({"authorization":"*******)");
}

TEST(CredentialMembers, OthersAreLeftAlone) {
    for (const std::string text :
         {R"({"max_tokens":"5","tokens":"a","betoken":"a","key":"b","idempotency-key":"c","text":"authorization"})",
          R"({"api_key":{"type":"string"},"required":["api_key"],"password":7,"token":null})",
          R"(he said "authorization" and "no": "yes")", R"("token" "a")", R"(token:"a")", R"("token":)", R"("token":")",
          R"({\"token\":"a"})", "", "\""})
        EXPECT_EQ(masked(text), text);
}

TEST(CredentialMembers, AreFoundInStringsWithinStrings) {
    EXPECT_EQ(masked(R"({"a":"{\"token\": \"x\", \"b\": \"{\\\"token\\\":\\\"yz\\\"}\"}","token":"t"})"),
              R"({"a":"{\"token\": \"*\", \"b\": \"{\\\"token\\\":\\\"**\\\"}\"}","token":"*"})");
    EXPECT_EQ(masked(R"("{\"token\":\"a\\\"b\",\"c\":\"d\"}")"), R"("{\"token\":\"******\",\"c\":\"d\"}")");
}

TEST(CredentialMembers, AnyTextIsReadWithoutHarm) {
    std::mt19937 random(3);
    const std::string words[] = {"\"", "\\", ":", "token", "api_key", " ", "{", "}", "x"};
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (unsigned i = random() % 30; i > 0; --i)
            text += words[random() % std::size(words)];
        const std::string once = masked(text);
        EXPECT_EQ(once.find_first_not_of("\"\\:token api_key{}x*"), std::string::npos);
    }
}

}  // namespace
}  // namespace llmsnoop::policy
