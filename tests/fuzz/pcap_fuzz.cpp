// Capture files of arbitrary bytes, through packets and connections to events.
//   - the events keep the promises of a source, and every connection that was opened is closed;
//   - how the file is cut into pieces makes no difference;
//   - the table of connections stays within its limit, which is tiny here so that it is met.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/capture/pcap_decoder.h"
#include "tests/support/capture_rules.h"
#include "tests/support/event_text.h"

namespace {

using namespace llmsnoop;

struct Run {
    std::vector<support::OwnedEvent> events;
    std::vector<std::uint64_t> losses;
};

Run decode(base::Bytes file, std::size_t piece) {
    Run out;
    model::LossCounters losses;
    capture::TcpLimits limits;
    limits.connections = 6;
    capture::PcapDecoder decoder(file.first(capture::PcapLimits::kMagic), losses, limits);
    support::CaptureRules rules;
    const auto note = [&](const model::CaptureEvent& event) {
        rules.check(event);
        out.events.emplace_back(event);
    };
    for (std::size_t at = 0; at < file.size(); at += piece) {
        // A copy of its own for every piece, so that a view kept beyond the call is found out.
        const std::vector<std::uint8_t> copy(
            file.begin() + static_cast<std::ptrdiff_t>(at),
            file.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, file.size())));
        decoder.feed(copy, note);
    }
    decoder.finish(note);
    rules.check_end();
    for (std::size_t i = 0; i < model::kLossCount; ++i)
        out.losses.push_back(losses.get(static_cast<model::Loss>(i)));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::Bytes file(data, size);
    if (!capture::PcapReader::recognises(file)) return 0;
    const Run whole = decode(file, size);
    for (const std::size_t piece : {std::size_t{1}, 1 + size % 97}) {
        const Run cut = decode(file, piece);
        if (cut.events != whole.events || cut.losses != whole.losses) std::abort();
    }
    return 0;
}
