#include "agent/llm/json.h"

#include <gtest/gtest.h>

#include "agent/llm/json_document.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

TEST(Json, MissingValuesAnswerEverythingWithNothing) {
    const Json nothing;
    EXPECT_EQ(nothing.kind(), Json::Kind::missing);
    EXPECT_FALSE(nothing);
    EXPECT_FALSE(nothing["a"]["b"].at(3).text());
    EXPECT_FALSE(nothing.count());
    EXPECT_FALSE(nothing.truth());
    EXPECT_EQ(nothing.size(), 0U);
    nothing.each([](Json) { FAIL(); });
    std::string out;
    EXPECT_TRUE(nothing.write(out, 10));
    EXPECT_EQ(out, "");
}

TEST(Json, ReadsAPath) {
    JsonDocument document;
    const Json root = document.parse(R"({"a": [1, {"b": "text"}], "n": null, "t": true})");
    EXPECT_EQ(root["a"].at(1)["b"].text(), "text");
    EXPECT_EQ(root["a"].at(0).count(), 1U);
    EXPECT_EQ(root["t"].truth(), true);
    EXPECT_EQ(root["n"].kind(), Json::Kind::null);
    EXPECT_FALSE(root["n"]);
    EXPECT_FALSE(root["a"].at(2));
    EXPECT_FALSE(root["a"]["b"]);
    EXPECT_EQ(root.size(), 3U);
}

TEST(Json, TheLastOfSeveralMembersCounts) {
    JsonDocument document;
    EXPECT_EQ(document.parse(R"({"a": 1, "b": 0, "a": 2})")["a"].count(), 2U);
}

TEST(Json, CountsAreWholeAndNotNegative) {
    JsonDocument document;
    const Json root = document.parse(R"([7, 7.0, 7.5, -1, 1e3, 18446744073709551615, "7", 0, -0.0])");
    const std::vector<std::optional<std::uint64_t>> want{
        7, 7, std::nullopt, std::nullopt, 1000, std::nullopt, std::nullopt, 0, 0};
    for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_EQ(root.at(i).count(), want[i]) << i;
    EXPECT_EQ(root.at(2).number(), 7.5);
}

TEST(Json, WritesCompactTextWithinALimit) {
    JsonDocument document;
    const Json root = document.parse("{ \"a\" : [ 1 , -2.5 , \"x\\n\\u0001\\\"\\\\\" , null , false ] }");
    std::string out;
    EXPECT_TRUE(root.write(out, 1000));
    EXPECT_EQ(out, R"({"a":[1,-2.5,"x\n\u0001\"\\",null,false]})");
    out.clear();
    EXPECT_FALSE(root.write(out, 5));
}

TEST(JsonDocument, DocumentsMayBeNested) {
    JsonDocument outer;
    const Json root = outer.parse(R"({"inner": "{\"deep\": [1, 2, 3]}"})");
    JsonDocument inner;
    EXPECT_EQ(inner.parse(*root["inner"].text())["deep"].at(2).count(), 3U);
    EXPECT_TRUE(root["inner"].text()->starts_with('{'));
}

TEST(JsonDocument, RepairsWhatPeersSend) {
    JsonDocument document;
    EXPECT_EQ(document.parse("{\"a\": NaN, \"b\": 3}")["b"].count(), 3U);
    EXPECT_EQ(document.parse("{\"a\": \"\xff\xfe\", \"b\": 3}")["b"].count(), 3U);
    EXPECT_EQ(document.parse(R"({"a": "\ud83d", "b": 3})")["b"].count(), 3U);
    EXPECT_EQ(document.parse("\xEF\xBB\xBF{\"b\": 3}")["b"].count(), 3U);
    EXPECT_EQ(document.parse("{\"b\": 3} and more")["b"].count(), 3U);
    EXPECT_EQ(document.parse("{\"a\": 123456789012345678901234567890, \"b\": 3}")["b"].count(), 3U);
}

TEST(JsonDocument, NestingWithoutEndIsNoTrouble) {
    constexpr std::size_t kDepth = 100'000;
    JsonDocument document;
    std::string text = "{\"deep\": " + std::string(kDepth, '[') + std::string(kDepth, ']') + ", \"b\": 3}";
    EXPECT_EQ(document.parse(text)["b"].count(), 3U);
    text = std::string(kDepth, '[');
    EXPECT_TRUE(document.parse(text).is_array());
    text = "{\"b\": 3, \"deep\": ";
    for (std::size_t i = 0; i < kDepth; ++i)
        text += "{\"a\":[";
    EXPECT_EQ(document.parse(text)["b"].count(), 3U);
}

TEST(JsonDocument, RefusesWhatIsNoJson) {
    JsonDocument document;
    for (const std::string_view text : {"", " ", "hello", "]", "<html>", "\"", "nul"}) {
        EXPECT_EQ(document.parse(text).kind() > Json::Kind::null && document.parse(text).kind() != Json::Kind::text,
                  false)
            << text;
    }
}

TEST(JsonDocument, RefusesMoreBracketsThanMemoryAllows) {
    JsonDocument document;
    std::string text(limits::kStructurals * 2 + 2, ',');
    for (std::size_t i = 0; i < text.size(); i += 2)
        text[i] = '0';
    EXPECT_EQ(document.parse("[" + text + "0]").kind(), Json::Kind::missing);
    EXPECT_EQ(document.parse("[" + std::string(limits::kDocumentBytes, ' ') + "]").kind(), Json::Kind::missing);
}

}  // namespace
}  // namespace llmsnoop::llm
