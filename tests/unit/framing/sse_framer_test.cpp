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

std::vector<SeenFrame> sse(std::string_view input, bool whole = true) {
    FramerScript script(Framing::sse);
    script << input;
    return script.end(whole);
}

// The examples of WHATWG HTML section 9.2.6.
TEST(SseFramer, ReadsTheExamplesOfTheSpecification) {
    EXPECT_THAT(sse("data: YHOO\ndata: +2\ndata: 10\n\n"), ElementsAre(event("YHOO\n+2\n10")));
    EXPECT_THAT(sse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
                ElementsAre(event("first event"), event("second event"), event(" third event")));
    EXPECT_THAT(sse("data\n\ndata\ndata\n\ndata:"), ElementsAre(event(""), event("\n")));
    EXPECT_THAT(sse("data:test\n\ndata: test\n\n"), ElementsAre(event("test"), event("test")));
}

TEST(SseFramer, NamesEvents) {
    EXPECT_THAT(sse("event: add\ndata: 1\n\nevent:remove\ndata: 2\n\ndata: 3\n\n"),
                ElementsAre(event("1", "add"), event("2", "remove"), event("3")));
    EXPECT_THAT(sse("event: a\nevent: b\ndata: 1\n\n"), ElementsAre(event("1", "b")));
    EXPECT_THAT(sse("event: a\nevent\ndata: 1\n\n"), ElementsAre(event("1")));
    EXPECT_THAT(sse("data: 1\nevent: late\n\n"), ElementsAre(event("1", "late")));
}

TEST(SseFramer, DoesNotDispatchAnEventWithoutDataAndForgetsItsName) {
    EXPECT_THAT(sse("event: ping\n\ndata: 1\n\n"), ElementsAre(event("1")));
    EXPECT_THAT(sse("id: 7\nretry: 100\n\n\n\n"), IsEmpty());
}

TEST(SseFramer, PassesOverCommentsAndUnknownFields) {
    EXPECT_THAT(sse(": OPENROUTER PROCESSING\n\ndata: 1\n: ping\ndata: 2\ndatax: 3\nDATA: 4\n data: 5\n\n"),
                ElementsAre(event("1\n2")));
}

TEST(SseFramer, TakesAllLineEndsEvenMixed) {
    EXPECT_THAT(sse("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\ndata: 4\r\n\ndata: 5\n\r\ndata: 6\r\n\r"),
                ElementsAre(event("1"), event("2"), event("3"), event("4"), event("5"), event("6")));
}

TEST(SseFramer, TakesALineFeedAfterACarriageReturnOfTheLastPieceAsOneLineEnd) {
    FramerScript script(Framing::sse);
    script << "data: 1\r"
           << "\ndata: 2\r"
           << "\n\r";
    EXPECT_THAT(script.seen(), ElementsAre(event("1\n2")));
    script << "\n"
           << "data: 3\r"
           << "\r";
    EXPECT_THAT(script.seen(), ElementsAre(event("1\n2"), event("3")));
}

TEST(SseFramer, PassesOverOneByteOrderMark) {
    EXPECT_THAT(sse("\xEF\xBB\xBF"
                    "data: 1\n\n"),
                ElementsAre(event("1")));
    EXPECT_THAT(sse("\xEF\xBB\xBF\xEF\xBB\xBF"
                    "data: 1\ndata: 2\n\n"),
                ElementsAre(event("2")));
    EXPECT_THAT(sse("\xEF\xBB"
                    "data: 1\ndata: 2\n\n"),
                ElementsAre(event("2")));
}

TEST(SseFramer, DeliversAnUnfinishedEventOfAWholeBody) {
    EXPECT_THAT(sse("data: 1\n\ndata: [DONE]"), ElementsAre(event("1"), event("[DONE]")));
    EXPECT_THAT(sse("event: x\ndata: 1\n"), ElementsAre(event("1", "x")));
    EXPECT_THAT(sse("data: 1\nda"), ElementsAre(event("1")));
    EXPECT_THAT(sse("data: "), IsEmpty());
}

TEST(SseFramer, MarksAnUnfinishedEventOfABodyThatWasCutOff) {
    EXPECT_THAT(sse("data: 1\n\ndata: {\"a\":", false), ElementsAre(event("1"), truncated(event("{\"a\":"))));
    EXPECT_THAT(sse("data: 1\n\nevent: x\n", false), ElementsAre(event("1")));
    FramerScript script(Framing::sse);
    script << "data: 1\n\ndata: 2";
    EXPECT_FALSE(script.framer().damaged());
    script.end(false);
    EXPECT_TRUE(script.framer().damaged());
}

TEST(SseFramer, DeliversAtOnceWhatTheBlankLineCompletes) {
    FramerScript script(Framing::sse);
    script << "data: 1\n"
           << "\n"
           << "event: x\nda"
           << "ta: 2\n\nda"
           << "ta: 3\n\n";
    EXPECT_THAT(script.seen(), ElementsAre(event("1"), event("2", "x"), event("3")));
    EXPECT_THAT(script.times(), ElementsAre(2, 4, 5));
}

TEST(SseFramer, SkipsTheEventCutByAGapAndNoMore) {
    FramerScript script(Framing::sse);
    script << "data: 1\n\ndata: {\"half\"" << gap << ": 2}\n\ndata: 3\n\n";
    EXPECT_THAT(script.end(), ElementsAre(event("1"), event("3")));
    EXPECT_EQ(script.lost(Loss::frame_cut), 1U);
    EXPECT_TRUE(script.framer().damaged());
}

TEST(SseFramer, NeverDeliversHalfAnEventAfterAGap) {
    // The gap may have swallowed the first `data` line of an event.
    FramerScript script(Framing::sse);
    script << "data: 1\n\n" << gap << "\ndata: second half\n\ndata: 3\n\n";
    EXPECT_THAT(script.end(), ElementsAre(event("1"), event("3")));
    FramerScript again(Framing::sse);
    again << "data: 1\r" << gap << "\n\r\n"
          << "data: 2\r\n\r\n"
          << gap << gap << "x\n\ndata: 4";
    EXPECT_THAT(again.end(), ElementsAre(event("2"), event("4")));
    EXPECT_EQ(again.lost(Loss::frame_cut), 2U);
}

TEST(SseFramer, SkipsAnOversizeEventAndDeliversTheNext) {
    const framing::FramerLimits limits{.event_bytes = 20};
    const std::string large = "data: 1\n\ndata: " + std::string(30, 'x') + "\ndata: y\n\nevent: n\ndata: 2\n\n";
    FramerScript script(Framing::sse, "", limits);
    script << large;
    EXPECT_THAT(script.end(), ElementsAre(event("1"), event("2", "n")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
    expect_framing_ignores_cuts(Framing::sse, "", large, limits);
}

TEST(SseFramer, LimitsTheSumOfAllLinesOfAnEventButNotComments) {
    const framing::FramerLimits limits{.event_bytes = 20};
    FramerScript script(Framing::sse, "", limits);
    script << "data: 34567890\ndata: 1\n\n"
           << "data: 34567890\n: a comment of any length is no part of it\n\n";
    script << ": an unfinished "
           << "comment of any length"
           << " also\ndata: 2\n\n"
           << "id: 1234567890\ndata: 3456\n\n";
    EXPECT_THAT(script.end(), ElementsAre(event("34567890"), event("2")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 2U);
}

TEST(SseFramer, HoldsNoMoreOfAnEndlessEventThanTheLimit) {
    FramerScript script(Framing::sse, "", {.event_bytes = 1U << 16});
    script << "data: ";
    const std::string piece(1U << 16, 'x');
    for (int i = 0; i < 1000; ++i)
        script << piece;
    script << "\n\ndata: 1\n\n";
    EXPECT_THAT(script.end(), ElementsAre(event("1")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
}

// Each of these took minutes if a line end of one kind were searched for again at every line of the other.
TEST(SseFramer, IsLinearInTinyEventsWhateverEndsThem) {
    constexpr int kEvents = 1'000'000;
    for (const std::string_view one : {"data:1\n\n", "data:1\r\r", "data:1\r\n\r\n"}) {
        std::string input;
        for (int i = 0; i < kEvents; ++i)
            input += one;
        FramerScript script(Framing::sse);
        script << input;
        EXPECT_THAT(script.end(), SizeIs(kEvents));
    }
    FramerScript script(Framing::sse);
    script << std::string(30'000'000, '\n') << std::string(30'000'000, '\r') << "data: 1";
    EXPECT_THAT(script.end(), ElementsAre(event("1")));
}

TEST(SseFramer, IgnoresCuts) {
    for (const std::string_view input :
         {"data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n",
          "event: message_start\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: ping\r\n\r\nid: 3\r\nevent: x\r\rdata: last",
          "\xEF\xBB\xBF"
          "data\ndata\n\ndata:\n\nevent\nevent: \n\n\r\r\n\n\r: \n:\ndata:  x\r\r\n",
          "\xEF\xBB"
          "data: 1\n\ndata",
          "data: \xE4\xBD\xA0\xE5\xA5\xBD\n\n", "data:a\ndata:", "\r\n\r\n\n\r"}) {
        expect_framing_ignores_cuts(Framing::sse, "", input);
    }
}

TEST(SseFramer, IgnoresCutsOfRandomInput) {
    static constexpr std::string_view kPieces[] = {"data",  ":", " ",    "\n",     "\r",          "\r\n",
                                                   "event", "x", "\n\n", "data: ", "\xEF\xBB\xBF"};
    std::mt19937 random(3);
    for (int round = 0; round < 100; ++round) {
        std::string input;
        for (int i = 0; i < 40; ++i)
            input += kPieces[random() % std::size(kPieces)];
        expect_framing_ignores_cuts(Framing::sse, "", input, {.event_bytes = round % 2 == 0 ? 25U : 1000U});
    }
}

}  // namespace
}  // namespace llmsnoop::support
