// Link layers, IPv4 and IPv6: where the TCP segment of a packet is.
#include <gtest/gtest.h>

#include "agent/capture/packet_segment.h"
#include "tests/support/event_text.h"
#include "tests/support/packet_builder.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using model::Loss;
using namespace support;  // NOLINT(google-build-using-namespace): every line below builds packets

constexpr Peer kClient{1, 40000};
constexpr Peer kServer{2, 8080};

const std::string kTcp = tcp(kClient, kServer, 100, 200, kAck | kPsh, "hello");
const std::string kV4 = ipv4({kClient, kServer}, kTcp);
const std::string kV6 = ipv6({kClient, kServer}, kTcp);

class PacketTest : public testing::Test {
 protected:
    // "SOURCE > DESTINATION PAYLOAD/LENGTH", or what was lost, or "nothing".
    std::string decode(std::uint32_t link, std::string_view bytes, std::size_t length = 0) {
        const std::uint64_t before[] = {losses_.get(Loss::packet_malformed), losses_.get(Loss::packet_truncated),
                                        losses_.get(Loss::packet_fragment), losses_.get(Loss::packet_link)};
        Packet packet;
        packet.link = link;
        packet.bytes = as_bytes(bytes);
        packet.length = std::max(length, bytes.size());
        const auto ip = ip_packet(packet, losses_);
        const auto segment = ip ? tcp_segment(*ip, losses_) : std::nullopt;
        if (segment) {
            return text_of_endpoint(segment->source) + " > " + text_of_endpoint(segment->destination) + " " +
                   std::string(base::as_text(segment->payload)) + "/" + std::to_string(segment->length);
        }
        if (losses_.get(Loss::packet_malformed) > before[0]) return "malformed";
        if (losses_.get(Loss::packet_truncated) > before[1]) return "truncated";
        if (losses_.get(Loss::packet_fragment) > before[2]) return "fragment";
        if (losses_.get(Loss::packet_link) > before[3]) return "link";
        return "nothing";
    }

    model::LossCounters losses_;
};

const std::string kHello = "10.0.0.1:40000 > 10.0.0.2:8080 hello/5";
const std::string kHelloV6 = "2001:db8::1:40000 > 2001:db8::2:8080 hello/5";

TEST_F(PacketTest, RawIpOfEveryNumber) {
    for (const std::uint32_t link : {101U, 12U, 14U, 228U, 229U}) {
        EXPECT_EQ(decode(link, kV4), kHello);
        EXPECT_EQ(decode(link, kV6), kHelloV6);
    }
}

TEST_F(PacketTest, EthernetWithTagsAndPadding) {
    EXPECT_EQ(decode(1, ethernet(0x0800, kV4)), kHello);
    EXPECT_EQ(decode(1, ethernet(0x86dd, kV6)), kHelloV6);
    EXPECT_EQ(decode(1, ethernet(0x0800, kV4, {0x8100})), kHello);
    EXPECT_EQ(decode(1, ethernet(0x86dd, kV6, {0x88a8, 0x8100})), kHelloV6);
    EXPECT_EQ(decode(1, ethernet(0x0800, kV4 + std::string(10, '\0'))), kHello);
    EXPECT_EQ(decode(1, ethernet(0x0806, "an ARP request")), "nothing");
    EXPECT_EQ(decode(1, ethernet(0x8864, "PPPoE")), "link");
    EXPECT_EQ(decode(1, ethernet(0x0800, "", {0x8100}).substr(0, 15)), "malformed");
    EXPECT_EQ(decode(1, ethernet(0x0800, kV4).substr(0, 13), 59), "truncated");
}

TEST_F(PacketTest, LinuxCookedBothVersions) {
    const std::string sll = std::string(14, '\0') + number(std::uint16_t{0x0800});
    EXPECT_EQ(decode(113, sll + kV4), kHello);
    const std::string sll2 = number(std::uint16_t{0x86dd}) + std::string(18, '\0');
    EXPECT_EQ(decode(276, sll2 + kV6), kHelloV6);
    EXPECT_EQ(decode(276, sll2.substr(0, 19)), "malformed");
}

TEST_F(PacketTest, BsdLoopbackInBothByteOrders) {
    EXPECT_EQ(decode(0, number(2U, ByteOrder::little) + kV4), kHello);
    EXPECT_EQ(decode(0, number(2U, ByteOrder::big) + kV4), kHello);
    EXPECT_EQ(decode(0, number(30U, ByteOrder::little) + kV6), kHelloV6);
    EXPECT_EQ(decode(108, number(24U, ByteOrder::big) + kV6), kHelloV6);
    EXPECT_EQ(decode(0, number(1U, ByteOrder::little) + kV4), "nothing");
    EXPECT_EQ(decode(0, "abc"), "malformed");
}

TEST_F(PacketTest, LinkLayerThatIsNotUnderstood) {
    EXPECT_EQ(decode(127, "radiotap"), "link");
}

TEST_F(PacketTest, OptionsOfIpv4AndOfTcp) {
    Ipv4 head{kClient, kServer};
    head.options = std::string("\x07\x04\x04\x00", 4);
    EXPECT_EQ(decode(101, ipv4(head, kTcp)), kHello);
    EXPECT_EQ(decode(101, ipv4({kClient, kServer}, tcp(kClient, kServer, 1, 2, kAck, "hello", std::string(12, 1)))),
              kHello);
}

TEST_F(PacketTest, ExtensionHeadersOfIpv6) {
    Ipv6 head{kClient, kServer};
    head.next = 0;  // hop by hop, then routing, then destination options
    EXPECT_EQ(decode(101, ipv6(head, ipv6_extension(43, ipv6_extension(60, ipv6_extension(6, kTcp))))), kHelloV6);
    head.next = 51;  // authentication header: the length counts words
    EXPECT_EQ(decode(101, ipv6(head, std::string("\x06\x04", 2) + std::string(22, '\0') + kTcp)), kHelloV6);
    head.next = 44;  // an atomic fragment
    EXPECT_EQ(decode(101, ipv6(head, ipv6_extension(6, kTcp))), kHelloV6);
    head.next = 17;
    EXPECT_EQ(decode(101, ipv6(head, "a datagram")), "nothing");
    head.next = 60;  // reaches beyond the packet
    EXPECT_EQ(decode(101, ipv6(head, std::string("\x06\xff", 2) + std::string(30, '\0'))), "malformed");
    EXPECT_EQ(decode(101, ipv6(head, std::string("\x06", 1))), "malformed");
}

TEST_F(PacketTest, FragmentsAreCounted) {
    Ipv4 v4{kClient, kServer};
    v4.fragment = 0x2000;
    EXPECT_EQ(decode(101, ipv4(v4, kTcp)), "fragment");
    v4.fragment = 0x0010;
    EXPECT_EQ(decode(101, ipv4(v4, kTcp)), "fragment");
    v4.protocol = 17;
    EXPECT_EQ(decode(101, ipv4(v4, kTcp)), "nothing");
    Ipv6 v6{kClient, kServer};
    v6.next = 44;
    EXPECT_EQ(decode(101, ipv6(v6, std::string("\x06\x00\x00\x01\x00\x00\x00\x01", 8) + kTcp)), "fragment");
    EXPECT_EQ(decode(101, ipv6(v6, std::string("\x11\x00\x00\x08\x00\x00\x00\x01", 8) + kTcp)), "nothing");
}

TEST_F(PacketTest, SnapLengthCutsThePayload) {
    EXPECT_EQ(decode(101, kV4.substr(0, 42), kV4.size()), "10.0.0.1:40000 > 10.0.0.2:8080 he/5");
    EXPECT_EQ(decode(101, kV4.substr(0, 40), kV4.size()), "10.0.0.1:40000 > 10.0.0.2:8080 /5");
    EXPECT_EQ(decode(1, ethernet(0x86dd, kV6).substr(0, 75), 79), "2001:db8::1:40000 > 2001:db8::2:8080 h/5");
    // Within the options of TCP the length is still known, within its fixed part it is not.
    const std::string options =
        ipv4({kClient, kServer}, tcp(kClient, kServer, 1, 2, kAck, "hello", std::string(12, 1)));
    EXPECT_EQ(decode(101, options.substr(0, 45), options.size()), "10.0.0.1:40000 > 10.0.0.2:8080 /5");
    EXPECT_EQ(decode(101, kV4.substr(0, 39), kV4.size()), "truncated");
    EXPECT_EQ(decode(101, kV4.substr(0, 19), kV4.size()), "truncated");
    EXPECT_EQ(decode(101, kV6.substr(0, 39), kV6.size()), "truncated");
    EXPECT_EQ(decode(101, "", 100), "truncated");
}

TEST_F(PacketTest, OffloadedPacketsHaveNoLengthOfTheirOwn) {
    const std::string big(70'000, 'x');
    const std::string segment = tcp(kClient, kServer, 1, 2, kAck, big);
    Ipv4 v4{kClient, kServer};
    v4.length = 0;
    EXPECT_EQ(decode(101, ipv4(v4, segment)), "10.0.0.1:40000 > 10.0.0.2:8080 " + big + "/70000");
    Ipv6 v6{kClient, kServer};
    v6.length = 0;
    EXPECT_EQ(decode(101, ipv6(v6, segment)), "2001:db8::1:40000 > 2001:db8::2:8080 " + big + "/70000");
}

TEST_F(PacketTest, HeadersThatContradictEachOther) {
    Ipv4 v4{kClient, kServer};
    v4.length = 19;
    EXPECT_EQ(decode(101, ipv4(v4, kTcp)), "malformed");
    v4.length = 39;  // no room for TCP's header
    EXPECT_EQ(decode(101, ipv4(v4, kTcp)), "malformed");
    std::string short_header = kV4;
    short_header[0] = '\x44';
    EXPECT_EQ(decode(101, short_header), "malformed");
    std::string offset = kTcp;
    offset[12] = '\x40';
    EXPECT_EQ(decode(101, ipv4({kClient, kServer}, offset)), "malformed");
    offset[12] = '\xf0';
    EXPECT_EQ(decode(101, ipv4({kClient, kServer}, offset)), "malformed");
    EXPECT_EQ(decode(101, "\x55 no IP"), "malformed");
    EXPECT_EQ(decode(101, ""), "malformed");
    EXPECT_EQ(decode(101, kV4.substr(0, 19)), "malformed");
    EXPECT_EQ(decode(101, kV6.substr(0, 39)), "malformed");
}

TEST_F(PacketTest, NothingIsReadBeyondAnyCut) {
    for (const std::string& whole : {kV4, kV6, ethernet(0x0800, kV4, {0x8100})}) {
        const std::uint32_t link = whole == kV4 || whole == kV6 ? 101 : 1;
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const std::string exact = whole.substr(0, size);  // a copy, so that the sanitizer sees its end
            decode(link, exact);
            decode(link, exact, whole.size());
        }
    }
}

}  // namespace
}  // namespace llmsnoop::capture
