// Arbitrary bytes as records of a ring buffer (bpf/shared/wire.h). Input: records, each after its length in 16 bits, as
// a ring buffer hands them out.
//   - an event comes only out of a record that has room for the fixed part of its kind;
//   - a chunk's bytes lie within the record, and there are no more of them than it stands for;
//   - what is refused is counted, once, and what is not is not;
//   - bytes beyond the record's own size (size classes) are old memory and make no difference.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "agent/base/endian.h"
#include "agent/capture/record_decoder.h"
#include "bpf/shared/wire.h"
#include "tests/support/event_text.h"

namespace {

using namespace llmsnoop;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

std::size_t fixed_size(std::uint8_t kind) {
    switch (kind) {
        case WIRE_DATA:
            return sizeof(wire_data);
        case WIRE_CONNECTION_OPEN:
            return sizeof(wire_connection_open);
        case WIRE_CONNECTION_SOCKET:
            return sizeof(wire_connection_socket);
        case WIRE_CONNECTION_NAME:
            return sizeof(wire_connection_name);
        case WIRE_DIRECTION_END:
            return sizeof(wire_direction_end);
        case WIRE_CONNECTION_CLOSE:
            return sizeof(wire_connection_close);
        case WIRE_PROCESS:
            return sizeof(wire_process);
        case WIRE_PROCESS_EXEC:
        case WIRE_PROCESS_EXIT:
            return sizeof(wire_process_end);
        case WIRE_HELLO:
            return sizeof(wire_hello);
        case WIRE_HELLO_DATA:
            return sizeof(wire_hello_data);
        default:
            return SIZE_MAX;
    }
}

std::optional<support::OwnedEvent> decode(base::Bytes record) {
    model::LossCounters losses;
    capture::RecordDecoder decoder(losses);
    decoder.set_clock(base::Duration(1'700'000'000'000'000'000));
    const auto event = decoder.decode(record);
    const std::uint64_t refused = losses.get(model::Loss::record_size) + losses.get(model::Loss::record_version) +
                                  losses.get(model::Loss::record_kind);
    require(refused == (event ? 0U : 1U), "what is refused is counted once");
    if (!event) return std::nullopt;

    const auto size = base::load_le<std::uint32_t>(record.data());
    require(size <= record.size(), "a record is not longer than its memory");
    require(size >= fixed_size(record[offsetof(wire_header, kind)]), "an event has its fixed part");
    if (const auto* chunk = std::get_if<model::Chunk>(&*event)) {
        require(chunk->bytes.size() <= chunk->length, "no more bytes than the chunk stands for");
        require(chunk->bytes.data() >= record.data() + sizeof(wire_data) &&
                    chunk->bytes.data() + chunk->bytes.size() <= record.data() + size,
                "the chunk's bytes lie within the record");
    }
    return support::OwnedEvent(*event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    while (size >= 2) {
        const std::size_t length = std::min<std::size_t>(base::load_le<std::uint16_t>(data), size - 2);
        // A copy of its own size, so that the sanitizer sees every step beyond the record.
        std::vector<std::uint8_t> record(data + 2, data + 2 + length);
        data += 2 + length;
        size -= 2 + length;
        const auto event = decode(record);
        if (!event) continue;
        const auto own = base::load_le<std::uint32_t>(record.data());
        std::fill(record.begin() + own, record.end(), std::uint8_t{0xa5});
        require(decode(record) == event, "old memory makes no difference");
        record.resize(own);
        require(decode(record) == event, "old memory is not needed");
    }
    return 0;
}
