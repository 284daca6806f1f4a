#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/framing_cuts.h"

namespace llmsnoop::support {
namespace {

using model::Framing;
using model::Loss;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(JsonArrayFramer, DeliversElementsAsTheyAreCompleted) {
    FramerScript script(Framing::json_array);
    script << "[{\"a\":1}"
           << "\n,\r\n{\"b\""
           << ":[{}]}"
           << "\n]";
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"b\":[{}]}")));
    EXPECT_THAT(script.times(), ElementsAre(1, 3));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(JsonArrayFramer, IsNotMisledByStrings) {
    const std::string_view elements[] = {R"({"a":"]}],[{"})", R"({"a":"\"}\\"})", R"("a,]\"b")", R"({"\\":"\\\"{"})"};
    std::string input = " \r\n[";
    for (const std::string_view element : elements)
        input.append(element).append(" ,\n");
    input += "]";
    FramerScript script(Framing::json_array);
    script << input;
    EXPECT_THAT(script.end(),
                ElementsAre(event(elements[0]), event(elements[1]), event(elements[2]), event(elements[3])));
}

TEST(JsonArrayFramer, DeliversElementsOfAnyKind) {
    FramerScript script(Framing::json_array);
    script << "[1, -2.5e3 ,null,\"x\",[[]],{}\n,tr"
           << "ue]";
    EXPECT_THAT(script.end(), ElementsAre(event("1"), event("-2.5e3"), event("null"), event("\"x\""), event("[[]]"),
                                          event("{}"), event("true")));
}

TEST(JsonArrayFramer, TakesAWrappedErrorForAnElement) {
    FramerScript script(Framing::json_array);
    script << "[{\n  \"error\": {\n    \"code\": 429\n  }\n}\n]\n";
    EXPECT_THAT(script.end(), ElementsAre(event("{\n  \"error\": {\n    \"code\": 429\n  }\n}")));
}

TEST(JsonArrayFramer, DeliversWhatIsNoArrayAsOneDocument) {
    FramerScript script(Framing::json_array);
    script << " \n{\"error\":"
           << " {}}\n";
    EXPECT_THAT(script.seen(), IsEmpty());
    EXPECT_THAT(script.end(), ElementsAre(body("{\"error\": {}}\n")));
    FramerScript text(Framing::json_array);
    text << "upstream "
         << "error";
    EXPECT_THAT(text.end(false), ElementsAre(truncated(body("upstream error"))));
}

TEST(JsonArrayFramer, MarksAnElementThatIsNotFinished) {
    FramerScript script(Framing::json_array);
    script << "[{\"a\":1},{\"b\":";
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), truncated(event("{\"b\":"))));
    EXPECT_TRUE(script.framer().damaged());
    FramerScript closed(Framing::json_array);
    closed << "[{\"a\":1}\n]"
           << "[{\"b\":2}]";
    EXPECT_THAT(closed.end(), ElementsAre(event("{\"a\":1}")));
}

TEST(JsonArrayFramer, GoesOnAfterAGapAtAnElementThatBeginsALine) {
    FramerScript script(Framing::json_array);
    script << "[{\n  \"a\": 1\n}\n,\n{\n  \"text\": \"cut";
    script << gap << " here ,{ not this\",\n  \"parts\": [\n    {\n    }\n  ]\n}\n,\n{\n  \"c\": 3\n}\n]";
    EXPECT_THAT(script.end(), ElementsAre(event("{\n  \"a\": 1\n}"), event("{\n  \"c\": 3\n}")));
    EXPECT_EQ(script.lost(Loss::frame_cut), 1U);
}

TEST(JsonArrayFramer, GoesOnAfterAGapWhereverTheCommaStands) {
    for (const std::string_view separator : {",\n", "\n,", "\n,\n", "\r\n,\r\n", ",\r\n", "\n, "}) {
        std::string rest = "x\"}";
        rest.append(separator).append("{\"c\":3}").append(separator).append("{\"d\":4}]");
        FramerScript script(Framing::json_array);
        script << "[{\"a\":1},{\"b\":\"" << gap << rest;
        EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"c\":3}"), event("{\"d\":4}")));
    }
}

TEST(JsonArrayFramer, DeliversNothingDoubtfulAfterAGap) {
    FramerScript script(Framing::json_array);
    script << "[{\"a\":1}," << gap << "{\"b\":2},{\"c\":\"x,{\\\"d\\\":4}\"}]";
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}")));
    FramerScript late(Framing::json_array);
    late << gap << "\"}\n,\n{\"b\":2}\n]";
    EXPECT_THAT(late.end(), ElementsAre(event("{\"b\":2}")));
    FramerScript single(Framing::json_array);
    single << "{\"a\"" << gap << ":1}";
    EXPECT_THAT(single.end(), ElementsAre(truncated(body("{\"a\""))));
}

TEST(JsonArrayFramer, SkipsAnOversizeElement) {
    const framing::FramerLimits limits{.event_bytes = 10};
    const std::string input = "[{\"a\":1},{\"b\":\"},{[]0123\"},{\"c\":3},12345678901,5]";
    FramerScript script(Framing::json_array, "", limits);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"c\":3}"), event("5")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 2U);
    expect_framing_ignores_cuts(Framing::json_array, "", input, limits);
}

TEST(JsonArrayFramer, SurvivesNestingWithoutEnd) {
    FramerScript script(Framing::json_array, "", {.event_bytes = 1U << 20});
    for (int i = 0; i < 100; ++i)
        script << std::string(100'000, '[');
    EXPECT_THAT(script.end(), IsEmpty());
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
}

TEST(JsonArrayFramer, IsLinearInTinyElements) {
    std::string input = "[";
    for (int i = 0; i < 1'000'000; ++i)
        input += "{},";
    FramerScript script(Framing::json_array);
    script << input;
    EXPECT_THAT(script.end(), SizeIs(1'000'000));
}

TEST(JsonArrayFramer, IgnoresCuts) {
    for (const std::string_view input :
         {"[{\n  \"a\": \"x\\\"]\"\n}\n,\r\n{\"b\": [1, {}]},\n true, \"s\\\\\" ]\ntrailing", "{\"a\": [1]}\n", "[",
          "[12", "[\"a", "\xEF\xBB\xBF[{}]", "\xEF\xBB[{}]", "  ", "[}{]}[{}]"}) {
        expect_framing_ignores_cuts(Framing::json_array, "", input);
    }
}

}  // namespace
}  // namespace llmsnoop::support
