#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "agent/base/sha256.h"
#include "tests/support/event_stream.h"
#include "tests/support/framing_cuts.h"

namespace llmsnoop::support {
namespace {

using model::Framing;
using model::Loss;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(EventStreamFramer, ReadsTheSmallestMessageByteForByte) {
    // 16 bytes: both lengths, no headers, no payload; the checksums were worked out by hand-written code elsewhere.
    const std::string empty("\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff", 16);
    EXPECT_EQ(empty, event_stream_message({}, ""));
    FramerScript script(Framing::event_stream);
    script << empty;
    EXPECT_THAT(script.end(), ElementsAre(event("")));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(EventStreamFramer, DeliversEventsExceptionsAndErrors) {
    FramerScript script(Framing::event_stream);
    script << event_stream_event("contentBlockDelta", "{\"a\":1}")
           << event_stream_message({{":message-type", "exception"},
                                    {":exception-type", "throttlingException"},
                                    {":content-type", "application/json"}},
                                   "{}")
           << event_stream_message(
                  {{":message-type", "error"}, {":error-code", "InternalError"}, {":error-message", "x"}}, "")
           << event_stream_message({{":event-type", "chunk"}}, "{}");
    EXPECT_THAT(script.end(),
                ElementsAre(event("{\"a\":1}", "contentBlockDelta"), exception("{}", "throttlingException"),
                            exception("", "InternalError"), event("{}", "chunk")));
}

TEST(EventStreamFramer, ReadsHeaderValuesOfEveryType) {
    std::string headers;
    const auto add = [&](char type, const std::string& value) { headers += std::string("\x01x") + type + value; };
    add(0, "");
    add(1, "");
    add(2, "1");
    add(3, "12");
    add(4, "1234");
    add(5, "12345678");
    add(6, std::string("\x00\x03", 2) + "abc");
    add(7, std::string("\x00\x00", 2));
    add(8, "12345678");
    add(9, "1234567890123456");
    FramerScript script(Framing::event_stream);
    script << event_stream_raw(headers + event_stream_header(":event-type", "chunk"), "{}");
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "chunk")));
}

TEST(EventStreamFramer, RefusesMalformedHeaders) {
    FramerScript script(Framing::event_stream);
    script << event_stream_raw("\x05", "{}") << event_stream_raw(std::string("\x01x\x0a", 3), "{}")
           << event_stream_raw(std::string("\x01x\x07\xff\xff", 5), "{}") << event_stream_raw("\x01x", "{}")
           << event_stream_event("ok", "{}");
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "ok")));
    EXPECT_EQ(script.lost(Loss::frame_broken), 4U);
}

TEST(EventStreamFramer, PassesOverAMessageWhoseChecksumIsWrong) {
    std::string bad = event_stream_event("a", "{\"a\":1}");
    bad[bad.size() - 6] ^= 1;
    FramerScript script(Framing::event_stream);
    script << bad + event_stream_event("b", "{}");
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "b")));
    EXPECT_EQ(script.lost(Loss::frame_broken), 1U);
    EXPECT_TRUE(script.framer().damaged());
}

TEST(EventStreamFramer, SearchesForTheNextPreludeWhereOneIsWrong) {
    std::string bad = event_stream_event("a", "{\"a\":1}");
    bad[3] ^= 1;
    const std::string input =
        event_stream_event("1", "{}") + bad + event_stream_event("b", "{}") + event_stream_event("c", "{}");
    FramerScript script(Framing::event_stream);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "1"), event("{}", "b"), event("{}", "c")));
    EXPECT_EQ(script.lost(Loss::frame_broken), 1U);
    expect_framing_ignores_cuts(Framing::event_stream, "", input);
}

TEST(EventStreamFramer, GoesOnAfterAGap) {
    const std::string a = event_stream_event("a", "{\"a\":1}");
    FramerScript script(Framing::event_stream);
    script << a << a.substr(0, 20) << gap << a.substr(30) << event_stream_event("b", "{}") << gap
           << event_stream_event("c", "{}");
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":1}", "a"), event("{}", "b"), event("{}", "c")));
    EXPECT_EQ(script.lost(Loss::frame_cut), 2U);
}

TEST(EventStreamFramer, ShowsNothingOfAMessageThatIsCutOff) {
    const std::string a = event_stream_event("a", "{\"a\":1}");
    for (std::size_t size = 1; size < a.size(); ++size) {
        FramerScript script(Framing::event_stream);
        script << a.substr(0, size);
        EXPECT_THAT(script.end(false), IsEmpty());
        EXPECT_EQ(script.lost(Loss::frame_cut), 1U);
        EXPECT_TRUE(script.framer().damaged());
    }
}

TEST(EventStreamFramer, SkipsAnOversizeMessage) {
    const framing::FramerLimits limits{.event_bytes = 100};
    const std::string input = event_stream_event("a", std::string(200, 'x')) + event_stream_event("b", "{}");
    FramerScript script(Framing::event_stream, "", limits);
    script << input;
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "b")));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
    expect_framing_ignores_cuts(Framing::event_stream, "", input, limits);
}

TEST(EventStreamFramer, IsNotMovedByALengthOfFourGigabytes) {
    std::string prelude("\xff\xff\xff\xff\x00\x00\x00\x00", 8);
    prelude += event_stream_checksum(prelude);
    FramerScript script(Framing::event_stream);
    script << prelude << std::string(1'000'000, 'x');
    EXPECT_THAT(script.end(), IsEmpty());
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
}

TEST(EventStreamFramer, IsLinearInGarbageThatLooksLikePreludes) {
    std::string input;
    for (int i = 0; i < 2'500'000; ++i)
        input += std::string("\x00\x00\x01\x00", 4);
    FramerScript script(Framing::event_stream);
    script << input << event_stream_event("b", "{}");
    EXPECT_THAT(script.end(), ElementsAre(event("{}", "b")));
    EXPECT_EQ(script.lost(Loss::frame_broken), 1U);
}

TEST(EventStreamFramer, IsLinearInTinyMessages) {
    std::string input;
    for (int i = 0; i < 1'000'000; ++i)
        input += event_stream_message({}, "");
    FramerScript script(Framing::event_stream);
    script << input;
    EXPECT_THAT(script.end(), SizeIs(1'000'000));
}

TEST(EventStreamFramer, IgnoresCuts) {
    const std::string good = event_stream_event("a", "{\"a\":1}") + event_stream_event("b", "");
    expect_framing_ignores_cuts(Framing::event_stream, "", good);
    expect_framing_ignores_cuts(Framing::event_stream, "", good + "garbage" + good + std::string("\x00\x00\x00", 3));
    expect_framing_ignores_cuts(Framing::event_stream, "", "twelve bytes" + good);
    expect_framing_ignores_cuts(Framing::event_stream, "", std::string(23, '\0') + good + good.substr(0, 13));
}

}  // namespace
}  // namespace llmsnoop::support
