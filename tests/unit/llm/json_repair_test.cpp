#include "agent/llm/json_repair.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "agent/llm/json_document.h"

namespace llmsnoop::llm {
namespace {

std::string repaired(std::string_view text) {
    std::string out;
    return repair_json(text, out) != Repaired::not_at_all ? out : "no JSON";
}

TEST(JsonRepair, LeavesJsonAlone) {
    for (const std::string_view text :
         {R"({"a":[1,-2.5e3,"x\u00e9\n",null,true,{}],"b":""})", "[]", "\"x\"", "{\"\":0}"}) {
        EXPECT_EQ(repaired(text), text);
    }
}

TEST(JsonRepair, ClosesWhatIsCut) {
    EXPECT_EQ(repaired(R"({"a": [1, 2)"), R"({"a":[1]})");  // the 2 may have been 25
    EXPECT_EQ(repaired(R"({"a": [1, 2,)"), R"({"a":[1,2]})");
    EXPECT_EQ(repaired(R"({"a": "unfini)"), R"({"a":"unfini"})");
    EXPECT_EQ(repaired(R"({"a": 1, "unfini)"), R"({"a":1})");
    EXPECT_EQ(repaired(R"({"a": 1, "b")"), R"({"a":1})");
    EXPECT_EQ(repaired(R"({"a": 1, "b":)"), R"({"a":1})");
    EXPECT_EQ(repaired(R"({"a": 1, "b": tru)"), R"({"a":1})");
    EXPECT_EQ(repaired(R"({"a": {"b": [{"c": 1)"), R"({"a":{"b":[{}]}})");
    EXPECT_EQ(repaired(R"({"a": "x\)"), R"({"a":"x"})");
    EXPECT_EQ(repaired("{"), "{}");
}

TEST(JsonRepair, TellsWhetherAnythingIsMissing) {
    const auto repair = [](std::string_view text) {
        std::string out;
        return repair_json(text, out);
    };
    for (const std::string_view text : {R"({"a":1})", "[NaN, Infinity]", "[1,,2,]", R"({"a":1,})", "\"\xff\"",
                                        R"("\ud800")", "[1 2]", "\"a\nb\"", "  [] \n", R"(["\q"])"})
        EXPECT_EQ(repair(text), Repaired::wholly) << text;
    for (const std::string_view text : {R"({"a":1)",
                                        R"({"a":)",
                                        R"({"a")",
                                        R"({"a":"b)",
                                        "[1, 2",
                                        "[1e999]",
                                        "[",
                                        "\"a",
                                        R"({"a":1}x)",
                                        "[]{}",
                                        R"({"a":"b",)",
                                        R"({"a" 1})",
                                        R"({"a":,"b":1})",
                                        R"({"a":1,b:2})",
                                        R"({{"a":1}})",
                                        R"({"a":})",
                                        R"({"a":12x4})",
                                        "[01]",
                                        "[+7]",
                                        R"({"a":gpt})",
                                        R"({"a":1;"b":2})",
                                        R"(]]{"a":1})",
                                        R"({"a":[1,2}})",
                                        R"(,{"a":1})"})
        EXPECT_EQ(repair(text), Repaired::in_part) << text;
    for (const std::string_view text : {R"({"a":"b")", R"({"a":[{"b":null},{}])", "[[1] "})
        EXPECT_EQ(repair(text), Repaired::unclosed) << text;
    EXPECT_EQ(repair(std::string(1000, '[') + std::string(1000, ']')), Repaired::in_part);
    EXPECT_EQ(repair(""), Repaired::not_at_all);
    EXPECT_EQ(repair("]"), Repaired::not_at_all);
}

TEST(JsonRepair, TranslatesForeignLiterals) {
    EXPECT_EQ(repaired("[NaN, -Infinity, None, True, False, undefined]"), "[null,null,null,true,false,null]");
}

TEST(JsonRepair, MakesNumbersReadable) {
    EXPECT_EQ(repaired("[01, +1, 1., .5, 1e, 1e9999, --1]"), "[null,null,null,null,null,null,null]");
    EXPECT_EQ(repaired("[123456789012345678901]"), "[123456789012345678901.0]");
}

TEST(JsonRepair, MakesStringsReadable) {
    EXPECT_EQ(repaired("[\"a\nb\x01\"]"), R"(["a\u000ab\u0001"])");
    EXPECT_EQ(repaired("[\"\xC3\x28 \xE2\x82 \xED\xA0\x80 \xF5\"]"),
              "[\"\uFFFD( \uFFFD\uFFFD \uFFFD\uFFFD\uFFFD \uFFFD\"]");
    EXPECT_EQ(repaired(R"(["\ud83d\ude00 \ud83d \ude00 \ud83dx"])"), "[\"\\ud83d\\ude00 \uFFFD \uFFFD \uFFFDx\"]");
    EXPECT_EQ(repaired(R"(["\x\u12"])"), R"(["x12"])");
}

TEST(JsonRepair, ForgivesCommas) {
    EXPECT_EQ(repaired("[1,,2,]"), "[1,2]");
    EXPECT_EQ(repaired("[1 2]"), "[1,2]");
    EXPECT_EQ(repaired(R"({"a":1,,"b":2,})"), R"({"a":1,"b":2})");
    EXPECT_EQ(repaired(R"({"a":1 "b":2})"), R"({"a":1,"b":2})");
    EXPECT_EQ(repaired(R"({"a":,"b":2})"), R"({"b":2})");
}

TEST(JsonRepair, FlattensDepth) {
    const std::string text = std::string(1000, '[') + "1" + std::string(1000, ']');
    const std::string out = repaired(text);
    EXPECT_LT(out.size(), 1000U);
    EXPECT_NE(out.find("null"), std::string::npos);
}

TEST(JsonRepair, SaysWhereThereIsNothing) {
    for (const std::string_view text : {"", "   ", "]", ",", ":"})
        EXPECT_EQ(repaired(text), "no JSON") << text;
}

TEST(JsonRepair, ReplacesBytesThatAreNoText) {
    std::string out;
    append_utf8(out, "a\xffz\xe4\xbd\xa0\xe4");
    EXPECT_EQ(out, "a\uFFFDz\u4f60\uFFFD");
}

// Whatever is done to a document, its repair is JSON.
TEST(JsonRepair, AlwaysMakesJson) {
    const std::string seed =
        R"({"id":"x\u00e9\"","choices":[{"index":0,"delta":{"content":"a, b: {c}","tool_calls":[]}}],)"
        R"("usage":{"prompt_tokens":12,"cost":-1.5e-3,"deep":[[[{"a":null}]]],"ok":true}})";
    static constexpr std::string_view kPieces = "{}[]\",:\\u0123456789eE+-. \n\xff\xc3ntf";
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::string text = seed.substr(0, random() % (seed.size() + 1));
        for (unsigned i = random() % 4; i > 0 && !text.empty(); --i) {
            const std::size_t at = random() % text.size();
            switch (random() % 3) {
                case 0:
                    text[at] = kPieces[random() % kPieces.size()];
                    break;
                case 1:
                    text.erase(at, random() % 5);
                    break;
                default:
                    text.insert(at, 1, kPieces[random() % kPieces.size()]);
            }
        }
        std::string out;
        if (repair_json(text, out) == Repaired::not_at_all) continue;
        ASSERT_TRUE(nlohmann::json::accept(out)) << text << "\n" << out;
        JsonDocument document;
        ASSERT_NE(document.parse(text).kind(), Json::Kind::missing) << text;
        ASSERT_LE(out.size(), 6 * text.size() + 2);
    }
}

// A cut never changes a number: what is left of a document has only values that the whole has.
TEST(JsonRepair, ACutInventsNoNumbers) {
    const std::string text = R"({"usage":{"input_tokens":1234,"details":[56,78.5],"output_tokens":91}})";
    for (std::size_t end = 0; end < text.size(); ++end) {
        std::string out;
        if (repair_json(std::string_view(text).substr(0, end), out) == Repaired::not_at_all) continue;
        const nlohmann::json cut = nlohmann::json::parse(out).flatten();
        for (const auto& [path, value] : cut.items()) {
            if (!value.is_number()) continue;
            EXPECT_EQ(value, nlohmann::json::parse(text)[nlohmann::json::json_pointer(path)]) << end;
        }
    }
}

}  // namespace
}  // namespace llmsnoop::llm
