// The choice of a framing, and bodies kept as one document.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_stream.h"
#include "tests/support/framing_cuts.h"

namespace llmsnoop::support {
namespace {

using model::Framing;
using model::Loss;
using testing::ElementsAre;
using testing::IsEmpty;

Framing chosen(std::string_view content_type, std::string_view input) {
    FramerScript script(Framing::automatic, content_type);
    script << input;
    script.end();
    return script.framer().framing();
}

TEST(BodyFramer, DeliversTheBodyAtItsEnd) {
    FramerScript script(Framing::body);
    script << "{\"a\""
           << ":1}"
           << "";
    EXPECT_THAT(script.seen(), IsEmpty());
    EXPECT_THAT(script.end(), ElementsAre(body("{\"a\":1}")));
    EXPECT_THAT(script.times(), ElementsAre(2));
    EXPECT_FALSE(script.framer().damaged());
}

TEST(BodyFramer, HasNoFrameForNoBytes) {
    FramerScript script(Framing::body);
    EXPECT_THAT(script.end(), IsEmpty());
    EXPECT_FALSE(script.framer().damaged());
}

TEST(BodyFramer, KeepsTheBeginning) {
    FramerScript cut_off(Framing::body);
    cut_off << "{\"a\"";
    EXPECT_THAT(cut_off.end(false), ElementsAre(truncated(body("{\"a\""))));
    FramerScript with_gap(Framing::body);
    with_gap << "{\"a\"" << gap << ":1}" << gap;
    EXPECT_THAT(with_gap.end(), ElementsAre(truncated(body("{\"a\""))));
    EXPECT_EQ(with_gap.lost(Loss::frame_cut), 1U);
    FramerScript large(Framing::body, "", {.body_bytes = 6});
    large << "0123"
          << "4567"
          << "89";
    EXPECT_THAT(large.end(), ElementsAre(truncated(body("012345"))));
    EXPECT_EQ(large.lost(Loss::frame_too_large), 1U);
    EXPECT_TRUE(large.framer().damaged());
    FramerScript full(Framing::body, "", {.body_bytes = 6});
    full << "0123"
         << "45";
    EXPECT_THAT(full.end(), ElementsAre(body("012345")));
}

TEST(BodyFramer, LeavesReadablePaddingBehindTheDocument) {
    model::LossCounters losses;
    for (const std::size_t size : {1U, 255U, 256U, 257U, 4096U}) {
        framing::Framer framer(model::Part::request, Framing::body, "", losses);
        const std::string text(size, 'x');
        unsigned sum = 0;
        framer.feed({}, base::as_bytes(text), [](const model::Frame&) { FAIL(); });
        framer.end({}, true, [&](const model::Frame& frame) {
            EXPECT_EQ(frame.part, model::Part::request);
            const std::uint8_t* const behind = frame.document.data() + frame.document.size();
            for (std::size_t i = 0; i < 64; ++i)
                sum += behind[i] == 0 ? 1 : 2;  // AddressSanitizer watches
        });
        EXPECT_GE(sum, 64U);
    }
}

TEST(FramingChoice, GoesByTheContentType) {
    EXPECT_EQ(chosen("text/event-stream; charset=utf-8", "x"), Framing::sse);
    EXPECT_EQ(chosen(" Text/Event-Stream", ": x"), Framing::sse);
    EXPECT_EQ(chosen("application/x-ndjson", "{}"), Framing::json_lines);
    EXPECT_EQ(chosen("application/jsonl", "{}"), Framing::json_lines);
    EXPECT_EQ(chosen("application/stream+json", "{}"), Framing::json_lines);
    EXPECT_EQ(chosen("application/vnd.amazon.eventstream", "x"), Framing::event_stream);
    EXPECT_EQ(chosen("multipart/form-data; boundary=x", "--x"), Framing::multipart);
    EXPECT_EQ(chosen("multipart/form-data", "--x"), Framing::body);
    EXPECT_EQ(chosen("application/json", "{}\n{}"), Framing::body);
    EXPECT_EQ(chosen("application/problem+json", "x"), Framing::body);
    EXPECT_EQ(chosen("image/png", "data: "), Framing::body);
}

TEST(FramingChoice, KnowsTheFramingBeforeAnyByteWhereTheTypeSays) {
    FramerScript script(Framing::automatic, "application/x-ndjson");
    EXPECT_EQ(script.framer().framing(), Framing::json_lines);
    FramerScript later(Framing::automatic, "");
    EXPECT_EQ(later.framer().framing(), Framing::automatic);
}

TEST(FramingChoice, DoesNotBelieveATypeThatTheFirstBytesContradict) {
    EXPECT_EQ(chosen("application/json", "data: {}\n\n"), Framing::sse);
    EXPECT_EQ(chosen("application/json", "\r\nevent: x\n\n"), Framing::sse);
    EXPECT_EQ(chosen("application/json", ": keep-alive\n\n"), Framing::sse);
    EXPECT_EQ(chosen("text/event-stream", "{\"error\":{}}"), Framing::body);
    EXPECT_EQ(chosen("text/event-stream", "\n{\"a\":1}\n{\"b\":2}\n"), Framing::json_lines);
    EXPECT_EQ(chosen("application/vnd.amazon.eventstream", "{\"message\":\"x\"}"), Framing::body);
}

TEST(FramingChoice, LooksAtTheFirstBytesWhereTheTypeSaysNothing) {
    for (const std::string_view type :
         {"", "text/plain; charset=utf-8", "application/octet-stream", "nonsense", "x/y"}) {
        EXPECT_EQ(chosen(type, "data: {}\n\n"), Framing::sse);
        EXPECT_EQ(chosen(type,
                         "\xEF\xBB\xBF"
                         "data:{}\n\n"),
                  Framing::sse);
        EXPECT_EQ(chosen(type, ": x\n\n"), Framing::sse);
        EXPECT_EQ(chosen(type, "event: x\n"), Framing::sse);
        EXPECT_EQ(chosen(type, "id: x\n"), Framing::sse);
        EXPECT_EQ(chosen(type, "retry: 3\n"), Framing::sse);
        EXPECT_EQ(chosen(type, event_stream_event("a", "{}")), Framing::event_stream);
        EXPECT_EQ(chosen(type, std::string(100, '\0')), Framing::body);
        EXPECT_EQ(chosen(type, "dat"), Framing::body);
        EXPECT_EQ(chosen(type, "data"), Framing::body);
        EXPECT_EQ(chosen(type, "dataset"), Framing::body);
        EXPECT_EQ(chosen(type, "[{}]"), Framing::body);
        EXPECT_EQ(chosen(type, ""), Framing::body);
        EXPECT_EQ(chosen(type, std::string(100, ' ') + "data: 1\n\n"), Framing::body);
    }
}

TEST(FramingChoice, FindsJsonLinesOnceTheSecondBegins) {
    FramerScript script(Framing::automatic);
    script << "{\"a\":\"}\\\"\""
           << "}"
           << "\n"
           << "{\"b\""
           << ":2}\n";
    EXPECT_EQ(script.framer().framing(), Framing::json_lines);
    EXPECT_THAT(script.end(), ElementsAre(event("{\"a\":\"}\\\"\"}"), event("{\"b\":2}")));
    EXPECT_THAT(script.times(), ElementsAre(3, 5));
    EXPECT_EQ(chosen("", "{\"a\":1}"), Framing::body);
    EXPECT_EQ(chosen("", "{\"a\":1}\r\n \n"), Framing::body);
    EXPECT_EQ(chosen("", "{\"a\":1}{\"b\":2}"), Framing::body);
    EXPECT_EQ(chosen("", "{\n\"a\":1}\n{\"b\":2}"), Framing::body);
    EXPECT_EQ(chosen("", "{\"a\":1}\r\n\r\n  {"), Framing::json_lines);
    EXPECT_EQ(chosen("", "{\"a\":\"" + std::string(1000, 'x') + "\"}\n{"), Framing::json_lines);
}

TEST(FramingChoice, KeepsTheBodyItWaitedWith) {
    FramerScript script(Framing::automatic, "", {.body_bytes = 8});
    script << "{\"a\":1"
           << "2345678";
    EXPECT_EQ(script.framer().framing(), Framing::body);
    EXPECT_THAT(script.end(), ElementsAre(truncated(body("{\"a\":123"))));
    EXPECT_EQ(script.lost(Loss::frame_too_large), 1U);
}

TEST(FramingChoice, SurvivesGaps) {
    FramerScript held(Framing::automatic);
    held << "{\"a\":1}\n" << gap << "{\"b\":2}\n";
    EXPECT_THAT(held.end(), ElementsAre(truncated(body("{\"a\":1}\n"))));
    FramerScript first(Framing::automatic);
    first << gap << "data: 1\n\ndata: 2\n\n";
    EXPECT_THAT(first.end(), ElementsAre(event("2")));
    FramerScript typed(Framing::automatic, "text/event-stream");
    typed << gap << "{\"text\"}\n\ndata: 2\n\n";
    EXPECT_THAT(typed.end(), ElementsAre(event("2")));
    FramerScript nothing(Framing::automatic);
    nothing << gap;
    EXPECT_THAT(nothing.end(), IsEmpty());
    EXPECT_TRUE(nothing.framer().damaged());
    FramerScript json(Framing::automatic, "application/json");
    json << gap << "\"a\":1}";
    EXPECT_THAT(json.end(), IsEmpty());
    EXPECT_EQ(json.lost(Loss::frame_cut), 1U);
}

TEST(FramingChoice, IgnoresCuts) {
    const std::string message = event_stream_event("a", "{\"a\":1}");
    for (const std::string& input :
         {std::string("data: 1\n\ndata: 2\n\n"), std::string("{\"a\":1}\r\n{\"b\":2}\n"), std::string("{\"a\":1}\n\n"),
          std::string("\xEF\xBB\xBF\n  {\"a\":\"\\\"\"} \n {\"b\":2}"), message + message, std::string(200, '\0'),
          std::string(70, ' ') + "{}\n{}\n", std::string("ret"), std::string("retry"), std::string("retry:1\ndata: 2"),
          "{\"a\":\"" + std::string(100, '\\') + "\"}\n{}", std::string("\xEF\xBB"), std::string("{\n}\n{}")}) {
        for (const std::string_view type :
             {"", "application/json", "text/event-stream", "application/vnd.amazon.eventstream"}) {
            expect_framing_ignores_cuts(Framing::automatic, type, input);
        }
    }
}

}  // namespace
}  // namespace llmsnoop::support
