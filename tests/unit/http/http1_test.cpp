// HTTP/1.1 without losses: how messages are told apart, where bodies end, which response answers which request.
#include <gtest/gtest.h>

#include "tests/unit/http/http_script.h"

namespace llmsnoop::http::test {
namespace {

TEST(Http1, ARequestAndItsResponse) {
    expect_events(Script()
                      .client("POST /v1/chat?x=1 HTTP/1.1\r\nHost: api.example\r\nContent-Length: 5\r\n\r\nhello")
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
                  "#1 request POST /v1/chat?x=1 @api.example\n"
                  "#1 request \"hello\"\n"
                  "#1 request as_framed\n"
                  "#1 response 200\n"
                  "#1 response \"yes\"\n"
                  "#1 response as_framed\n");
}

TEST(Http1, TheServerMayBeTheOneThatIsWatched) {
    expect_events(
        Script().server("GET / HTTP/1.1\r\nHost: me\r\n\r\n").client("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "#1 request GET / @me\n"
        "#1 request as_framed\n"
        "#1 response 200\n"
        "#1 response \"ok\"\n"
        "#1 response as_framed\n");
}

TEST(Http1, KeepAliveNumbersExchanges) {
    expect_events(Script()
                      .client("GET /1 HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
                      .client("GET /2 HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nb"),
                  "#1 request GET /1\n#1 request as_framed\n"
                  "#1 response 200\n#1 response \"a\"\n#1 response as_framed\n"
                  "#2 request GET /2\n#2 request as_framed\n"
                  "#2 response 404\n#2 response \"b\"\n#2 response as_framed\n");
}

TEST(Http1, PipelinedRequestsAreAnsweredInOrder) {
    expect_events(
        Script()
            .client("GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\n"
                    "HTTP/1.1 203 C\r\nContent-Length: 1\r\n\r\nc"),
        "#1 request GET /1\n#1 request as_framed\n"
        "#2 request POST /2\n#2 request \"hi\"\n#2 request as_framed\n"
        "#3 request GET /3\n#3 request as_framed\n"
        "#1 response 201\n#1 response as_framed\n"
        "#2 response 202\n#2 response as_framed\n"
        "#3 response 203\n#3 response \"c\"\n#3 response as_framed\n");
}

TEST(Http1, ChunkedBodiesWithExtensionsAndTrailers) {
    expect_events(
        Script()
            .client(
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;name=\"v;a\"\r\nabc\r\n0A \r\n0123456789\r\n"
                "0\r\nX-Trailer: 1\r\nY: 2\r\n\r\nGET /next HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n00\r\n\r\n"),
        "#1 request POST /\n#1 request \"abc0123456789\"\n#1 request as_framed\n"
        "#2 request GET /next\n#2 request as_framed\n"
        "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n");
}

TEST(Http1, InformationalResponsesArePassedOver) {
    expect_events(
        Script()
            .client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            .server("HTTP/1.1 100 Continue\r\n\r\n")
            .client("hi")
            .server("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        "#1 request POST /\n#1 request \"hi\"\n#1 request as_framed\n#1 response 200\n#1 response as_framed\n");
}

TEST(Http1, ResponsesWithoutABody) {
    expect_events(
        Script()
            .client("HEAD /h HTTP/1.1\r\n\r\nGET /n HTTP/1.1\r\n\r\nGET /m HTTP/1.1\r\n\r\nGET /z HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"),
        "#1 request HEAD /h\n#1 request as_framed\n#2 request GET /n\n#2 request as_framed\n"
        "#3 request GET /m\n#3 request as_framed\n#4 request GET /z\n#4 request as_framed\n"
        "#1 response 200\n#1 response as_framed\n#2 response 204\n#2 response as_framed\n"
        "#3 response 304\n#3 response as_framed\n#4 response 200\n#4 response \"z\"\n#4 response as_framed\n");
}

TEST(Http1, AResponseMayComeBeforeTheRequestHasEnded) {
    expect_events(Script()
                      .client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf ")
                      .server("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
                      .client("whole")
                      .client("GET /2 HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 204 N\r\n\r\n"),
                  "#1 request POST /\n#1 request \"half \"\n"
                  "#1 response 413\n#1 response \"no\"\n#1 response as_framed\n"
                  "#1 request \"whole\"\n#1 request as_framed\n"
                  "#2 request GET /2\n#2 request as_framed\n#2 response 204\n#2 response as_framed\n");
}

TEST(Http1, ABodyCanEndWithTheConnection) {
    const auto exchange = [] {
        return Script().client("GET / HTTP/1.0\r\n\r\n").server("HTTP/1.0 200 OK\r\n\r\nall of it");
    };
    const std::string seen = "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response \"all of it\"\n";
    using How = model::ConnectionClosed::How;
    expect_events(exchange().close(), seen + "#1 response by_close\n");
    expect_events(exchange().server_end(), seen + "#1 response by_close\n");
    expect_events(exchange().server_end().close(How::reset), seen + "#1 response by_close\n");
    expect_events(exchange().close(How::reset), seen + "#1 response cut_off\n");
    expect_events(exchange().close(How::released), seen + "#1 response left\n");  // there may have been more to read
    expect_events(exchange().server_end().close(How::released), seen + "#1 response by_close\n");
    expect_events(exchange().close(How::process_ended), seen + "#1 response left\n");
    expect_events(exchange().close(How::source_ended), seen + "#1 response unfinished\n");
    expect_events(exchange().server_gap(3).close(), seen + "#1 response gap 3\n#1 response given_up\n");
}

TEST(Http1, WhatIsOpenWhenTheConnectionClosesIsCutOff) {
    expect_events(Script()
                      .client("POST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe")
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                      .close(),
                  "#1 request POST /1\n#1 request \"he\"\n#1 response 200\n#1 response \"half\"\n"
                  "#1 request cut_off\n#1 response cut_off\n");
    expect_events(Script().client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").close(),
                  "#1 request GET /1\n#1 request as_framed\n#2 request GET /2\n#2 request as_framed\n"
                  "#1 response cut_off\n#2 response cut_off\n");
    expect_events(Script().client("GET /1 HTTP/1.1\r\n\r\n").close(model::ConnectionClosed::How::source_ended),
                  "#1 request GET /1\n#1 request as_framed\n#1 response unfinished\n");
    expect_events(Script().client("GET /1 HTTP/1.1\r\nHost: half a he").close(), "");
}

TEST(Http1, HalfClosedByTheClientTheServerStillAnswers) {
    expect_events(
        Script()
            .client("GET / HTTP/1.1\r\n\r\n")
            .client_end()
            .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            .server_end()
            .close(),
        "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response \"x\"\n#1 response as_framed\n");
}

TEST(Http1, WhatRealPeersTolerateIsTolerated) {
    expect_events(
        Script()
            .client(
                "\r\n\r\nGET /lf HTTP/1.1\nHOST:  spaced.example \t\nX-Folded: one\n  two\n\tthree\nno colon\n\n\r\n"
                "GET /after HTTP/1.1\r\nContent-Length : 2\r\n\r\nab")
            .server("\r\nHTTP/1.1 200\nContent-Length: 1\n\nxHTTP/1.1 200 \r\nContent-Length: 2,2\r\n"
                    "Content-Length: 2\r\n\r\nyy"),
        "#1 request GET /lf @spaced.example\n#1 request as_framed\n"
        "#2 request GET /after\n#2 request \"ab\"\n#2 request as_framed\n"
        "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n"
        "#2 response 200\n#2 response \"yy\"\n#2 response as_framed\n");
}

TEST(Http1, BareLineFeedsInChunks) {
    expect_events(
        Script().client("GET / HTTP/1.1\n\n").server("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n"),
        "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response \"abc\"\n#1 response as_framed\n");
}

TEST(Http1, TargetsInAllForms) {
    expect_events(Script().client("GET http://proxy.example:8080/p?q HTTP/1.1\r\nHost: other\r\n\r\n"
                                  "GET http://bare.example HTTP/1.1\r\n\r\nGET http://q.example?a=b HTTP/1.1\r\n\r\n"
                                  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\nGET /a b HTTP/1.1\r\n\r\n"),
                  "#1 request GET /p?q @proxy.example:8080\n#1 request as_framed\n"
                  "#2 request GET / @bare.example\n#2 request as_framed\n"
                  "#3 request GET /?a=b @q.example\n#3 request as_framed\n"
                  "#4 request OPTIONS * @h\n#4 request as_framed\n"
                  "#5 request GET /a b\n#5 request as_framed\n");
}

TEST(Http1, TransferEncodingGoesBeforeContentLength) {
    expect_events(
        Script()
            .client("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nuntil close")
            .close(),
        "#1 request POST /\n#1 request \"abcde\"\n#1 request as_framed\n"
        "#1 response 200\n#1 response \"until close\"\n#1 response by_close\n");
}

TEST(Http1, ABodyWhoseEndCannotBeToldIsGivenUp) {
    expect_events(Script()
                      .client("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")
                      .server("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
                      .client("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                  "#1 request POST /\n#1 request given_up\n#1 response 400\n#1 response as_framed\n"
                  "#2 request GET /2 @x\n#2 request as_framed\n#2 response 200\n#2 response as_framed\n"
                  "lost: http_desync 1\n");
    expect_events(
        Script().client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc"),
        "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response given_up\nlost: http_desync 1\n");
}

TEST(Http1, BrokenChunksGiveTheMessageUpAndTheNextHeadIsFound) {
    expect_events(
        Script()
            .client("GET /1 HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX")
            .client("GET /2 HTTP/1.1\r\n\r\n")
            .server("junkHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"),
        "#1 request GET /1\n#1 request as_framed\n#1 response 200\n#1 response \"abc\"\n#1 response given_up\n"
        "#2 request GET /2\n#2 request as_framed\n#2 response 200\n#2 response \"z\"\n#2 response as_framed\n"
        "lost: http_desync 1\n");
}

TEST(Http1, HugeLengthsAreBelievedButCostNothing) {
    expect_events(Script()
                      .client("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nabc")
                      .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc")
                      .close(),
                  "#1 request POST /\n#1 request \"abc\"\n#1 response 200\n#1 response \"abc\"\n"
                  "#1 request cut_off\n#1 response cut_off\n");
    expect_events(
        Script()
            .client("GET / HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "10000000000000000\r\nabc"),
        "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response given_up\nlost: http_desync 1\n");
}

TEST(Http1, AResponseThatOvertookItsRequestWaitsForIt) {
    expect_events(
        Script()
            .server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .client("GET / HTTP/1.1\r\n\r\n")
            .client("GET /2 HTTP/1.1\r\n")
            .server("HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\n")
            .server("ok")
            .client("\r\n"),
        "#1 request GET /\n#1 request as_framed\n#1 response 200\n#1 response \"ok\"\n#1 response as_framed\n"
        "#2 request GET /2\n#2 request as_framed\n#2 response 201\n#2 response \"ok\"\n#2 response as_framed\n");
}

TEST(Http1, AResponseWithoutARequestIsReportedInTheEnd) {
    const std::string seen = "#1 request lost\n#1 request given_up\n#1 response 408\n#1 response as_framed\n";
    expect_events(Script().server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n").close(),
                  seen + "lost: http_unpaired 1\n");
    expect_events(
        Script().server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n").at(std::chrono::seconds(2)).server("\r\n"),
        seen + "lost: http_unpaired 1\n");
    Limits limits;
    limits.held_bytes = 4;
    expect_events(Script().with(limits).server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n\r\n\r\n\r\n"),
                  seen + "lost: http_unpaired 1\n");
}

TEST(Http1, ConnectTurnsIntoATunnel) {
    expect_events(
        Script()
            .client("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
            .client("GET /inner HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        "#1 request CONNECT api.example:443 @api.example:443\n#1 request as_framed\n"
        "#1 response 200\n#1 response as_framed\n"
        "#2 request GET /inner\n#2 request as_framed\n#2 response 200\n#2 response \"x\"\n#2 response as_framed\n");
    expect_events(Script()
                      .client("CONNECT a:1 HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno")
                      .client("GET / HTTP/1.1\r\n\r\n"),
                  "#1 request CONNECT a:1 @a:1\n#1 request as_framed\n#1 response 407\n#1 response \"no\"\n"
                  "#1 response as_framed\n#2 request GET /\n#2 request as_framed\n");
}

TEST(Http1, AnUpgradeThatIsDeclinedIsAnOrdinaryExchange) {
    expect_events(
        Script()
            .client("GET /1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"),
        "#1 request GET /1\n#1 request as_framed\n#1 response 200\n#1 response as_framed\n"
        "#2 request GET /2\n#2 request as_framed\n#2 response 200\n#2 response \"b\"\n#2 response as_framed\n");
}

TEST(Http1, AnUpgradeToSomethingElseIsTheEndOfHttp) {
    expect_events(Script()
                      .client("GET / HTTP/1.1\r\nUpgrade: other\r\n\r\n")
                      .server("HTTP/1.1 101 Switching\r\nUpgrade: other\r\n\r\nGET / HTTP/1.1\r\n\r\n")
                      .client("GET / HTTP/1.1\r\n\r\n")
                      .close(),
                  "#1 request GET /\n#1 request as_framed\n#1 response 101\n#1 response as_framed\nnot http\n");
}

TEST(Http1, ASwitchThatNobodyAskedForIsTheEndOfHttp) {
    expect_events(Script()
                      .client("GET / HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x01x")
                      .close(),
                  "#1 request GET /\n#1 request as_framed\n#1 response 101\n#1 response as_framed\nnot http\n");
}

TEST(Http1, AHeadLargerThanTheLimitIsGivenUp) {
    Limits limits;
    limits.head_bytes = 60;
    expect_events(Script().with(limits).client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nX: " + std::string(50, 'x') +
                                               "\r\n\r\n" + "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"),
                  "#1 request GET /1\n#1 request as_framed\n#2 request GET /3 @x\n#2 request as_framed\n"
                  "lost: http_head_limit 1\n");
}

TEST(Http1, HeaderFieldsBeyondTheLimitStillFrameTheMessage) {
    Limits limits;
    limits.header_count = 2;
    expect_events(
        Script().with(limits).client(
            "POST / HTTP/1.1\r\nA: 1\r\nB: 2\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n"),
        "#1 request POST /\n#1 request \"abc\"\n#1 request as_framed\n#2 request GET /2\n#2 request as_framed\n"
        "lost: http_head_limit 1\n");
}

TEST(Http1, RequestsBeyondTheLimitAreNotFollowed) {
    Limits limits;
    limits.requests_waiting = 1;
    expect_events(Script()
                      .with(limits)
                      .client("GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
                      .server("HTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 0\r\n\r\n")
                      .client("GET /3 HTTP/1.1\r\n\r\n")
                      .server("HTTP/1.1 203 A\r\nContent-Length: 0\r\n\r\n"),
                  "#1 request GET /1\n#1 request as_framed\n#1 response 201\n#1 response as_framed\n"
                  "#2 request lost\n#2 request given_up\n#2 response 202\n#2 response as_framed\n"
                  "#3 request GET /3\n#3 request as_framed\n#3 response 203\n#3 response as_framed\n"
                  "lost: http_stream_limit 1\nlost: http_unpaired 1\n");
}

TEST(Http1, AHeadLargerThanWhatIsProbedIsStillHttp) {
    expect_events(Script().client("GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(30'000, 'c') + "\r\n\r\n"),
                  "#1 request GET / @x\n#1 request as_framed\n");
    expect_events(Script().client("GET /" + std::string(17'000, 'u') + " HTTP/1.1\r\n\r\n"), "not http\n");
}

TEST(Http1, BytesThatAreNoHttpAreSaidToBeNone) {
    const std::string noise(20'000, 'x');
    expect_events(Script().client(noise), "not http\n");
    expect_events(Script().client(noise.substr(0, 9000)).server(noise.substr(0, 9000)), "not http\n");
    expect_events(Script().client("abc"), "");
    expect_events(Script().client("\x16\x03\x01\x02"), "not http\n");
    expect_events(Script::joined_late().client(noise), "");
    Limits limits;
    limits.late_probe_bytes = 10'000;
    expect_events(Script::joined_late().with(limits).client(noise).client("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                  "not http\nlost: http_joined_late 1\n");
    expect_events(Script::joined_late().client(noise).close(), "lost: http_joined_late 1\n");
    expect_events(Script::joined_late().close(), "");
}

TEST(Http1, APreambleBeforeTheFirstRequestIsPassedOver) {
    expect_events(Script().client("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                  "#1 request GET / @x\n#1 request as_framed\n");
}

TEST(Http1, TellsWhereABodyOfKnownLengthEnds) {
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    const auto ignore = [](const model::HttpEvent&) {};
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n";
    const auto feed = [&](std::uint64_t offset, std::string_view bytes) {
        parser.feed(model::Direction::sent, model::StreamBytes{offset, {}, base::as_bytes(bytes)}, ignore);
    };
    feed(1000, head);
    EXPECT_EQ(parser.protocol(), model::Protocol::http1);
    EXPECT_EQ(parser.request_direction(), model::Direction::sent);
    EXPECT_EQ(parser.body_end(1, model::Part::request), 1000 + head.size() + 10);
    EXPECT_EQ(parser.body_end(1, model::Part::response), std::nullopt);
    feed(1000 + head.size(), "abc");
    EXPECT_EQ(parser.body_end(1, model::Part::request), 1000 + head.size() + 10);
    parser.feed(model::Direction::sent, model::Gap{1000 + head.size() + 3, 4, {}, {}}, ignore);
    EXPECT_EQ(parser.body_end(1, model::Part::request), 1000 + head.size() + 10);
    EXPECT_EQ(parser.body_end(2, model::Part::request), std::nullopt);
    feed(1000 + head.size() + 7, "xyz");
    EXPECT_EQ(parser.body_end(1, model::Part::request), std::nullopt);
}

TEST(Http1, EventsCarryTheTimeOfTheirBytes) {
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    std::string times;
    const auto note = [&](const model::HttpEvent& event) {
        std::visit([&](const auto& one) { times += std::to_string(base::unix_ns(one.time)) + " "; }, event);
    };
    std::uint64_t offset = 0;
    const auto feed = [&](std::int64_t time, model::Direction direction, std::string_view bytes) {
        parser.feed(direction, model::StreamBytes{offset, base::time_from_unix_ns(time), base::as_bytes(bytes)}, note);
        offset += bytes.size();
    };
    feed(1, model::Direction::sent, "POST / HTTP/1.1\r\n");
    feed(2, model::Direction::sent, "Content-Length: 2\r\n\r\n");
    feed(3, model::Direction::sent, "a");
    feed(4, model::Direction::sent, "b");
    EXPECT_EQ(times, "1 3 4 4 ");
    times.clear();
    feed(5, model::Direction::received, "HTTP/1.1 2");
    feed(6, model::Direction::received, "00 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(times, "5 6 ");
}

TEST(Http1, BodyBytesAreNotCopied) {
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    const std::string request = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    const std::uint8_t* data = nullptr;
    parser.feed(model::Direction::sent, model::StreamBytes{0, {}, base::as_bytes(request)},
                [&](const model::HttpEvent& event) {
                    if (const auto* body = std::get_if<model::BodyBytes>(&event)) data = body->bytes.data();
                });
    EXPECT_EQ(data, base::as_bytes(request).data() + request.find("hello"));
}

TEST(Http1, HeadsAreReportedInFull) {
    model::LossCounters losses;
    ConnectionParser parser(true, losses);
    std::shared_ptr<const model::MessageHead> head;
    parser.feed(
        model::Direction::sent,
        model::StreamBytes{
            0, {}, base::as_bytes("PATCH /x HTTP/1.1\r\nHost: h\r\nX-Many:  a  \r\nx-many: b\r\nEmpty:\r\n\r\n")},
        [&](const model::HttpEvent& event) {
            if (const auto* request = std::get_if<model::RequestStarted>(&event)) head = request->head;
        });
    ASSERT_TRUE(head);
    const std::vector<model::Header> expected{{"host", "h"}, {"x-many", "a"}, {"x-many", "b"}, {"empty", ""}};
    EXPECT_EQ(head->headers, expected);
    EXPECT_EQ(head->protocol, model::Protocol::http1);
    EXPECT_FALSE(head->lost);
}

}  // namespace
}  // namespace llmsnoop::http::test
