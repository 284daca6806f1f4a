// HTTP/2 with bytes missing, or joined late: heads that are lost, data that is kept.
#include <gtest/gtest.h>

#include "agent/http/hpack_decoder.h"
#include "tests/unit/http/http2_peer.h"
#include "tests/unit/http/http_script.h"

namespace llmsnoop::http::test {
namespace {

using namespace std::string_literals;

struct Talk {
    Http2Peer client;
    Http2Peer server;
    Script script = Script().client(kPreface + kSettings).server(kSettings + kSettingsAck).client(kSettingsAck);
};

const std::string kPing = http2_frame(6, 0, 0, "12345678");
const std::string kAsked1 = "#1 request GET /1 @api.example\n#1 request as_framed\n";
const std::string kAsked3 = "#3 request GET /3 @api.example\n#3 request as_framed\n";

TEST(Http2Gap, InsideDataConcernsItsStreamOnly) {
    Talk t;
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3")});
    const std::string data = Http2Peer::data(1, "0123456789");
    t.script.server({t.server.response(1), t.server.response(3), data.substr(0, 12)});
    t.script.server_gap(4).server(data.substr(16) + Http2Peer::data(3, "x", End::yes));
    const std::string last = Http2Peer::data(1, "abcdef", End::yes);
    t.script.server(last.substr(0, 11)).server_gap(4);
    t.script.client(t.client.request(5, "/5"));
    t.script.server(t.server.response(5, 204, End::yes));
    expect_events(
        t.script,
        kAsked1 + kAsked3 +
            "#1 response 200\n#3 response 200\n#1 response \"012\"\n#1 response gap 4\n#1 response \"789\"\n"
            "#3 response \"x\"\n#3 response as_framed\n#1 response \"ab\"\n#1 response gap 4\n#1 response as_framed\n"
            "#5 request GET /5 @api.example\n#5 request as_framed\n#5 response 204\n#5 response as_framed\n");
}

TEST(Http2Gap, InPaddedData) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    const std::string padded = http2_frame(0, 0x08, 1, "\x04"s + "0123456789" + "\0\0\0\0"s);
    t.script.server({t.server.response(1), padded.substr(0, 12)}).server_gap(10).server(padded.substr(22));
    t.script.server(padded.substr(0, 9)).server_gap(3).server(padded.substr(12));
    t.script.server(Http2Peer::data(1, "end", End::yes));
    expect_events(t.script,
                  kAsked1 +
                      "#1 response 200\n#1 response \"01\"\n#1 response gap 8\n#1 response gap ?\n#1 response \"end\"\n"
                      "#1 response as_framed\n");
}

TEST(Http2Gap, InAHeaderBlockLosesThatHead) {
    Talk t;
    const std::string request = t.client.request(1, "/1");
    t.script.client(request.substr(0, 12)).client_gap(5).client(request.substr(17));
    t.script.client(t.client.request(3, "/3"));
    t.script.server({t.server.response(1, 200, End::yes), t.server.response(3, 200, End::yes)});
    expect_events(t.script,
                  "#1 request lost\n#1 request as_framed\n#3 request lost GET /3\n#3 request as_framed\n"
                  "#1 response 200\n#1 response as_framed\n#3 response 200\n#3 response as_framed\n");
}

TEST(Http2Gap, BeyondAFrameConcernsEveryOpenStream) {
    Talk t;
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3"), t.client.request(5, "/5")});
    t.script.server(
        {t.server.response(1), t.server.response(3), Http2Peer::data(1, "one"), Http2Peer::data(3, "all", End::yes)});
    t.script.server_gap(100);
    t.script.server({Http2Peer::data(1, "two"), Http2Peer::data(1, "", End::yes),
                     Http2Peer::data(5, "head lost", End::yes), kPing});
    expect_events(
        t.script,
        kAsked1 + kAsked3 + "#5 request GET /5 @api.example\n#5 request as_framed\n" +
            "#1 response 200\n#3 response 200\n#1 response \"one\"\n#3 response \"all\"\n#3 response as_framed\n"
            "#1 response gap ?\n#1 response \"two\"\n#1 response as_framed\n"
            "#5 response lost after a gap\n#5 response gap ?\n#5 response \"head lost\"\n#5 response as_framed\n");
}

TEST(Http2Gap, AHeadThatComesWholeAfterAGapHasLostNothing) {
    Talk t;
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3")});
    t.script.server({t.server.response(1)}).server_gap(50);
    Http2Peer fresh;  // refers to nothing from before
    t.script.server({kPing, fresh.response(3, 200), Http2Peer::data(3, "x", End::yes)}).close();
    expect_events(t.script, kAsked1 + kAsked3 +
                                "#1 response 200\n#1 response gap ?\n#3 response 200 after a gap\n#3 response "
                                "\"x\"\n#3 response as_framed\n"
                                "#1 response given_up\n");
}

TEST(Http2Gap, InTheMiddleOfAFrameTheNextFramesAreFound) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server(t.server.response(1)).server_gap(50);
    t.script.server({"the rest of some frame, with zeroes \0\0\0\0\0\0\0\0\0\0\0\0\0\0"s, Http2Peer::data(1, "one"),
                     Http2Peer::data(1, "two", End::yes)});
    t.script.close();
    expect_events(t.script,
                  kAsked1 + "#1 response 200\n#1 response gap ?\n#1 response \"onetwo\"\n#1 response as_framed\n");
}

TEST(Http2Gap, TheLastFrameIsFoundWhenTheConnectionCloses) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server(t.server.response(1)).server_gap(50).server("tail" + Http2Peer::data(1, "two", End::yes)).close();
    expect_events(t.script,
                  kAsked1 + "#1 response 200\n#1 response gap ?\n#1 response \"two\"\n#1 response as_framed\n");
}

TEST(Http2Gap, ARequestThatWasSwallowedHasALostHead) {
    Talk t;
    t.script.client_gap(60).client(t.client.request(3, "/3"));
    t.script.client(kPing);
    t.script.server({t.server.response(1), Http2Peer::data(1, "ok", End::yes), t.server.response(3, 204, End::yes)});
    expect_events(
        t.script,
        "#3 request GET /3 @api.example after a gap\n#3 request as_framed\n"
        "#1 request lost\n#1 request given_up\n#1 response 200 after a gap\n#1 response \"ok\"\n#1 response as_framed\n"
        "#3 response 204\n#3 response as_framed\nlost: http_unpaired 1\n");
}

TEST(Http2Gap, WhatStillComesForAStreamThatHasEndedIsNothingNew) {
    Talk t;
    t.script.client(t.client.request(1, "/1", End::no)).server_gap(9).server({kPing, kPing});
    t.script.client(http2_frame(3, 0, 1, "\0\0\0\x08"s)).server(Http2Peer::data(1, "late", End::yes));
    expect_events(t.script, "#1 request POST /1 @api.example\n#1 request cut_off\n#1 response given_up\n");
}

// What is uploaded there looks like frames, but the head before it says more.
TEST(Http2Gap, AtTheBeginningOfHttp1DoesNotMakeItHttp2) {
    const std::string body = kPing + kPing + kPing;
    std::string shown;
    for (int i = 0; i < 3; ++i)
        shown += R"(\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678)";
    expect_events(Script()
                      .client_gap(28)
                      .client("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)
                      .server_gap(19)
                      .server("HTTP/1.1 204 X\r\nServer: a\r\n\r\n")
                      .close(),
                  "#1 request POST /\n#1 request \"" + shown + "\"\n#1 request as_framed\n" +
                      "#1 response 204\n#1 response as_framed\n");
}

// A head of HTTP/1 within the data comes too late to make it that.
TEST(Http2Gap, BeforeItIsRecognisedTheFirstThingFoundDecides) {
    Talk t;
    expect_events(Script()
                      .client_gap(100)
                      .client({t.client.request(1, "/1", End::no), Http2Peer::data(1, "x"), kPing,
                               Http2Peer::data(1, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", End::yes)})
                      .close(),
                  "#1 request POST /1 @api.example after a gap\n"
                  "#1 request \"xGET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n"
                  "#1 request as_framed\n#1 response cut_off\nlost: http_joined_late 1\n");
}

TEST(Http2JoinedLate, BetweenExchangesEverythingIsSeen) {
    Talk t;
    Script late = Script::joined_late();
    late.client({t.client.request(7, "/1"), kPing});
    late.server({t.server.response(7), Http2Peer::data(7, "ok"), Http2Peer::data(7, "", End::yes)});
    expect_events(late,
                  "#7 request GET /1 @api.example\n#7 request as_framed\n#7 response 200\n#7 response \"ok\"\n"
                  "#7 response as_framed\nlost: http_joined_late 1\n");
}

// The tables were filled before: what refers to that is missing from the heads, and the data is all there.
TEST(Http2JoinedLate, HeadsThatReferToWhatWasSaidBeforeAreLost) {
    Talk t;
    t.client.request(1, "/1", End::no, {{"authorization", "Bearer x"}});
    t.server.response(1);
    Script late = Script::joined_late();
    late.client({t.client.request(3, "/v1/messages", End::no, {{"authorization", "Bearer x"}}),
                 Http2Peer::data(3, "question", End::yes)});
    late.server({t.server.response(3), Http2Peer::data(3, "answer"), Http2Peer::data(3, "", End::yes)});
    expect_events(
        late,
        "#3 request lost POST /v1/messages\n#3 request \"question\"\n#3 request as_framed\n#3 response lost 200\n"
        "#3 response \"answer\"\n#3 response as_framed\nlost: http_joined_late 1\n");
}

TEST(Http2JoinedLate, InTheMiddleOfAResponse) {
    Talk t;
    t.client.request(1, "/1");
    Script late = Script::joined_late();
    late.server({"the end of a frame", Http2Peer::data(1, "more"), Http2Peer::data(1, "yet"),
                 Http2Peer::data(1, "end", End::yes)});
    late.client(t.client.request(3, "/3"));
    late.client(kPing);
    late.server({t.server.response(3, 200, End::yes)});
    expect_events(late,
                  "#3 request lost GET /3\n#3 request as_framed\n#1 request lost\n#1 request given_up\n"
                  "#1 response lost after a gap\n#1 response gap ?\n#1 response \"moreyetend\"\n#1 response as_framed\n"
                  "#3 response 200\n#3 response as_framed\nlost: http_joined_late 1\nlost: http_unpaired 1\n");
}

TEST(Http2JoinedLate, WhoSendsDataForLongIsTheOneWhoAnswers) {
    Script late = Script::joined_late();
    late.server({Http2Peer::data(1, "a"), Http2Peer::data(1, "b"), Http2Peer::data(1, "c")});
    late.at(std::chrono::seconds(2)).server(Http2Peer::data(1, "d", End::yes)).server(kPing);
    expect_events(
        late,
        "#1 request lost\n#1 request given_up\n#1 response lost after a gap\n#1 response gap ?\n#1 response \"abcd\"\n"
        "#1 response as_framed\nlost: http_joined_late 1\nlost: http_unpaired 1\n");
}

TEST(Http2JoinedLate, AGuessThatWasWrongIsTakenBack) {
    Talk t;
    Script late = Script::joined_late();
    late.client({Http2Peer::data(1, "a"), Http2Peer::data(1, "b"), Http2Peer::data(1, "c")});
    late.at(std::chrono::seconds(2)).client(Http2Peer::data(1, "d"));
    late.client(t.client.request(3, "/3"));
    late.server({t.server.response(1), t.server.response(3), Http2Peer::data(3, "x", End::yes)});
    expect_events(
        late,
        "#1 request lost\n#1 request given_up\n#1 response lost after a gap\n#1 response gap ?\n#1 response \"abcd\"\n"
        "#1 response given_up\n#3 request GET /3 @api.example\n#3 request as_framed\n"
        "#3 response 200\n#3 response \"x\"\n#3 response as_framed\nlost: http_joined_late 1\nlost: http_unpaired 1\n");
}

TEST(Http2JoinedLate, InTheMiddleOfAnUpload) {
    Talk t;
    Script late = Script::joined_late();
    late.server({t.server.response(1, 100), kPing, kPing});
    late.client({Http2Peer::data(3, "a"), Http2Peer::data(3, "b"), Http2Peer::data(3, "c", End::yes)});
    late.server({t.server.response(3, 200, End::yes), kPing});
    expect_events(late,
                  "#1 request lost\n#1 request given_up\n"
                  "#3 request lost\n#3 request gap ?\n#3 request \"abc\"\n#3 request as_framed\n#3 response 200\n#3 "
                  "response as_framed\n"
                  "lost: http_joined_late 1\nlost: http_unpaired 1\n");
}

TEST(Http2JoinedLate, ZeroesAreNotTakenForFrames) {
    expect_events(Script::joined_late().client(std::string(50'000, '\0')), "");
    expect_events(Script::joined_late()
                      .client(std::string(5000, '\0'))
                      .server("\0\0\0\4\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\4\0\0\0\0\0"s),
                  "");
}

// ---- the header decoder by itself

// Both directions are out of step. A frame of the client is found when the connection ends: until then it may have been
// data. Its requests come before the responses to them that wait already.
TEST(Http2Gap, RequestsFoundAtTheEndComeBeforeTheirResponses) {
    Talk t;
    const std::string broken = http2_frame(4, 0, 0, "bb");
    const std::string long_data = Http2Peer::data(1, std::string(16'000, 'x')).substr(0, 9);
    t.script.client({broken, long_data, t.client.request(3, "/3"), t.client.request(5, "/5")});
    t.script.server({broken, kPing, Http2Peer::data(1, "a"), Http2Peer::data(5, "b", End::yes)}).client_end();
    expect_events(t.script,
                  "#3 request GET /3 @api.example after a gap\n#3 request as_framed\n"
                  "#1 request lost\n#1 request given_up\n#1 response lost after a gap\n#1 response gap ?\n"
                  "#1 response \"a\"\n#5 request GET /5 @api.example\n#5 request as_framed\n"
                  "#5 response lost\n#5 response gap ?\n#5 response \"b\"\n#5 response as_framed\n"
                  "lost: http_desync 2\nlost: http_unpaired 1\n");
}

std::string decoded(HpackDecoder& decoder, std::string_view block) {
    std::string text;
    const auto outcome = decoder.decode(base::as_bytes(block), [&](std::string_view name, std::string_view value) {
        text += std::string(name) + "=" + std::string(value) + " ";
    });
    return text + (outcome == HpackDecoder::Outcome::whole ? "whole" : "partial");
}

TEST(Hpack, EntriesSeenSinceTheTableWasLostAreFound) {
    Http2Peer peer;
    HpackDecoder decoder;
    EXPECT_EQ(decoded(decoder, peer.block({{"a", "1"}, {"b", "2"}})), "a=1 b=2 whole");
    decoder.lose_table();
    EXPECT_EQ(decoded(decoder, peer.block({{"a", "1"}, {"c", "3"}})), "c=3 partial");
    EXPECT_EQ(decoded(decoder, peer.block({{"c", "3"}})), "c=3 whole");
    EXPECT_EQ(decoded(decoder, peer.block({{"b", "2"}, {"c", "3"}})), "c=3 partial");
}

// "b" is inserted with a name from before: the entries behind it must keep their places.
TEST(Hpack, EntriesWhoseNameIsNotKnownKeepTheirPlace) {
    Http2Peer peer;
    HpackDecoder decoder;
    peer.block({{"x-long-name", "1"}});
    decoder.lose_table();
    EXPECT_EQ(decoded(decoder, peer.block({{"a", "1"}, {"x-long-name", "2"}, {"b", "3"}})), "a=1 b=3 partial");
    EXPECT_EQ(decoded(decoder, peer.block({{"b", "3"}, {"a", "1"}})), "b=3 a=1 whole");
    EXPECT_EQ(decoded(decoder, peer.block({{"x-long-name", "2"}, {"b", "3"}})), "b=3 partial");
}

TEST(Hpack, WhatIsCutOffIsPartialAndForgotten) {
    HpackDecoder decoder;
    for (const std::string& block :
         {"\x40"s, "\x40\x05"s, "\x40\x01"s + "a\x7f\xff\xff\xff\xff\xff"s, "\xff\x80\x80\x80\x80\x80\x80"s, "\x80"s}) {
        EXPECT_TRUE(decoded(decoder, block).ends_with("partial"));
        EXPECT_TRUE(decoded(decoder, block).ends_with("partial")) << "also without a known table";
        EXPECT_EQ(decoded(decoder, "\x82"), ":method=GET whole");
    }
}

}  // namespace
}  // namespace llmsnoop::http::test
