// Tapes of arbitrary bytes. The first byte chooses:
//   even: the rest is a tape; how it is cut into pieces makes no difference;
//   odd: the rest is the records of a block whose checksums are right, as only a hostile tape has them. Whatever is
//        read from it can be written again and reads the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/base/endian.h"
#include "agent/capture/tape_codec.h"
#include "agent/capture/tape_reader.h"
#include "tests/support/event_text.h"

namespace {

using namespace llmsnoop;

struct Run {
    std::vector<support::OwnedEvent> events;
    std::vector<std::uint64_t> losses;
    bool refused = false;
};

Run read(base::Bytes tape, std::size_t piece) {
    Run out;
    model::LossCounters losses;
    capture::TapeReader reader(losses);
    for (std::size_t at = 0; at < tape.size() && !out.refused; at += piece) {
        // A copy of its own for every piece, so that a view kept beyond the call is found out.
        const std::vector<std::uint8_t> copy(
            tape.begin() + static_cast<std::ptrdiff_t>(at),
            tape.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, tape.size())));
        out.refused = !reader.feed(copy, [&](const model::CaptureEvent& event) { out.events.emplace_back(event); });
    }
    if (!out.refused) reader.finish();
    for (std::size_t i = 0; i < model::kLossCount; ++i)
        out.losses.push_back(losses.get(static_cast<model::Loss>(i)));
    return out;
}

template <typename Number>
void put(std::vector<std::uint8_t>& out, Number value) {
    out.resize(out.size() + sizeof value);
    base::store_le(out.data() + out.size() - sizeof value, value);
}

std::vector<std::uint8_t> tape_around(base::Bytes records) {
    using Format = capture::TapeFormat;
    std::vector<std::uint8_t> out(Format::kMagic.begin(), Format::kMagic.end());
    put(out, Format::kVersion);
    put(out, std::uint16_t{0});
    const std::vector<std::uint8_t> header(12);  // created at the epoch, by nobody
    put(out, static_cast<std::uint32_t>(header.size()));
    out.insert(out.end(), header.begin(), header.end());
    put(out, capture::tape_crc(header));
    const std::size_t block = out.size();
    out.insert(out.end(), Format::kBlockMagic.begin(), Format::kBlockMagic.end());
    put(out, std::uint32_t{0});
    put(out, static_cast<std::uint32_t>(records.size()));
    put(out, static_cast<std::uint32_t>(records.size()));
    put(out, std::uint64_t{0});
    put(out, capture::tape_crc(records));
    put(out, capture::tape_crc(base::Bytes(out).subspan(block)));
    out.insert(out.end(), records.begin(), records.end());
    return out;
}

void check_written_again(const std::vector<support::OwnedEvent>& events) {
    std::string records;
    for (const support::OwnedEvent& one : events) {
        model::CaptureEvent event = one.event;
        if (auto* chunk = std::get_if<model::Chunk>(&event)) chunk->bytes = base::as_bytes(one.payload);
        capture::encode_tape_record(event, base::Time{}, records);
    }
    const auto tape = tape_around(base::as_bytes(records));
    if (read(tape, tape.size()).events != events) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::Bytes rest(data + 1, size - 1);
    const std::vector<std::uint8_t> tape =
        data[0] % 2 == 0 ? std::vector<std::uint8_t>(rest.begin(), rest.end()) : tape_around(rest);
    const Run whole = read(tape, tape.size());
    for (const std::size_t piece : {std::size_t{1}, 1 + tape.size() % 89}) {
        const Run cut = read(tape, piece);
        if (cut.events != whole.events || cut.losses != whole.losses || cut.refused != whole.refused) std::abort();
    }
    check_written_again(whole.events);
    return 0;
}
