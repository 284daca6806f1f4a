// How connections end, and how others begin between the same ends.
#include "tests/unit/capture/pcap_connection_fixture.h"

namespace llmsnoop::capture {
namespace {

using model::Loss;
using testing::ElementsAre;

TEST_F(ConnectionTest, ARefusedConnectionMaySucceedLater) {
    Talk talk(kClient, kServer);
    const std::string syn = talk.syn();
    const std::string refusal = ipv4({kServer, kClient}, tcp(kServer, kClient, 0, 1001, kRst | kAck));
    EXPECT_EQ(events({syn, refusal, syn, talk.syn_ack(), talk.client_says("x")})[1], ">> 2 @0 \"x\"");
}

TEST_F(ConnectionTest, ResetEndsTheConnection) {
    Talk talk(kClient, kServer);
    EXPECT_THAT(events(talk.handshake() << Packets{talk.client_says("request"), talk.server_says("half an"),
                                                   talk.client_packet(kRst | kAck), talk.server_says(" answer")}),
                ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @0 \"half an\"", "close 1 reset"));
}

TEST_F(ConnectionTest, ResetFromFarAwayIsNotBelieved) {
    Talk talk(kClient, kServer);
    EXPECT_THAT(
        events(talk.handshake() << Packets{talk.client_says("request"), talk.client_packet(kRst, "", -1'000'000'000),
                                           talk.server_says("answer")}),
        ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @0 \"answer\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, ResetAfterBothFinsChangesNothing) {
    Talk talk(kClient, kServer);
    const Lines got = events(talk.handshake() << Packets{talk.client_says("a"), talk.client_fin(), talk.server_fin(),
                                                         talk.client_packet(kRst)});
    EXPECT_EQ(got.back(), "close 1 orderly sent=1 received=0");
}

TEST_F(ConnectionTest, FinThatOvertakesALostSegmentWaitsForIt) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    packets.push_back(talk.client_says("request"));
    const std::string lost = talk.server_says("answer");
    EXPECT_THAT(events(packets << Packets{talk.server_fin(), talk.client_packet(kAck), lost, talk.client_fin()}),
                ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @0 \"answer\"", "end << 1 @6", "end >> 1 @7",
                            "close 1 orderly sent=7 received=6"));
}

TEST_F(ConnectionTest, FinDoesNotWaitForever) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    packets.push_back(talk.client_says("request"));
    const std::string lost = talk.server_says("answer");
    packets.push_back(talk.server_fin());        // 4, then a minute of silence
    packets.push_back(talk.client_says("and"));  // the other direction goes on
    packets.push_back(lost);                     // too late
    packets.push_back(talk.client_fin());
    EXPECT_THAT(events(packets, {4}), ElementsAre(kOpened, ">> 1 @0 \"request\"", "end << 1 @6", ">> 1 @7 \"and\"",
                                                  "end >> 1 @10", "close 1 orderly sent=10 received=6"));
    EXPECT_EQ(losses_.get(Loss::late_chunk), 1U);
}

TEST_F(ConnectionTest, BothFinsWithAHoleCloseOrderlyAfterAWhile) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("request")};
    talk.server_says("lost");
    packets = packets << Packets{talk.server_says("answer"), talk.client_fin(), talk.server_fin()};  // 4, 5, 6
    Talk other({3, 40000}, kServer);
    EXPECT_THAT(
        events(packets << Packets{other.client_says("x")}, {6}),
        ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @4 \"answer\"", "end >> 1 @7", "end << 1 @10",
                    "close 1 orderly sent=7 received=10", "open 2 joined none wire 10.0.0.3:40000 -> 10.0.0.2:8080",
                    ">> 2 " + at(kJoin) + " \"x\"", "close 2 source_ended"));
}

TEST_F(ConnectionTest, LateRetransmissionsOfAClosedConnectionAreAbsorbed) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    const std::string request = talk.client_says("request");
    packets = packets << Packets{request, talk.client_fin(), talk.server_fin(), request, talk.client_packet(kAck)};
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @0 \"request\"", "end >> 1 @7", "end << 1 @0",
                                             "close 1 orderly sent=7 received=0"));
}

TEST_F(ConnectionTest, BytesBeyondTheFinAreNotPartOfTheStream) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    const std::string hole = talk.client_says("hole");
    packets = packets << Packets{talk.client_packet(kFin | kAck, "end"), talk.client_packet(kAck, "endless"),
                                 talk.client_packet(kAck, "beyond", 3), hole};
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @4 \"end\"", ">> 1 @4 \"end\"", ">> 1 @0 \"hole\"",
                                             "end >> 1 @7", "close 1 source_ended sent=7"));
    EXPECT_EQ(losses_.get(Loss::packet_malformed), 2U);
}

TEST_F(ConnectionTest, PortReuseBeginsAnotherConnection) {
    Talk one(kClient, kServer, 1000, 5000);
    Talk two(kClient, kServer, 90'000, 95'000);
    Packets packets = one.handshake() << Packets{one.client_says("one")};
    const std::string closed = "close 1 orderly sent=3 received=0";
    const Packets second = two.handshake() << Packets{two.client_says("two")};
    const char* opened = "open 2 from_start none wire 10.0.0.1:40000 -> 10.0.0.2:8080";
    EXPECT_THAT(events(packets << Packets{one.client_fin(), one.server_fin()} << second),
                ElementsAre(kOpened, ">> 1 @0 \"one\"", "end >> 1 @3", "end << 1 @0", closed, opened, ">> 2 @0 \"two\"",
                            "close 2 source_ended"));
    // Its end was not captured.
    EXPECT_THAT(events(packets << second), ElementsAre(kOpened, ">> 1 @0 \"one\"", "close 1 source_ended", opened,
                                                       ">> 2 @0 \"two\"", "close 2 source_ended"));
    // Nor was the second SYN.
    EXPECT_THAT(events(packets << Packets{second.begin() + 1, second.end()}),
                ElementsAre(kOpened, ">> 1 @0 \"one\"", "close 1 source_ended", opened, ">> 2 @0 \"two\"",
                            "close 2 source_ended"));
    // A connection that was joined in the middle.
    EXPECT_THAT(events(Packets{one.client_says("GET / HTTP/1.1\r\n\r\n")} << second),
                ElementsAre(kJoined, ">> 1 " + at(kJoin) + " \"GET / HTTP/1.1\\r\\n\\r\\n\"", "close 1 source_ended",
                            opened, ">> 2 @0 \"two\"", "close 2 source_ended"));
}

}  // namespace
}  // namespace llmsnoop::capture
