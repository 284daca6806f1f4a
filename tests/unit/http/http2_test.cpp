// HTTP/2 seen from its beginning: frames, header blocks, streams and how they end.
#include <gtest/gtest.h>

#include "tests/unit/http/http2_peer.h"
#include "tests/unit/http/http_script.h"

namespace llmsnoop::http::test {
namespace {

using namespace std::string_literals;

// A client and a server that have greeted each other.
struct Talk {
    Http2Peer client;
    Http2Peer server;
    Script script = Script().client(kPreface + kSettings).server(kSettings + kSettingsAck).client(kSettingsAck);
};

const std::string kAsked1 = "#1 request GET /1 @api.example\n#1 request as_framed\n";
const std::string kAnswered1 = "#1 response 200\n#1 response \"ok\"\n#1 response as_framed\n";

TEST(Http2, ARequestAndItsResponse) {
    Talk t;
    expect_events(
        t.script
            .client({t.client.request(1, "/v1/chat", End::no), Http2Peer::data(1, "hel"),
                     Http2Peer::data(1, "lo", End::yes)})
            .server({t.server.response(1), Http2Peer::data(1, "data: x\n\n"), Http2Peer::data(1, "", End::yes)}),
        "#1 request POST /v1/chat @api.example\n#1 request \"hello\"\n#1 request as_framed\n"
        "#1 response 200\n#1 response \"data: x\\n\\n\"\n#1 response as_framed\n");
}

TEST(Http2, TheServerMaySpeakFirst) {
    Http2Peer client;
    Http2Peer server;
    expect_events(Script()
                      .server(kSettings)
                      .client({kPreface, kSettings, client.request(1, "/1")})
                      .server({server.response(1), Http2Peer::data(1, "ok", End::yes)}),
                  kAsked1 + kAnswered1);
}

TEST(Http2, TheServerMayBeTheOneThatIsWatched) {
    Http2Peer client;
    Http2Peer server;
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    const std::string bytes = kPreface + kSettings + client.request(1, "/1");
    parser.feed(model::Direction::received, model::StreamBytes{0, {}, base::as_bytes(bytes)},
                [](const model::HttpEvent&) {});
    EXPECT_EQ(parser.protocol(), model::Protocol::http2);
    EXPECT_EQ(parser.request_direction(), model::Direction::received);
}

TEST(Http2, InterleavedStreams) {
    Talk t;
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3", End::no), t.client.request(5, "/5")});
    t.script.server({t.server.response(5), t.server.response(1), Http2Peer::data(1, "a"), Http2Peer::data(5, "x")});
    t.script.client(Http2Peer::data(3, "body", End::yes));
    t.script.server(
        {Http2Peer::data(1, "b", End::yes), t.server.response(3, 404, End::yes), Http2Peer::data(5, "y", End::yes)});
    expect_events(t.script,
                  kAsked1 +
                      "#3 request POST /3 @api.example\n#5 request GET /5 @api.example\n#5 request as_framed\n"
                      "#5 response 200\n#1 response 200\n#1 response \"a\"\n#5 response \"x\"\n"
                      "#3 request \"body\"\n#3 request as_framed\n"
                      "#1 response \"b\"\n#1 response as_framed\n#3 response 404\n#3 response as_framed\n"
                      "#5 response \"y\"\n#5 response as_framed\n");
}

TEST(Http2, HeaderBlocksOverSeveralFramesWithPaddingAndPriority) {
    Talk t;
    const std::string block =
        t.client.block({{":method", "GET"}, {":scheme", "https"}, {":authority", "api.example"}, {":path", "/1"}});
    const std::string padded = "\x03"s + "\x80\0\0\0\x10"s + block.substr(0, 4) + "\0\0\0"s;
    t.script.client(http2_frame(1, 0x01 | 0x08 | 0x20, 1, padded) + http2_frame(9, 0, 1, block.substr(4, 5)) +
                    http2_frame(9, 4, 1, block.substr(9)));
    t.script.server({t.server.response(1), http2_frame(0, 0x08, 1, "\x02ok\0\0"s), http2_frame(0, 0x09, 1, "\x01\0"s)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, PaddingThatContradictsTheLength) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server({t.server.response(1), http2_frame(0, 0x08, 1, "\xffok"s), http2_frame(0, 0x08, 1, ""),
                     Http2Peer::data(1, "ok", End::yes)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, TrailersEndAMessage) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server(
        {t.server.response(1), Http2Peer::data(1, "ok"), t.server.headers(1, {{"grpc-status", "0"}}, End::yes)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, InformationalResponsesArePassedOver) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server({t.server.response(1, 100), t.server.response(1, 103), t.server.response(1),
                     Http2Peer::data(1, "ok", End::yes)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, AResetCutsBothMessagesOff) {
    const std::string reset = http2_frame(3, 0, 1, "\0\0\0\x08"s);
    const auto half = [] {
        Talk t;
        t.script.client({t.client.request(1, "/1", End::no), Http2Peer::data(1, "half")});
        t.script.server({t.server.response(1), Http2Peer::data(1, "ha")});
        return t.script;
    };
    const std::string seen =
        "#1 request POST /1 @api.example\n#1 request \"half\"\n#1 response 200\n#1 response \"ha\"\n"
        "#1 request cut_off\n";
    const std::string rest = Http2Peer::data(1, "lf", End::yes);
    expect_events(half().client(reset).server(rest), seen + "#1 response left\n");  // by who would have read it
    expect_events(half().server(reset).server(rest), seen + "#1 response cut_off\n");
}

// RFC 9113 section 8.1.1: malformed, but for the response to HEAD, and 304.
TEST(Http2, AMessageShorterThanItsContentLengthIsCutOff) {
    const auto answered = [](const std::string& method, const std::string& status, const std::string& data) {
        Talk t;
        t.script.client(t.client.headers(
            1, {{":method", method}, {":scheme", "https"}, {":authority", "api.example"}, {":path", "/1"}}, End::yes));
        t.script.server(
            {t.server.headers(1, {{":status", status}, {"content-length", "2"}}), Http2Peer::data(1, data, End::yes)});
        return t.script;
    };
    expect_events(answered("GET", "200", "ok"), kAsked1 + kAnswered1);
    expect_events(answered("GET", "200", "o"), kAsked1 + "#1 response 200\n#1 response \"o\"\n#1 response cut_off\n");
    expect_events(answered("GET", "304", ""), kAsked1 + "#1 response 304\n#1 response as_framed\n");
    expect_events(answered("HEAD", "200", ""),
                  "#1 request HEAD /1 @api.example\n#1 request as_framed\n#1 response 200\n#1 response as_framed\n");
    Talk t;
    t.script.client(
        {t.client.request(1, "/1", End::no, {{"content-length", "3"}}), Http2Peer::data(1, "ab", End::yes)});
    expect_events(t.script, "#1 request POST /1 @api.example\n#1 request \"ab\"\n#1 request cut_off\n");
}

TEST(Http2, AResetAfterTheResponseEndsTheRequestOnly) {
    Talk t;
    t.script.client(t.client.request(1, "/1", End::no));
    t.script.server({t.server.response(1, 413, End::yes), http2_frame(3, 0, 1, "\0\0\0\0"s)});
    expect_events(t.script,
                  "#1 request POST /1 @api.example\n#1 response 413\n#1 response as_framed\n#1 request cut_off\n");
}

TEST(Http2, GoAwayCutsOffWhatWillNotBeProcessed) {
    Talk t;
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3")});
    t.script.server(
        {http2_frame(7, 0, 0, "\0\0\0\1\0\0\0\0debug"s), t.server.response(1), Http2Peer::data(1, "ok", End::yes)});
    expect_events(t.script,
                  kAsked1 + "#3 request GET /3 @api.example\n#3 request as_framed\n#3 response cut_off\n" + kAnswered1);
}

TEST(Http2, PushedStreamsArePassedOver) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    const std::string promise =
        t.server.block({{":method", "GET"}, {":path", "/pushed"}, {"x-new", "entry in the table"}});
    t.script.server({http2_frame(5, 4, 1, "\0\0\0\2"s + promise),
                     t.server.headers(2, {{":status", "200"}, {"x-new", "entry in the table"}}), t.server.response(1),
                     Http2Peer::data(2, "pushed", End::yes), Http2Peer::data(1, "ok", End::yes)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, OtherFramesArePassedOver) {
    Talk t;
    t.script.client(http2_frame(2, 0, 7, "\0\0\0\0\x10"s) + http2_frame(8, 0, 0, "\0\1\0\0"s) +
                    http2_frame(0xfa, 0xff, 0, "extension"));
    t.script.client({t.client.request(1, "/1"), http2_frame(6, 0, 0, "12345678")});
    t.script.server({http2_frame(6, 1, 0, "12345678"), http2_frame(0x10, 0, 0, ""), t.server.response(1),
                     Http2Peer::data(1, "ok", End::yes)});
    expect_events(t.script, kAsked1 + kAnswered1);
}

TEST(Http2, AResponseThatOvertookItsRequestWaitsForIt) {
    Talk t;
    t.script.server({t.server.response(1), Http2Peer::data(1, "ok", End::yes)});
    t.script.client(t.client.request(1, "/1"));
    expect_events(t.script, kAsked1 + kAnswered1);
    Talk u;
    u.script.server(u.server.response(1, 200, End::yes))
        .at(std::chrono::seconds(2))
        .client(kSettingsAck)
        .server(kSettingsAck);
    expect_events(u.script,
                  "#1 request lost\n#1 request given_up\n#1 response 200 after a gap\n#1 response as_framed\nlost: "
                  "http_unpaired 1\n");
}

TEST(Http2, WhatIsOpenWhenTheConnectionCloses) {
    const auto open = [] {
        Talk t;
        t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3", End::no)});
        t.script.server({t.server.response(1), Http2Peer::data(1, "o")});
        return t.script;
    };
    const std::string seen = kAsked1 + "#3 request POST /3 @api.example\n#1 response 200\n#1 response \"o\"\n";
    expect_events(open().close(), seen + "#1 response cut_off\n#3 request cut_off\n#3 response cut_off\n");
    expect_events(open().close(model::ConnectionClosed::How::released),
                  seen + "#1 response left\n#3 request cut_off\n#3 response left\n");
    expect_events(open().close(model::ConnectionClosed::How::source_ended),
                  seen + "#1 response unfinished\n#3 request unfinished\n#3 response unfinished\n");
    expect_events(open().server_end(), seen + "#1 response cut_off\n#3 response cut_off\n");
}

TEST(Http2, HeadsAreReportedInFull) {
    Talk t;
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    const std::string bytes = kPreface + kSettings +
                              t.client.headers(1, {{":method", "POST"},
                                                   {":scheme", "https"},
                                                   {":path", "/p?q"},
                                                   {"host", "h.example"},
                                                   {"X-Upper", " spaced "},
                                                   {"cookie", "a"},
                                                   {"cookie", "b"}});
    std::shared_ptr<const model::MessageHead> head;
    parser.feed(model::Direction::sent, model::StreamBytes{0, {}, base::as_bytes(bytes)},
                [&](const model::HttpEvent& event) { head = std::get<model::RequestStarted>(event).head; });
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, "POST");
    EXPECT_EQ(head->target, "/p?q");
    EXPECT_EQ(head->authority, "h.example");
    EXPECT_EQ(head->protocol, model::Protocol::http2);
    EXPECT_FALSE(head->lost);
    const std::vector<model::Header> expected{
        {"host", "h.example"}, {"x-upper", "spaced"}, {"cookie", "a"}, {"cookie", "b"}};
    EXPECT_EQ(head->headers, expected);
}

TEST(Http2, DataIsNotCopied) {
    Talk t;
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    const std::string bytes = kPreface + kSettings + t.client.request(1, "/1", End::no) + Http2Peer::data(1, "payload");
    const std::uint8_t* data = nullptr;
    parser.feed(model::Direction::sent, model::StreamBytes{0, {}, base::as_bytes(bytes)},
                [&](const model::HttpEvent& event) {
                    if (const auto* body = std::get_if<model::BodyBytes>(&event)) data = body->bytes.data();
                });
    EXPECT_EQ(data, base::as_bytes(bytes).data() + bytes.find("payload"));
}

TEST(Http2, ATableOfAnotherSize) {
    Talk t;
    t.server.resize_table(60'000);
    std::string bytes;
    std::string expected;
    for (std::uint32_t stream = 1; stream < 60; stream += 2) {
        t.script.client(t.client.request(stream, "/" + std::to_string(stream)));
        t.script.server(t.server.headers(
            stream, {{":status", "200"}, {"x-id", std::string(500, 'x') + std::to_string(stream % 20)}}, End::yes));
        const std::string number = "#" + std::to_string(stream);
        expected += number + " request GET /" + std::to_string(stream) + " @api.example\n" + number +
                    " request as_framed\n" + number + " response 200\n" + number + " response as_framed\n";
    }
    expect_events(t.script, expected);
}

TEST(Http2, UpgradedFromHttp1) {
    Http2Peer client;
    Http2Peer server;
    expect_events(
        Script()
            .client("GET /0 HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 204 N\r\n\r\n")
            .client("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: "
                    "h2c\r\nHTTP2-Settings: \r\n\r\n")
            .server("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + kSettings)
            .client({kPreface, kSettings, client.request(3, "/3")})
            .server({server.response(1), Http2Peer::data(1, "ok", End::yes), server.response(3, 204, End::yes)}),
        "#1 request GET /0\n#1 request as_framed\n#1 response 204\n#1 response as_framed\n"
        "#2 request GET /1 @a\n#2 request as_framed\n"
        "#4 request GET /3 @api.example\n#4 request as_framed\n"
        "#2 response 200\n#2 response \"ok\"\n#2 response as_framed\n#4 response 204\n#4 response as_framed\n");
}

TEST(Http2, WebSocketOverAStream) {
    Talk t;
    t.script.client(t.client.headers(1, {{":method", "CONNECT"},
                                         {":protocol", "websocket"},
                                         {":scheme", "https"},
                                         {":path", "/rt"},
                                         {":authority", "api.example"}}));
    t.script.server({t.server.headers(1, {{":status", "200"}}), Http2Peer::data(1, "\x81\x03one\x81"s)});
    t.script.client(Http2Peer::data(1, "\x81\x83\0\0\0\0two"s));
    t.script.server(Http2Peer::data(1, "\x05three\x88\0"s) + Http2Peer::data(1, "", End::yes));
    t.script.client(Http2Peer::data(1, "", End::yes));
    expect_events(
        t.script,
        "#1 request CONNECT /rt @api.example\n#1 response 200\n#1 response text \"one\"\n#1 request text \"two\"\n"
        "#1 response text \"three\"\n#1 response as_framed\n#1 request as_framed\n");
}

TEST(Http2Hostile, StreamsBeyondTheLimitAreNotFollowed) {
    Limits limits;
    limits.streams = 1;
    Talk t;
    t.script.with(limits);
    t.script.client({t.client.request(1, "/1"), t.client.request(3, "/3", End::no), Http2Peer::data(3, "x", End::yes)});
    t.script.server({t.server.response(3), Http2Peer::data(3, "y", End::yes), t.server.response(1),
                     Http2Peer::data(1, "ok", End::yes)});
    t.script.client(t.client.request(5, "/5"));
    expect_events(t.script, kAsked1 + kAnswered1 +
                                "#5 request GET /5 @api.example\n#5 request as_framed\nlost: http_stream_limit 1\n");
}

TEST(Http2Hostile, AHeaderListLargerThanTheLimitIsCut) {
    Limits limits;
    limits.head_bytes = 200;
    Talk t;
    t.script.with(limits);
    t.script.client(
        t.client.request(1, "/1", End::yes, {{"x-a", std::string(100, 'a')}, {"x-b", std::string(100, 'b')}}));
    expect_events(t.script, kAsked1 + "lost: http_head_limit 1\n");
}

TEST(Http2Hostile, AHeaderBlockLargerThanTheLimitIsLost) {
    Limits limits;
    limits.head_bytes = 100;
    Talk t;
    t.script.with(limits);
    const std::string block = t.client.block({{":method", "GET"}, {":path", "/1"}, {"x", std::string(150, '!')}});
    t.script.client(http2_frame(1, 1, 1, block.substr(0, 60)) + http2_frame(9, 0, 1, block.substr(60, 60)) +
                    http2_frame(9, 4, 1, block.substr(120)));
    t.script.client(http2_frame(1, 5, 3, t.client.block({{":method", "GET"}, {":path", "/1"}})));
    t.script.client(http2_frame(1, 4, 5, std::string(101, '\0')));
    expect_events(t.script,
                  "#1 request lost\n#1 request as_framed\n#3 request GET /1\n#3 request as_framed\n#5 request lost\n"
                  "lost: http_head_limit 2\n");
}

TEST(Http2Hostile, ABlockThatIsNoHpackIsLostAndTheNextOnesAreRead) {
    Talk t;
    t.script.client({http2_frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"s), t.client.request(3, "/3")});
    expect_events(t.script,
                  "#1 request lost\n#1 request as_framed\n#3 request GET /3 @api.example\n#3 request as_framed\n");
}

TEST(Http2Hostile, ReferencesToTheTableDoNotMultiply) {
    Http2Peer client;
    const std::string large = client.block({{":method", "GET"}, {":path", "/1"}, {"x", std::string(2000, 'x')}});
    // 200,000 times the entry that was inserted last, one octet each: 400 MB of header fields.
    std::string bomb = large;
    for (int i = 0; i < 200'000; ++i)
        bomb += '\xbe';
    std::string bytes = kPreface + kSettings + http2_frame(1, 5, 1, bomb);
    const std::string events = Script().client(bytes).play_whole();
    EXPECT_EQ(events, "#1 request GET /1\n#1 request as_framed\nlost: http_head_limit 1\n");
}

TEST(Http2Hostile, FramesBetweenTheFramesOfABlock) {
    Talk t;
    const std::string block = t.client.block({{":method", "GET"}, {":path", "/1"}});
    t.script.client(http2_frame(1, 1, 1, block.substr(0, 1)) + http2_frame(6, 0, 0, "12345678") +
                    http2_frame(9, 4, 1, block.substr(1)));
    t.script.client(t.client.request(3, "/3"));
    expect_events(t.script,
                  "#1 request lost\n#1 request as_framed\n#3 request GET /3 @api.example\n#3 request as_framed\n");
}

TEST(Http2Hostile, WhatIsNoFrameIsSkippedUpToTheNextOnes) {
    Talk t;
    t.script.client(t.client.request(1, "/1"));
    t.script.server({t.server.response(1), Http2Peer::data(1, "o"), http2_frame(0, 0, 0, "data on stream zero"),
                     http2_frame(6, 0, 0, "12345678"), Http2Peer::data(1, "k", End::yes)});
    expect_events(
        t.script,
        kAsked1 +
            "#1 response 200\n#1 response \"o\"\n#1 response gap ?\n#1 response \"k\"\n#1 response as_framed\n"
            "lost: http_desync 1\n");
}

}  // namespace
}  // namespace llmsnoop::http::test
