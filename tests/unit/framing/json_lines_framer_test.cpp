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

TEST(JsonLinesFramer, DeliversEveryLineThatIsNotBlank) {
    FramerScript script(Framing::json_lines);
    script << "{\"a\":1}\n\n  \r\n{\"b\":2}\r\n\t{\"c\":3} \n[4]\n";
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"b\":2}"), event("{\"c\":3}"), event("[4]")));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(JsonLinesFramer, DeliversTheLastLineWithoutALineFeed) {
    FramerScript whole(Framing::json_lines);
    whole << "{}\n{\"a\""
          << ":1}";
    EXPECT_THAT(whole.end(true), ElementsAre(event("{}"), event("{\"a\":1}")));
    FramerScript cut(Framing::json_lines);
    cut << "{}\n{\"a\"";
    EXPECT_THAT(cut.end(false), ElementsAre(event("{}"), truncated(event("{\"a\""))));
    EXPECT_TRUE(cut.framer().damaged());
}

TEST(JsonLinesFramer, DeliversALineWhenItsLineFeedComes) {
    FramerScript script(Framing::json_lines);
    script << "{\"a\""
           << ":1}"
           << "\n{"
           << "}\n";
    EXPECT_THAT(script.seen(), ElementsAre(event("{\"a\":1}"), event("{}")));
    EXPECT_THAT(script.times(), ElementsAre(3, 4));
}

TEST(JsonLinesFramer, SkipsTheLineCutByAGap) {
    FramerScript script(Framing::json_lines);
    script << "{\"a\":1}\n{\"b\"" << gap << ":2}\n{\"c\":3}\n" << gap << "{\"d\":4}\n{\"e\":5}";
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"c\":3}"), event("{\"e\":5}")));
    EXPECT_EQ(script.lost(Loss::frame_cut), 2U);
    EXPECT_TRUE(script.framer().damaged());
}

TEST(JsonLinesFramer, SkipsAnOversizeLine) {
    const framing::FramerLimits limits{.event_bytes = 10};
    const std::string input = "{\"a\":1}\n{\"b\":12345}\n{\"c\":3}\n0123456789\n01234567890";
    FramerScript script(Framing::json_lines, "", limits);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}"), event("{\"c\":3}"), event("0123456789")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 2U);
    expect_framing_ignores_cuts(Framing::json_lines, "", input, limits);
}

TEST(JsonLinesFramer, IsLinearInTinyLines) {
    std::string input;
    for (int i = 0; i < 1'000'000; ++i)
        input += "{}\n";
    FramerScript script(Framing::json_lines);
    script << input;
    EXPECT_THAT(script.end(), SizeIs(1'000'000));
}

TEST(JsonLinesFramer, IgnoresCuts) {
    for (const std::string_view input :
         {"{\"a\":1}\n{\"b\":2}\r\n\r\n\n  {\"c\":3}", "\xEF\xBB\xBF{}\n{}\n", "\xEF\xBB{}\n{}\n", "\n\n", "{}"}) {
        expect_framing_ignores_cuts(Framing::json_lines, "", input);
    }
    FramerScript script(Framing::json_lines);
    script << "\xEF\xBB\xBF"
           << "";
    EXPECT_THAT(script.end(), IsEmpty());
}

}  // namespace
}  // namespace llmsnoop::support
