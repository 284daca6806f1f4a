// stream::ByteStream: whatever the chunks, what comes out is contiguous, and each byte is the first one that was sent
// for its place. Input: one octet of options, then records of offset (16 bits), true length, captured length, time (8
// bits each).
#include <cstdio>
#include <cstdlib>
#include <map>

#include "agent/base/endian.h"
#include "agent/stream/byte_stream.h"

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace llmsnoop;
    if (size == 0) return 0;
    const auto ordering = (data[0] & 1) == 0 ? model::Ordering::may_reorder : model::Ordering::in_order;
    stream::Limits limits;
    if ((data[0] & 2) != 0) limits = {64, 4, std::chrono::nanoseconds(20)};
    const std::uint64_t shift = (data[0] & 4) != 0 ? UINT64_MAX - 65535 : 0;  // offsets that nearly overflow

    model::LossCounters losses;
    stream::ByteStream stream(ordering, losses, limits);
    stream.start_at(shift);
    std::map<std::uint64_t, std::uint8_t> first;  // what was sent first for each place
    std::uint64_t next = shift;
    const auto note = [&](const model::StreamItem& item) {
        if (const auto* bytes = std::get_if<model::StreamBytes>(&item)) {
            require(bytes->offset == next && !bytes->bytes.empty(), "bytes are contiguous");
            for (const std::uint8_t byte : bytes->bytes)
                require(first.at(next++) == byte, "the first copy wins");
        } else {
            const auto& gap = std::get<model::Gap>(item);
            require(gap.offset == next && gap.length > 0, "gaps are contiguous");
            next += gap.length;
        }
        require(next >= shift, "nothing overflows");
    };

    std::uint8_t content[255];
    for (std::size_t i = 0; i < sizeof content; ++i)
        content[i] = static_cast<std::uint8_t>(i);
    std::int64_t time = 0;
    for (std::size_t at = 1; size - at >= 5; at += 5) {
        const std::uint64_t offset = shift + base::load_le<std::uint16_t>(data + at);
        std::uint64_t length = data[at + 2];
        const std::size_t captured = data[at + 3];
        time += data[at + 4];
        if (length == 255) length = UINT64_MAX;
        // Every chunk has content of its own, so that copies can be told apart.
        for (std::uint8_t& byte : content)
            byte = static_cast<std::uint8_t>(byte + 11);
        for (std::size_t i = 0; i < captured && offset + i >= offset && offset + i != UINT64_MAX; ++i) {
            if (offset + i >= next) first.emplace(offset + i, content[i]);
        }
        stream.feed(model::Chunk{1, model::Direction::sent, offset, base::time_from_unix_ns(time), length,
                                 base::Bytes(content).first(captured), model::Loss::ring_full},
                    note);
        if ((data[at + 4] & 0x80) != 0) stream.advance(base::time_from_unix_ns(++time), note);
    }
    stream.end((data[0] & 8) != 0 ? std::optional<std::uint64_t>(shift + 40'000) : std::nullopt, {}, note);
    require(stream.next_offset() == next, "the stream knows where it is");
    return 0;
}
