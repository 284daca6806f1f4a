#pragma once
// A capture file from packets, and what it tells, for the tests of connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/capture/pcap_decoder.h"
#include "tests/support/any_cut.h"
#include "tests/support/event_text.h"
#include "tests/support/packet_builder.h"

namespace llmsnoop::capture {

using namespace support;  // NOLINT(google-build-using-namespace): every line of these tests builds packets

inline constexpr Peer kClient{1, 40000};
inline constexpr Peer kServer{2, 8080};
inline constexpr const char* kOpened = "open 1 from_start none wire 10.0.0.1:40000 -> 10.0.0.2:8080";
inline constexpr const char* kJoined = "open 1 joined none wire 10.0.0.1:40000 -> 10.0.0.2:8080";
inline constexpr std::uint64_t kJoin = TcpDirection::kJoinedAt;

using Lines = std::vector<std::string>;
using Packets = std::vector<std::string>;

// What a capture of these packets, a millisecond apart, tells.
class ConnectionTest : public testing::Test {
 protected:
    // `waits`: a minute of silence after the packets with these numbers.
    Lines events(const Packets& packets, const std::vector<std::size_t>& waits = {}) {
        std::string file = pcap_header();
        std::uint32_t second = 1'700'000'000;
        for (std::size_t i = 0; i < packets.size(); ++i) {
            file += pcap_record(second, static_cast<std::uint32_t>(i % 1000 * 1000), packets[i]);
            if (std::find(waits.begin(), waits.end(), i) != waits.end()) second += 60;
        }
        return decode({file});
    }

    Lines decode(const Pieces& pieces) {
        Lines out;
        std::string whole;
        for (const auto piece : pieces)
            whole += piece;
        PcapDecoder decoder(base::as_bytes(whole).first(4), losses_, limits_);
        const auto note = [&](const model::CaptureEvent& event) { out.push_back(text_of_event(event)); };
        for (const auto piece : pieces)
            decoder.feed(base::as_bytes(piece), note);
        decoder.finish(note);
        return out;
    }

    static std::string at(std::uint64_t offset) { return "@" + std::to_string(offset); }

    model::LossCounters losses_;
    TcpLimits limits_;
};

// First one, then the other: unlike +, this operator evaluates its operands in that order, and a Talk counts on it.
inline Packets operator<<(Packets a, const Packets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace llmsnoop::capture
