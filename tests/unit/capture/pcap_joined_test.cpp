// Connections whose beginning is not in the capture.
#include "tests/unit/capture/pcap_connection_fixture.h"

namespace llmsnoop::capture {
namespace {

using testing::ElementsAre;

TEST_F(ConnectionTest, WithoutAnyWordOfTheServersBeginningItCountsAsJoined) {
    Talk talk(kClient, kServer);
    const std::string syn = talk.syn();
    talk.syn_ack();
    EXPECT_THAT(events({syn, talk.server_says("s"), talk.client_says("c")}),
                ElementsAre(kJoined, "<< 1 " + at(kJoin) + " \"s\"", ">> 1 @0 \"c\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, JoinedInTheMiddleTheRequestTellsTheClient) {
    Talk talk({1, 80}, {2, 50000});
    EXPECT_THAT(events({talk.client_says("POST /v1 HTTP/1.1\r\n\r\n"), talk.server_says("HTTP/1.1 200 OK\r\n\r\n")}),
                ElementsAre("open 1 joined none wire 10.0.0.1:80 -> 10.0.0.2:50000",
                            ">> 1 " + at(kJoin) + " \"POST /v1 HTTP/1.1\\r\\n\\r\\n\"",
                            "<< 1 " + at(kJoin) + " \"HTTP/1.1 200 OK\\r\\n\\r\\n\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, JoinedInTheMiddleTheStatusLineTellsTheServer) {
    Talk talk({1, 80}, {2, 50000});
    EXPECT_EQ(events({talk.server_says("HTTP/1.1 200 OK\r\n")})[0],
              "open 1 joined none wire 10.0.0.1:80 -> 10.0.0.2:50000");
}

TEST_F(ConnectionTest, JoinedInTheMiddleTheLowerPortIsTheServersWhereTheContentSaysNothing) {
    EXPECT_EQ(events({Talk(kClient, kServer).server_says("data: x")})[0], kJoined);
    EXPECT_EQ(events({Talk(kClient, kServer).client_says("\"}]}")})[0], kJoined);
    EXPECT_EQ(events({Talk(kServer, kClient).client_says("data: x")})[0], kJoined);
}

TEST_F(ConnectionTest, JoinedInTheMiddleEarlierSegmentsDoNotUnderflow) {
    Talk talk(kClient, kServer, 10, 10);
    const std::string first = talk.server_packet(kAck, "earlier", -7);
    EXPECT_THAT(events({talk.server_says("now"), first, talk.server_says("then")}),
                ElementsAre(kJoined, "<< 1 " + at(kJoin) + " \"now\"", "<< 1 " + at(kJoin - 7) + " \"earlier\"",
                            "<< 1 " + at(kJoin + 3) + " \"then\"", "close 1 source_ended"));
}

// The client's acknowledgement shows where the answer begins, so that its second segment, which comes first, is not
// taken for the beginning.
TEST_F(ConnectionTest, JoinedInTheMiddleTheFirstSegmentMayBeOvertaken) {
    Talk talk(kClient, kServer);
    const std::string request = talk.client_says("GET / HTTP/1.1\r\n\r\n");
    const std::string one = talk.server_says("HTTP/1.1");
    const std::string two = talk.server_says(" 200 OK\r\n\r\n");
    EXPECT_THAT(events({request, two, one}),
                ElementsAre(kJoined, ">> 1 " + at(kJoin) + " \"GET / HTTP/1.1\\r\\n\\r\\n\"",
                            "<< 1 " + at(kJoin) + " \"\"", "<< 1 " + at(kJoin + 8) + " \" 200 OK\\r\\n\\r\\n\"",
                            "<< 1 " + at(kJoin) + " \"HTTP/1.1\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, JoinedInTheMiddleWhatOvertookTheOtherDirectionIsKeptBackFromItsFirstBytesOn) {
    Talk talk(kClient, kServer);
    const std::string one = talk.client_says("one"), answer = talk.server_says("answer");
    const std::string two = talk.client_says("two");
    EXPECT_THAT(events({one, two, answer}),
                ElementsAre(kJoined, ">> 1 " + at(kJoin) + " \"one\"", "<< 1 " + at(kJoin) + " \"answer\"",
                            ">> 1 " + at(kJoin + 3) + " \"two\"", "close 1 source_ended"));
    EXPECT_THAT(events({one, two}),
                ElementsAre(kJoined, ">> 1 " + at(kJoin) + " \"one\"", "<< 1 " + at(kJoin) + " \"\" of 6 stream_gap",
                            ">> 1 " + at(kJoin + 3) + " \"two\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, JoinedInTheMiddleAfterAKeepAliveProbe) {
    Talk talk(kClient, kServer);
    EXPECT_THAT(
        events({talk.client_packet(kAck, std::string(1, '\0'), -1), talk.client_says("GET / HTTP/1.1\r\n\r\n")}),
        ElementsAre(kJoined, ">> 1 " + at(kJoin) + " \"GET / HTTP/1.1\\r\\n\\r\\n\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, JoinedInTheMiddleADirectionThatOnlyEndsSaysWhere) {
    Talk talk(kClient, kServer);
    EXPECT_THAT(events({talk.server_says("data: x"), talk.client_fin(), talk.server_fin()}),
                ElementsAre(kJoined, "<< 1 " + at(kJoin) + " \"data: x\"", ">> 1 " + at(kJoin) + " \"\"",
                            "end >> 1 " + at(kJoin), "end << 1 " + at(kJoin + 7),
                            "close 1 orderly sent=2147483648 received=2147483655"));
}

}  // namespace
}  // namespace llmsnoop::capture
