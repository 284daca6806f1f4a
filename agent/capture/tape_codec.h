#pragma once
// The records of a tape: one capture event each, in the fewest bytes that hold every field of it.
//
// Numbers are varints (seven bits a byte, lowest first), signed ones in zigzag; a time is its distance from the block's
// base time; texts and payload are a size and bytes; an optional field has a bit in the record's flags. Enumerators are
// written as numbers of the tape's own, losses by name, so that the model may grow without making old tapes lie.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/model/capture_event.h"

namespace llmsnoop::capture {

inline constexpr std::size_t kTapeRecordSize = 4;  // of the size in front of a record

// Appends the event as one record, its size first. Returns where in `out` the payload lies (empty unless it is a
// chunk).
struct TapePayload {
    std::size_t at = 0;
    std::size_t size = 0;
};
TapePayload encode_tape_record(const model::CaptureEvent& event, base::Time base_time, std::string& out);

enum class TapeRecord : std::uint8_t { event, unknown_kind, broken };

// Reads one record, without its size. A chunk borrows its bytes from `record`. `event` holds something only if the
// outcome is `event`; times lie between 1823 and 2116, and no offset plus length exceeds 2^63, whatever the record
// says.
TapeRecord decode_tape_record(base::Bytes record, base::Time base_time, model::CaptureEvent& event);

// Files name losses, because their numbers change from one version of the agent to the next.
std::optional<model::Loss> loss_named(std::string_view name);

}  // namespace llmsnoop::capture
