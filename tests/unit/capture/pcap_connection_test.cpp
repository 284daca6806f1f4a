// From the packets of a capture to connections, their directions and offsets.
#include "tests/unit/capture/pcap_connection_fixture.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using model::Loss;
using testing::ElementsAre;

TEST_F(ConnectionTest, FromHandshakeToBothFins) {
    Talk talk(kClient, kServer);
    EXPECT_THAT(
        events(talk.handshake() << Packets{talk.client_says("GET / HTTP/1.1\r\n\r\n"), talk.server_packet(kAck),
                                           talk.server_says("HTTP/1.1 200 OK\r\n\r\n"), talk.server_says("more"),
                                           talk.client_fin(), talk.server_fin(), talk.client_packet(kAck)}),
        ElementsAre(kOpened, ">> 1 @0 \"GET / HTTP/1.1\\r\\n\\r\\n\"", "<< 1 @0 \"HTTP/1.1 200 OK\\r\\n\\r\\n\"",
                    "<< 1 @19 \"more\"", "end >> 1 @18", "end << 1 @23", "close 1 orderly sent=18 received=23"));
}

TEST_F(ConnectionTest, TheSenderOfTheSynIsTheClientWhateverItsPort) {
    Talk talk({1, 80}, {2, 50000});
    EXPECT_THAT(events(talk.handshake() << Packets{talk.server_says("220 hello"), talk.client_says("HELO")}),
                ElementsAre("open 1 from_start none wire 10.0.0.1:80 -> 10.0.0.2:50000", "<< 1 @0 \"220 hello\"",
                            ">> 1 @0 \"HELO\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, SynAckAloneTellsBothBeginnings) {
    Talk talk(kClient, kServer);
    talk.syn();
    EXPECT_THAT(events({talk.syn_ack(), talk.server_says("s"), talk.client_says("c")}),
                ElementsAre(kOpened, "<< 1 @0 \"s\"", ">> 1 @0 \"c\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, AcknowledgementStandsInForALostSynAck) {
    Talk talk(kClient, kServer);
    const std::string syn = talk.syn();
    talk.syn_ack();
    const std::string request = talk.client_says("request");
    talk.skip_server(100);  // the first bytes of the answer are lost as well
    EXPECT_THAT(events({syn, request, talk.server_says("rest")}),
                ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @100 \"rest\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, DataWithTheSyn) {
    const Packets packets{ipv4({kClient, kServer}, tcp(kClient, kServer, 10, 0, kSyn, "early")),
                          ipv4({kServer, kClient}, tcp(kServer, kClient, 90, 16, kSyn | kAck)),
                          ipv4({kClient, kServer}, tcp(kClient, kServer, 16, 91, kAck, "later")),
                          ipv4({kServer, kClient}, tcp(kServer, kClient, 91, 21, kAck, "answer"))};
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @0 \"early\"", ">> 1 @5 \"later\"", "<< 1 @0 \"answer\"",
                                             "close 1 source_ended"));
}

TEST_F(ConnectionTest, ReorderedRetransmittedAndOverlappingSegmentsKeepTheirOffsets) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    const std::string request = talk.client_says("request");
    const std::string one = talk.server_says("one");
    const std::string two = talk.server_says("two");
    const std::string overlap = talk.server_packet(kAck, "etw", -4);
    EXPECT_THAT(events(packets << Packets{request, two, one, overlap, one, request}),
                ElementsAre(kOpened, ">> 1 @0 \"request\"", "<< 1 @3 \"two\"", "<< 1 @0 \"one\"", "<< 1 @2 \"etw\"",
                            "<< 1 @0 \"one\"", ">> 1 @0 \"request\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, SequenceNumbersWrapAround) {
    Talk talk(kClient, kServer, 0xffff'fffe, 0xffff'ffff);
    EXPECT_THAT(events(talk.handshake() << Packets{talk.client_says("abc"), talk.client_says("def"),
                                                   talk.server_says("x"), talk.client_fin(), talk.server_fin()}),
                ElementsAre(kOpened, ">> 1 @0 \"abc\"", ">> 1 @3 \"def\"", "<< 1 @0 \"x\"", "end >> 1 @6",
                            "end << 1 @1", "close 1 orderly sent=6 received=1"));
}

TEST_F(ConnectionTest, KeepAliveProbesAreNoData) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake();
    packets.push_back(talk.client_packet(kAck, std::string(1, '\0'), -1));
    packets.push_back(talk.client_says("abc"));
    packets.push_back(talk.client_packet(kAck, std::string(1, '\0'), -1));
    packets.push_back(talk.client_packet(kAck, "", -1));
    packets.push_back(talk.client_says("d"));
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @0 \"abc\"", ">> 1 @3 \"d\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, WhatCarriesNothingIsNotHeardOf) {
    Talk quiet(kClient, kServer);
    const Packets opened_and_closed = quiet.handshake() << Packets{quiet.client_fin(), quiet.server_fin()};
    Talk refused({3, 40000}, kServer);
    const Packets scan{refused.syn(), refused.server_packet(kRst | kAck)};
    Talk tail({4, 40000}, kServer);
    EXPECT_TRUE(events(opened_and_closed << scan << Packets{tail.client_packet(kAck), tail.server_fin()}).empty());
}

TEST_F(ConnectionTest, HandshakeThatIsSentAgainBeginsNothing) {
    Talk talk(kClient, kServer);
    const Packets shake = talk.handshake();
    EXPECT_THAT(events(Packets{shake[0], shake[0], shake[1], shake[0], shake[1], shake[2]}
                       << Packets{talk.client_says("x"), shake[1], shake[0]}),
                ElementsAre(kOpened, ">> 1 @0 \"x\"", "close 1 source_ended"));
    // Seen the wrong way round.
    EXPECT_THAT(events(Packets{shake[1], shake[0], shake[2]} << Packets{talk.client_says("y")}),
                ElementsAre(kOpened, ">> 1 @1 \"y\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, BothEndsOpenAtOnce) {
    const Packets packets{ipv4({kClient, kServer}, tcp(kClient, kServer, 10, 0, kSyn)),
                          ipv4({kServer, kClient}, tcp(kServer, kClient, 90, 0, kSyn)),
                          ipv4({kClient, kServer}, tcp(kClient, kServer, 10, 91, kSyn | kAck)),
                          ipv4({kServer, kClient}, tcp(kServer, kClient, 90, 11, kSyn | kAck)),
                          ipv4({kClient, kServer}, tcp(kClient, kServer, 11, 91, kAck, "c")),
                          ipv4({kServer, kClient}, tcp(kServer, kClient, 91, 12, kAck, "s"))};
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @0 \"c\"", "<< 1 @0 \"s\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, ConnectionsInterleave) {
    Talk one(kClient, kServer);
    Talk two({3, 40000}, kServer);
    const Packets a = one.handshake();
    const Packets b = two.handshake();
    EXPECT_THAT(events({a[0], b[0], b[1], a[1], a[2], b[2], two.client_says("two"), one.client_says("one"),
                        two.server_says("2"), one.server_says("1")}),
                ElementsAre("open 2 from_start none wire 10.0.0.3:40000 -> 10.0.0.2:8080", ">> 2 @0 \"two\"", kOpened,
                            ">> 1 @0 \"one\"", "<< 2 @0 \"2\"", "<< 1 @0 \"1\"", "close 1 source_ended",
                            "close 2 source_ended"));
}

TEST_F(ConnectionTest, Ipv6AndIpv4AreDifferentConnections) {
    const std::string segment = tcp(kClient, kServer, 1, 2, kAck, "GET / HTTP/1.1\r\n\r\n");
    const Lines got = events({ipv4({kClient, kServer}, segment), ipv6({kClient, kServer}, segment)});
    EXPECT_EQ(got[2], "open 2 joined none wire 2001:db8::1:40000 -> 2001:db8::2:8080");
}

TEST_F(ConnectionTest, SnapLengthTellsHowMuchIsMissing) {
    Talk talk(kClient, kServer);
    const Packets shake = talk.handshake();
    const std::string cut = talk.client_says("0123456789");
    std::string file = pcap_header();
    for (const std::string& packet : shake)
        file += pcap_record(1, 0, packet);
    file += pcap_record(2, 0, cut.substr(0, 44), ByteOrder::little, cut.size());
    file += pcap_record(3, 0, talk.client_packet(kAck, "retransmitted and more", -22));
    file += pcap_record(3, 0, talk.client_says("next"));
    EXPECT_THAT(decode({file}), ElementsAre(kOpened, ">> 1 @0 \"0123\" of 10 packet_truncated",
                                            ">> 1 @0 \"d and more\"", ">> 1 @10 \"next\"", "close 1 source_ended"));
    EXPECT_EQ(losses_.get(Loss::packet_truncated), 1U);
}

TEST_F(ConnectionTest, TableIsBoundedAndGivesUpTheIdlest) {
    limits_.connections = 3;
    Packets packets;
    std::vector<Talk> talks;
    for (std::uint8_t host = 10; host < 14; ++host)
        talks.emplace_back(Peer{host, 40000}, kServer);
    for (Talk& talk : talks) {
        packets = packets << talk.handshake() << Packets{talk.client_says("x")};
        if (&talk == &talks[2]) packets.push_back(talks[0].client_says("still here"));
    }
    const Lines got = events(packets);
    EXPECT_EQ(losses_.get(Loss::connection_limit), 1U);
    EXPECT_THAT(got, testing::Contains("close 2 source_ended"));
    EXPECT_EQ(got[got.size() - 3], "close 1 source_ended");
}

TEST_F(ConnectionTest, FloodOfSynsDoesNotPushOutConnectionsThatMatter) {
    limits_.connections = 100;
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("one")};
    for (std::uint16_t port = 1; port < 2000; ++port)
        packets.push_back(Talk({9, port}, kServer).syn());
    EXPECT_THAT(events(packets << Packets{talk.client_says("two")}),
                ElementsAre(kOpened, ">> 1 @0 \"one\"", ">> 1 @3 \"two\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, ClosedConnectionsLeaveTheTable) {
    TcpTracker tracker(losses_);
    model::LossCounters losses;
    std::int64_t now = 0;
    for (std::uint16_t port = 1; port < 5000; ++port) {
        Talk talk({1, port}, kServer);
        for (const std::string& packet : talk.handshake()
                                             << Packets{talk.client_says("x"), talk.client_fin(), talk.server_fin()}) {
            const auto segment = tcp_segment({as_bytes(packet), packet.size()}, losses);
            tracker.feed(*segment, base::time_from_unix_ns(now += 1'000'000), [](const model::CaptureEvent&) {});
        }
        ASSERT_LT(tracker.connections(), 910U);
    }
}

TEST_F(ConnectionTest, AnyCutGivesTheSameEvents) {
    Talk talk(kClient, kServer, 0xffff'fff0);
    Packets packets = talk.handshake() << Packets{talk.client_says("GET / HTTP/1.1\r\n\r\n")};
    const std::string one = talk.server_says("HTTP/1.1 200 OK\r\n\r\n");
    const std::string two = talk.server_says("body");
    packets = packets << Packets{two, one, talk.client_fin(), talk.server_fin()};
    Talk joined({3, 80}, {4, 50000});
    packets.push_back(joined.client_says("HTTP/1.1 200 OK\r\n"));
    expect_same_for_any_cut(pcap_file(packets), [this](const Pieces& pieces) { return decode(pieces); });
}

TEST_F(ConnectionTest, WhatWasAcknowledgedAndNotSeenIsMissingBeforeTheNextBytesOfEitherSide) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("one")};
    talk.skip_client(3);  // an acknowledgement alone does not tell: its packet may have overtaken the bytes
    packets = packets << Packets{talk.server_packet(kAck), talk.server_says("answer")};
    talk.skip_server(4);
    packets = packets << Packets{talk.client_says("two"), talk.server_says("end")};
    EXPECT_THAT(events(packets), ElementsAre(kOpened, ">> 1 @0 \"one\"", ">> 1 @3 \"\" of 3 stream_gap",
                                             "<< 1 @0 \"answer\"", "<< 1 @6 \"\" of 4 stream_gap", ">> 1 @6 \"two\"",
                                             "<< 1 @10 \"end\"", "close 1 source_ended"));
}

// As in a file merged from two taps whose clocks differ.
TEST_F(ConnectionTest, WhatOvertookBytesThatItAcknowledgesIsKeptBackForAMoment) {
    Talk talk(kClient, kServer);
    const Packets shake = talk.handshake();
    const std::string one = talk.client_says("one"), two = talk.client_says("two");
    const std::string answer = talk.server_says("answer"), end = talk.server_says("end");
    const std::string next = talk.client_says("next");
    const Lines told{kOpened,           ">> 1 @0 \"one\"",  ">> 1 @3 \"two\"",     "<< 1 @0 \"answer\"",
                     "<< 1 @6 \"end\"", ">> 1 @6 \"next\"", "close 1 source_ended"};
    EXPECT_EQ(events(shake << Packets{one, answer, end, two, next}), told);
    EXPECT_EQ(events(shake << Packets{answer, one, end, next, two}), told);
    EXPECT_EQ(events(shake << Packets{one, two, answer, next, end}), told);
    const Lines too_late{kOpened,           ">> 1 @0 \"one\"", ">> 1 @3 \"\" of 3 stream_gap", "<< 1 @0 \"answer\"",
                         "<< 1 @6 \"end\"", ">> 1 @3 \"two\"", "close 1 source_ended"};
    const Packets silence(101, talk.server_packet(kAck));  // milliseconds
    EXPECT_EQ(events(shake << Packets{one, answer, end} << silence << Packets{two}), too_late);
    EXPECT_EQ(events(shake << Packets{one, answer, end, two}, {5}), too_late);
}

TEST_F(ConnectionTest, WhatIsKeptBackIsNotMissing) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("ask"), talk.server_says("one")};
    talk.skip_server(3);
    const std::string three = talk.server_says("three");
    // The acknowledgement of all has overtaken what it acknowledges.
    EXPECT_THAT(events(packets << Packets{talk.client_packet(kAck), three}),
                ElementsAre(kOpened, ">> 1 @0 \"ask\"", "<< 1 @0 \"one\"", "<< 1 @3 \"\" of 3 stream_gap",
                            "<< 1 @6 \"three\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, AnEndLetsGoWhatIsKeptBack) {
    for (const bool reset : {true, false}) {
        Talk talk(kClient, kServer);
        Packets packets = talk.handshake() << Packets{talk.client_says("one")};
        talk.skip_client(3);
        packets.push_back(talk.server_says("answer"));
        packets = packets << (reset ? Packets{talk.server_packet(kRst | kAck)}
                                    : Packets{talk.server_fin(), talk.client_fin()});
        const Lines got = events(packets);
        EXPECT_THAT(Lines(got.begin(), got.begin() + 4),
                    ElementsAre(kOpened, ">> 1 @0 \"one\"", ">> 1 @3 \"\" of 3 stream_gap", "<< 1 @0 \"answer\""));
    }
}

TEST_F(ConnectionTest, NothingIsMissingWhereAFinWasAcknowledgedAndNotSeen) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("one")};
    talk.client_fin();
    EXPECT_THAT(events(packets << Packets{talk.server_says("answer")}),
                ElementsAre(kOpened, ">> 1 @0 \"one\"", "<< 1 @0 \"answer\"", "close 1 source_ended"));
}

TEST_F(ConnectionTest, AnAcknowledgementOfMoreThanCanBeUnderwayIsNotBelieved) {
    Talk talk(kClient, kServer);
    Packets packets = talk.handshake() << Packets{talk.client_says("one")};
    talk.skip_client(1U << 30);
    EXPECT_THAT(events(packets << Packets{talk.server_says("answer")}),
                ElementsAre(kOpened, ">> 1 @0 \"one\"", "<< 1 @0 \"answer\"", "close 1 source_ended"));
}

}  // namespace
}  // namespace llmsnoop::capture
