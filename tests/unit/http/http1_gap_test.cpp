// HTTP/1.1 with bytes missing, or joined late: what survives, what is given up, and which response is never paired.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/http/http_script.h"

namespace llmsnoop::http::test {
namespace {

constexpr const char* kGet1 = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kGet2 = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kGet3 = "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kSeen1 = "#1 request GET /1 @a\n#1 request as_framed\n";
const std::string kSeen2 = "#2 request GET /2 @a\n#2 request as_framed\n";

std::string ok(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

TEST(Http1Gap, InABodyOfKnownLengthIsSurvived) {
    expect_events(Script()
                      .client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
                      .client_gap(4)
                      .client("hij")
                      .client(kGet2)
                      .server(ok(200, "x")),
                  "#1 request POST /\n#1 request \"abc\"\n#1 request gap 4\n#1 request \"hij\"\n#1 request as_framed\n"
                  "#2 request GET /2 @a\n#2 request as_framed\n"
                  "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n");
}

TEST(Http1Gap, ToTheVeryEndOfABodyIsSurvived) {
    expect_events(Script()
                      .client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
                      .client_gap(7)
                      .client(kGet2)
                      .server(ok(200, "x")),
                  "#1 request POST /\n#1 request \"abc\"\n#1 request gap 7\n#1 request as_framed\n"
                  "#2 request GET /2 @a\n#2 request as_framed\n"
                  "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n");
}

TEST(Http1Gap, BeyondTheEndOfABodyLosesThePlaceOnlyAfterIt) {
    expect_events(Script()
                      .client(kGet1)
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                      .server_gap(50)
                      .server("the rest of something")
                      .client(kGet2)
                      .server(ok(200, "y")),
                  kSeen1 + "#1 response 200\n#1 response \"abc\"\n#1 response gap 7\n#1 response as_framed\n" + kSeen2 +
                      "#2 response 200\n#2 response \"y\"\n#2 response as_framed\n");
}

TEST(Http1Gap, InTheDataOfAChunkIsSurvived) {
    expect_events(
        Script()
            .client(kGet1)
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01")
            .server_gap(3)
            .server("56789\r\n2\r\nxy\r\n0\r\n\r\n"),
        kSeen1 +
            "#1 response 200\n#1 response \"01\"\n#1 response gap 3\n#1 response \"56789xy\"\n#1 response as_framed\n");
}

TEST(Http1Gap, ThatEndsWithAChunkIsSurvived) {
    const auto start = [] {
        return Script().client(kGet1).server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01");
    };
    const std::string seen = kSeen1 + "#1 response 200\n#1 response \"01\"\n";
    const std::string end = "#1 response \"xy\"\n#1 response as_framed\n";
    expect_events(start().server_gap(8).server("\r\n2\r\nxy\r\n0\r\n\r\n"), seen + "#1 response gap 8\n" + end);
    expect_events(start().server_gap(10).server("2\r\nxy\r\n0\r\n\r\n"), seen + "#1 response gap 8\n" + end);
}

// A lost read or segment usually holds whole chunks: the next chunk begins right behind it.
TEST(Http1Gap, OfWholeChunksIsSurvivedIfAChunkFollowsIt) {
    const auto start = [] {
        return Script().client(kGet1).server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n01\r\n");
    };
    const std::string seen = kSeen1 + "#1 response 200\n#1 response \"01\"\n#1 response gap ?\n";
    expect_events(start().server_gap(100).server("2\r\nxy\r\n0\r\n\r\n"),
                  seen + "#1 response \"xy\"\n#1 response as_framed\n");
    expect_events(start().server_gap(100).server("\r\n2;ext\r\nxy\r\n0\r\n\r\n"),
                  seen + "#1 response \"xy\"\n#1 response as_framed\n");
    expect_events(start().server_gap(100).server("\n0\r\n\r\n"), seen + "#1 response as_framed\n");
}

TEST(Http1Gap, ThatSwallowsAChunkSizeGivesTheMessageUp) {
    const auto start = [] {
        return Script().client(kGet1).server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n01\r\n");
    };
    const std::string seen = kSeen1 + "#1 response 200\n#1 response \"01\"\n#1 response gap ?\n";
    for (const std::string rest : {"data: {}\n\n", "2\nxy", "12 apples\n", "ffffffffff\r\n", "a", "\r\r\n2\r\n"}) {
        expect_events(start().server_gap(100).server(rest).client(kGet2).server("--" + ok(201, "z")),
                      seen + (rest == "a" ? kSeen2 + "#1 response given_up\n" : "#1 response given_up\n" + kSeen2) +
                          "#2 response 201\n#2 response \"z\"\n#2 response as_framed\n");
    }
}

TEST(Http1Gap, AChunkIsNotLookedForWhereTheNextResponseMayHaveBegun) {
    expect_events(
        Script()
            .client(kGet1)
            .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n01\r\n")
            .client(kGet2)
            .server_gap(500)
            .server("2\r\nxy\r\n0\r\n\r\n"),
        kSeen1 + "#1 response 200\n#1 response \"01\"\n" + kSeen2 + "#1 response gap ?\n#1 response given_up\n");
}

TEST(Http1Gap, ThatSwallowsAResponseHeadGivesThatResponseUp) {
    expect_events(Script().client(kGet1).server_gap(60).server("tail of a body\n").client(kGet2).server(ok(200, "y")),
                  kSeen1 + kSeen2.substr(0, 0) + "#1 response given_up\n" + kSeen2 +
                      "#2 response 200\n#2 response \"y\"\n#2 response as_framed\n");
}

// What was lost may be an interim response. It may also be the response itself, and what is found that to a request
// which was lost as well, and of which nothing is known yet.
TEST(Http1Gap, OneWaitingRequestIsAnsweredByTheResponseThatIsFound) {
    expect_events(Script().client(kGet1).server_gap(25).server(ok(200, "x")).client(kGet2).server(ok(201, "y")),
                  kSeen1 + "#1 response 200 after a gap\n#1 response \"x\"\n#1 response as_framed\n" + kSeen2 +
                      "#2 response 201\n#2 response \"y\"\n#2 response as_framed\n");
}

// A whole exchange is missing (another process had the connection meanwhile), which each direction shows only with the
// next bytes: nothing of the one after it is.
TEST(Http1Gap, OfAWholeExchangeConcernsThatAlone) {
    expect_events(
        Script().client(kGet1).server(ok(200, "x")).client_gap(26).client(kGet2).server_gap(39).server(ok(201, "y")),
        kSeen1 + "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n" + kSeen2 +
            "#2 response 201\n#2 response \"y\"\n#2 response as_framed\n");
}

// The hole is noticed only when the second response comes: it may be the first one's as well.
TEST(Http1Gap, WithTwoRequestsWaitingTheResponseIsNobodys) {
    expect_events(
        Script().client(kGet1).client(kGet2).server_gap(60).server(ok(200, "y")).client(kGet3).server(ok(200, "z")),
        kSeen1 + kSeen2 +
            "#1 response given_up\n#2 response given_up\n#3 request lost\n#3 request given_up\n"
            "#3 response 200\n#3 response \"y\"\n#3 response as_framed\n"
            "#4 request GET /3 @a\n#4 request as_framed\n"
            "#4 response 200\n#4 response \"z\"\n#4 response as_framed\n"
            "lost: http_unpaired 1\n");
}

TEST(Http1Gap, AConnectionThatPipelinesIsNotPairedAgain) {
    expect_events(Script()
                      .client(kGet1)
                      .client(kGet2)
                      .server(ok(201, ""))
                      .client(kGet3)
                      .server_gap(60)
                      .server(ok(202, ""))
                      .client("GET /4 HTTP/1.1\r\n\r\n")
                      .server(ok(203, "")),
                  kSeen1 + kSeen2 +
                      "#1 response 201\n#1 response as_framed\n#3 request GET /3 @a\n#3 request as_framed\n" +
                      "#2 response given_up\n#3 response given_up\n"
                      "#4 request lost\n#4 request given_up\n#4 response 202\n#4 response as_framed\n"
                      "#5 request GET /4\n#5 request as_framed\n#5 response given_up\n"
                      "#6 request lost\n#6 request given_up\n#6 response 203\n#6 response as_framed\n"
                      "lost: http_unpaired 2\n");
}

TEST(Http1Gap, ARequestThatWasSwallowedLeavesItsResponseUnpaired) {
    expect_events(
        Script()
            .client(kGet1)
            .server(ok(201, "a"))
            .client_gap(60)
            .client("rest of a body")
            .server(ok(202, "b"))
            .client(kGet3)
            .server(ok(203, "c")),
        kSeen1 +
            "#1 response 201\n#1 response \"a\"\n#1 response as_framed\n"
            "#2 request lost\n#2 request given_up\n#2 response 202\n#2 response \"b\"\n#2 response as_framed\n"
            "#3 request GET /3 @a\n#3 request as_framed\n#3 response 203\n#3 response \"c\"\n#3 response as_framed\n"
            "lost: http_unpaired 1\n");
}

TEST(Http1Gap, AResponseThatWaitsIsReleasedWhenItsRequestTurnsOutToBeMissing) {
    expect_events(
        Script()
            .client(kGet1)
            .server(ok(201, ""))
            .server(ok(202, "b"))
            .client_gap(60)
            .client(kGet3)
            .server(ok(203, "")),
        kSeen1 +
            "#1 response 201\n#1 response as_framed\n"
            "#2 request lost\n#2 request given_up\n#2 response 202\n#2 response \"b\"\n#2 response as_framed\n"
            "#3 request GET /3 @a\n#3 request as_framed\n#3 response 203\n#3 response as_framed\n"
            "lost: http_unpaired 1\n");
}

TEST(Http1Gap, InARequestHeadIsNotFatal) {
    expect_events(Script()
                      .client("GET /1 HTTP/1.1\r\nHo")
                      .client_gap(10)
                      .client("\r\n\r\n")
                      .server(ok(200, "a"))
                      .client(kGet2)
                      .server(ok(201, "")),
                  "#1 request lost\n#1 request given_up\n#1 response 200\n#1 response \"a\"\n#1 response as_framed\n" +
                      kSeen2 + "#2 response 201\n#2 response as_framed\nlost: http_unpaired 1\n");
}

TEST(Http1Gap, WhenTheConnectionClosesWhatWasLostIsGivenUp) {
    expect_events(Script().client(kGet1).server_gap(30).close(), kSeen1 + "#1 response given_up\n");
    expect_events(Script().client(kGet1).server_gap(30).close(model::ConnectionClosed::How::reset),
                  kSeen1 + "#1 response given_up\n");
}

// Found by pipeline_fuzz: the answer that switches belongs to a request that was not seen, while another one is sent.
TEST(Http1Gap, BeforeASwitchToWebSocketEndsTheRequestInProgress) {
    expect_events(Script()
                      .client("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
                      .server("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
                      .server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
                      .close(),
                  "#1 request POST /1 @a\n#1 request \"half\"\n#1 response 200\n#1 response given_up\n"
                  "#2 request lost\n#2 response 101\n#1 request given_up\n"
                  "#2 request cut_off\n#2 response cut_off\nlost: http_desync 1\nlost: http_unpaired 1\n");
}

TEST(Http1JoinedLate, ARequestThatComesFirstIsAllThereIs) {
    expect_events(Script::joined_late().client(kGet1).server(ok(200, "x")),
                  kSeen1 + "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n");
}

TEST(Http1JoinedLate, InTheMiddleOfARequest) {
    expect_events(
        Script::joined_late().client("of a prompt\"}]}").server(ok(200, "x")).client(kGet1).server(ok(201, "y")),
        "#1 request lost\n#1 request given_up\n#1 response 200\n#1 response \"x\"\n#1 response as_framed\n"
        "#2 request GET /1 @a\n#2 request as_framed\n#2 response 201\n#2 response \"y\"\n#2 response as_framed\n"
        "lost: http_unpaired 1\n");
}

TEST(Http1JoinedLate, InTheMiddleOfAResponse) {
    expect_events(Script::joined_late()
                      .server("data: {\"a\":1}\n\n\r\n0\r\n\r\n")
                      .client(kGet1)
                      .server(ok(201, "y"))
                      .client(kGet2)
                      .server(ok(202, "z")),
                  kSeen1 + "#1 response 201\n#1 response \"y\"\n#1 response as_framed\n" + kSeen2 +
                      "#2 response 202\n#2 response \"z\"\n#2 response as_framed\n");
}

// A body does not end with a line end, and what it quotes is no head.
TEST(Http1JoinedLate, HeadsAreFoundInTheMiddleOfALine) {
    expect_events(
        Script::joined_late()
            .client("{\"text\":\"GET / HTTP/1.1\"}POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .server("HTTP/1.1 200 OK\"}\n\nHTTP/1.1 500 x}" + ok(201, "y")),
        "#1 request POST /1 @a\n#1 request as_framed\n#1 response 201\n#1 response \"y\"\n#1 response as_framed\n");
}

TEST(Http1JoinedLate, WhatOnlyLooksLikeAHeadIsPassedOver) {
    expect_events(
        Script::joined_late()
            .client("GET /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\nno field\r\n\r\nGET /z HTTP/1.1\r\nBad Field: 1\r\n\r\n")
            .client(std::string(100'000, '-') + "\r\n")
            .client(kGet1),
        kSeen1);
}

TEST(Http1JoinedLate, ALongLineBeforeTheHeadIsNoHindrance) {
    expect_events(Script::joined_late().client(std::string(70'000, 'x') + kGet1), kSeen1);
}

// Two requests wait at once, so this client pipelines, and the one that was lost waits as well.
TEST(Http1Gap, BeforePipelinedRequestsLeavesTheirResponsesInDoubt) {
    expect_events(
        Script().client_gap(30).client(kGet1).client(kGet2).server(ok(200, "x")).server(ok(201, "y")),
        kSeen1 + kSeen2 +
            "#1 response given_up\n#2 response given_up\n#3 request lost\n#3 request given_up\n"
            "#3 response 200\n#3 response \"x\"\n#3 response as_framed\n#4 request lost\n#4 request given_up\n"
            "#4 response 201\n#4 response \"y\"\n#4 response as_framed\nlost: http_unpaired 2\n");
}

// Its response has not come before the next request, so this client pipelines, too: it is the first to be found.
TEST(Http1Gap, BeforeOnePipelinedRequestLeavesItsResponseInDoubt) {
    const std::string in_doubt =
        "#N request lost\n#N request given_up\n#N response 200\n#N response \"x\"\n#N response as_framed\n";
    const auto numbered = [&](char number) {
        std::string out = in_doubt;
        std::replace(out.begin(), out.end(), 'N', number);
        return out;
    };
    expect_events(Script().client_gap(30).client(kGet1).server(ok(200, "x")).server(ok(200, "x")),
                  kSeen1 + "#1 response given_up\n" + numbered('2') + numbered('3') + "lost: http_unpaired 2\n");
    expect_events(Script().client(kGet1).server(ok(200, "x")).client_gap(30).client(kGet2).server(ok(200, "x")),
                  kSeen1 + "#1 response 200\n#1 response \"x\"\n#1 response as_framed\n" + kSeen2 +
                      "#2 response given_up\n" + numbered('3') + "lost: http_unpaired 1\n");
}

// Whichever direction shows first that something is missing, and whether the response was seen.
TEST(Http1Gap, BeforeARequestIsNoConcernOfItIfAResponseWasMissedOrFoundAsWell) {
    const std::string seen = "#1 response 201\n#1 response \"y\"\n#1 response as_framed\n";
    expect_events(Script().server_gap(39).client_gap(26).client(kGet1).server(ok(201, "y")), kSeen1 + seen);
    const std::string other =
        "#1 request lost\n#1 request given_up\n#1 response 200\n#1 response \"x\"\n#1 response as_framed\n";
    const std::string both =
        other + kSeen2 + "#2 response 201\n#2 response \"y\"\n#2 response as_framed\nlost: http_unpaired 1\n";
    expect_events(Script().client_gap(26).server(ok(200, "x")).client(kGet2).server(ok(201, "y")), both);
    expect_events(Script()
                      .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
                      .at(std::chrono::seconds(2))
                      .server("x")
                      .client_gap(26)
                      .client(kGet2)
                      .server(ok(201, "y")),
                  both);
    // The rest of an upload, which shows only with the next request that something lies beyond it.
    expect_events(Script()
                      .client("POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                      .client_gap(30)
                      .server(ok(200, "x"))
                      .client(kGet2)
                      .server(ok(201, "y")),
                  "#1 request POST /1\n#1 request gap ?\n#1 response 200\n#1 response \"x\"\n#1 response as_framed\n"
                  "#1 request given_up\n" +
                      kSeen2 + "#2 response 201\n#2 response \"y\"\n#2 response as_framed\n");
}

// The gap reaches from the middle of a response into what may be another one.
TEST(Http1Gap, OfUnknownExtentBesideAWaitingRequestMakesItsResponseDoubtful) {
    expect_events(Script()
                      .client(kGet1)
                      .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
                      .server_gap(40)
                      .client(kGet2)
                      .server_gap(25)
                      .server(ok(201, "y")),
                  kSeen1 + "#1 response 200\n#1 response \"abcde\"\n#1 response gap ?\n" + kSeen2 +
                      "#1 response gap ?\n#1 response given_up\n"
                      "#2 response 201 after a gap\n#2 response \"y\"\n#2 response as_framed\n");
}

TEST(Http1Gap, ASwitchToHttp2WhoseRequestWasNotSeenIsNotFollowed) {
    expect_events(Script().server("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n").client("p\1\2").close(),
                  "#1 request lost\n#1 request given_up\n#1 response 101\n#1 response as_framed\nnot http\n"
                  "lost: http_desync 1\nlost: http_unpaired 1\n");
}

}  // namespace
}  // namespace llmsnoop::http::test
