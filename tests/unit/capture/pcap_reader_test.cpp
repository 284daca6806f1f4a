// Capture files: which packets are in them, and when.
#include "agent/capture/pcap_reader.h"

#include <gtest/gtest.h>

#include "tests/support/any_cut.h"
#include "tests/support/packet_builder.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using model::Loss;
using support::ByteOrder;
using support::number;
using support::pcap_header;
using support::pcap_record;
using support::PcapNg;

struct Reading {
    std::vector<std::string> packets;  // "LINK NANOSECONDS CAPTURED/LENGTH BYTES"
    model::LossCounters losses;
    bool broken = false;
};

void read(const support::Pieces& pieces, Reading& to) {
    ASSERT_TRUE(PcapReader::recognises(as_bytes("x").first(0)) == false);
    std::string whole;
    for (const auto piece : pieces)
        whole += piece;
    ASSERT_TRUE(PcapReader::recognises(as_bytes(whole)));
    PcapReader reader(as_bytes(whole).first(PcapLimits::kMagic), to.losses);
    for (const auto piece : pieces) {
        reader.feed(as_bytes(piece), [&](const Packet& packet) {
            to.packets.push_back(std::to_string(packet.link) + " " + std::to_string(base::unix_ns(packet.time)) + " " +
                                 std::to_string(packet.bytes.size()) + "/" + std::to_string(packet.length) + " " +
                                 std::string(base::as_text(packet.bytes)));
        });
    }
    reader.finish();
    to.broken = reader.broken();
}

using Lines = std::vector<std::string>;

TEST(PcapReader, BothByteOrdersAndBothUnitsOfTime) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        for (const bool nanoseconds : {false, true}) {
            Reading got;
            read({pcap_header(1, order, nanoseconds) + pcap_record(1'700'000'000, 123456, "abc", order) +
                  pcap_record(1'700'000'001, 7, "defgh", order, 900)},
                 got);
            const char* first = nanoseconds ? "123456" : "123456000";
            const char* second = nanoseconds ? "000000007" : "000007000";
            const std::string zeros(9 - std::string(first).size(), '0');
            EXPECT_EQ(got.packets, (Lines{"1 1700000000" + zeros + first + " 3/3 abc",
                                          std::string("1 1700000001") + second + " 5/900 defgh"}));
            EXPECT_EQ(got.losses.get(Loss::packet_truncated), 0U);
        }
    }
}

TEST(PcapReader, EmptyPacketsAndAnEmptyCapture) {
    Reading none;
    read({pcap_header()}, none);
    EXPECT_TRUE(none.packets.empty());
    EXPECT_EQ(none.losses.get(Loss::packet_truncated), 0U);

    Reading empty;
    read({pcap_header() + pcap_record(1, 0, "") + pcap_record(2, 0, "x")}, empty);
    EXPECT_EQ(empty.packets, (Lines{"101 1000000000 0/0 ", "101 2000000000 1/1 x"}));
}

TEST(PcapReader, FileThatEndsInTheMiddleOfARecordGivesWhatCameBefore) {
    const std::string whole = pcap_header() + pcap_record(1, 0, "first") + pcap_record(2, 0, "second");
    const std::size_t first_end = pcap_header().size() + pcap_record(1, 0, "first").size();
    for (std::size_t size = 5; size < whole.size(); ++size) {
        Reading got;
        read({std::string_view(whole).substr(0, size)}, got);
        EXPECT_EQ(got.packets.size(), size >= first_end ? 1U : 0U) << size;
        const bool at_an_edge = size == first_end || size == pcap_header().size();
        EXPECT_EQ(got.losses.get(Loss::packet_truncated), at_an_edge ? 0U : 1U) << size;
    }
}

TEST(PcapReader, RecordLargerThanAnyPacketIsSkipped) {
    Reading got;
    std::string file = pcap_header() + pcap_record(1, 0, "first");
    file += number(1U, ByteOrder::little) + number(0U, ByteOrder::little);
    file += number(PcapLimits::kPacket + 1, ByteOrder::little) + number(1500U, ByteOrder::little);
    file += std::string(PcapLimits::kPacket + 1, 'x');
    file += pcap_record(2, 0, "last");
    read({file}, got);
    EXPECT_EQ(got.packets, (Lines{"101 1000000000 5/5 first", "101 2000000000 4/4 last"}));
    EXPECT_EQ(got.losses.get(Loss::packet_malformed), 1U);
}

// They are passed over, however much of them there is, and nothing is kept for them.
TEST(PcapReader, LengthsOfGigabytesAreNotBelieved) {
    for (const std::uint32_t length : {0x7ffffffcU, 0x80000000U, 0xfffffffcU}) {
        Reading classic;
        const std::string head = number(1U, ByteOrder::little) + number(0U, ByteOrder::little) +
                                 number(length, ByteOrder::little) + number(length, ByteOrder::little);
        read({pcap_header() + pcap_record(1, 0, "first") + head + std::string(100'000, 'x')}, classic);
        EXPECT_EQ(classic.packets, (Lines{"101 1000000000 5/5 first"}));
        EXPECT_EQ(classic.losses.get(Loss::packet_malformed), 1U) << length;

        PcapNg file;
        file.interface(1).enhanced(0, 1, "good");
        Reading next_generation;
        read({file.bytes() + file.num(6U) + file.num(length) + std::string(100'000, 'x')}, next_generation);
        EXPECT_EQ(next_generation.packets, (Lines{"1 1000 4/4 good"}));
        EXPECT_EQ(next_generation.losses.get(Loss::packet_malformed), 1U) << length;
    }
}

TEST(PcapNgReader, SeveralInterfacesWithClocksOfTheirOwn) {
    PcapNg file;
    file.interface(1, 0);                                                 // microseconds
    file.interface(101, 0, file.option(9, "\x09") + file.option(0, ""));  // nanoseconds
    file.interface(113, 0, file.option(9, "\x8a"));                       // 1/1024 s
    file.interface(276, 0, file.option(9, "\x03") + file.option(14, file.num(std::int64_t{1'000'000})));  // ms, later
    file.interface(1, 0, file.option(9, std::string(1, '\x0c')));                                         // picoseconds
    file.enhanced(0, 1'700'000'000'123'456, "micro");
    file.enhanced(1, 1'700'000'000'123'456'789, "nano");
    file.enhanced(2, 1'700'000'000ULL * 1024 + 512, "binary");
    file.enhanced(3, 699'000'000'250ULL, "offset", file.option(1, "a comment"));
    file.enhanced(4, 1'700'000ULL * 1'000'000'000'000 + 42'000, "pico");
    Reading got;
    read({file.bytes()}, got);
    EXPECT_EQ(got.packets, (Lines{
                               "1 1700000000123456000 5/5 micro",
                               "101 1700000000123456789 4/4 nano",
                               "113 1700000000500000000 6/6 binary",
                               "276 700000000250000000 6/6 offset",
                               "1 1700000000000042 4/4 pico",
                           }));
}

TEST(PcapNgReader, SeveralSectionsInDifferentByteOrders) {
    PcapNg file(ByteOrder::big);
    file.interface(1).enhanced(0, 1, "big");
    file.section(ByteOrder::little);
    file.enhanced(0, 2, "of no interface");  // the list of interfaces begins anew
    file.interface(101).enhanced(0, 3, "little");
    Reading got;
    read({file.bytes()}, got);
    EXPECT_EQ(got.packets, (Lines{"1 1000 3/3 big", "101 3000 6/6 little"}));
    EXPECT_EQ(got.losses.get(Loss::packet_malformed), 1U);
}

TEST(PcapNgReader, SimpleAndOldPacketsAndUnknownBlocks) {
    PcapNg file;
    file.interface(101, 6);
    file.block(0x0bad, "something else");
    file.block(5, std::string(PcapLimits::kBlock + 8, 's'));  // statistics, and too many
    file.old(0, 5'000'000, "oldfashioned");
    file.simple("simple..", 100);  // cut by the snap length of the interface
    file.simple("abc", 3);         // padded
    Reading got;
    read({file.bytes()}, got);
    EXPECT_EQ(got.packets,
              (Lines{"101 5000000000 12/12 oldfashioned", "101 5000000000 6/100 simple", "101 5000000000 3/3 abc"}));
    EXPECT_EQ(got.losses.get(Loss::packet_malformed), 0U);
}

TEST(PcapNgReader, PacketThatClaimsMoreThanItsBlockHolds) {
    PcapNg file;
    file.interface(1);
    file.block(6, file.num(0U) + file.num(0U) + file.num(0U) + file.num(50U) + file.num(50U) + "short");
    file.block(6, "tiny");
    file.block(3, "");
    file.block(1, "");
    file.enhanced(0, 1, "good");
    Reading got;
    read({file.bytes()}, got);
    EXPECT_EQ(got.packets, (Lines{"1 1000 4/4 good"}));
    EXPECT_EQ(got.losses.get(Loss::packet_malformed), 4U);
}

TEST(PcapNgReader, LengthThatMakesNoSenseEndsTheReading) {
    for (const std::uint32_t length : {0U, 4U, 11U, 13U, 30U}) {
        PcapNg file;
        file.interface(1).enhanced(0, 1, "good");
        const std::string bad = file.num(6U) + file.num(length) + std::string(64, 'x');
        Reading got;
        read({file.bytes() + bad}, got);
        EXPECT_EQ(got.packets, (Lines{"1 1000 4/4 good"}));
        EXPECT_TRUE(got.broken);
        EXPECT_EQ(got.losses.get(Loss::packet_malformed), 1U);
    }
}

TEST(PcapNgReader, ByteOrderMarkThatIsNone) {
    Reading got;
    read({PcapNg().bytes().substr(0, 8) + "what" + std::string(40, 'x')}, got);
    EXPECT_TRUE(got.broken);
}

TEST(PcapNgReader, InterfacesAreBounded) {
    PcapNg file;
    for (std::size_t i = 0; i < PcapLimits::kInterfaces + 3; ++i)
        file.interface(1);
    Reading got;
    read({file.bytes()}, got);
    EXPECT_EQ(got.losses.get(Loss::packet_malformed), 3U);
}

TEST(PcapClock, HostileTimesStayWithinReach) {
    const auto first = base::time_from_unix_ns(0);
    for (unsigned exponent = 0; exponent < 128; ++exponent) {
        for (const bool binary : {false, true}) {
            for (const std::int64_t offset : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
                for (const std::uint64_t units : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
                    const base::Time at = PcapClock{binary, static_cast<std::uint8_t>(exponent), offset}.at(units);
                    EXPECT_GE(at, first);
                    EXPECT_LE(base::unix_ns(at), std::int64_t{1} << 62);
                }
            }
        }
    }
    EXPECT_EQ(base::unix_ns(PcapClock{true, 40, 0}.at(std::uint64_t{3} << 39)), 1'500'000'000);
    EXPECT_EQ(base::unix_ns(PcapClock{true, 70, 0}.at(std::uint64_t{1} << 63)), 7'812'500);
    EXPECT_EQ(base::unix_ns(PcapClock{false, 19, 5}.at(15'000'000'000'000'000'000U)), 6'500'000'000);
    EXPECT_EQ(base::unix_ns(PcapClock{false, 0, -7}.at(10)), 3'000'000'000);
}

TEST(PcapReader, AnyCutGivesTheSamePackets) {
    PcapNg ng;
    ng.interface(1).enhanced(0, 5, "one").block(77, "unknown").section(ByteOrder::big);
    ng.interface(101, 0, ng.option(9, "\x09")).enhanced(0, 1'000'000'007, "two").simple("three", 5);
    const std::string classic = pcap_header() + pcap_record(1, 2, "one") + pcap_record(3, 4, std::string(300, 'x')) +
                                pcap_record(5, 6, "") + pcap_record(7, 8, "end").substr(0, 17);
    for (const std::string& file : {classic, ng.bytes(), ng.bytes() + "odd"}) {
        support::expect_same_for_any_cut(file, [](const support::Pieces& pieces) {
            Reading got;
            read(pieces, got);
            Lines out = got.packets;
            out.push_back(std::to_string(got.losses.get(Loss::packet_truncated)));
            return out;
        });
    }
}

}  // namespace
}  // namespace llmsnoop::capture
