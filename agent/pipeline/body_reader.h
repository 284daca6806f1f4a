#pragma once
// One body on its way: content decoding, then framing, with byte counts and an optional hash of the decoded bytes.
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/memory_budget.h"
#include "agent/base/sha256.h"
#include "agent/framing/content_decoder.h"
#include "agent/framing/framer.h"
#include "agent/model/completeness.h"
#include "agent/model/frame.h"
#include "agent/model/http_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::pipeline {

enum class BodyHash : std::uint8_t { none, sha256 };

class BodyReader {
 public:
    BodyReader(model::Part part, const model::MessageHead& head, model::Framing framing, BodyHash hash,
               model::LossCounters& losses, base::MemoryBudget& memory);

    void feed(base::Time time, base::Bytes bytes, framing::FrameOut out);
    void gap(base::Time time, framing::FrameOut out);
    void end(base::Time time, bool whole, framing::FrameOut out);

    std::uint64_t wire_bytes() const { return wire_bytes_; }
    // Lowered by what was lost or cut on the way.
    model::Completeness completeness() const;
    // Of the decoded body; empty unless asked for and whole.
    std::string take_sha256();

 private:
    void take(base::Time time, base::Bytes decoded, framing::FrameOut out);
    void note_failure(base::Time time, framing::FrameOut out);
    bool fits() { return memory_.hold(decoder_.held_bytes() + framer_.held_bytes()); }
    void give_up(base::Time time, framing::FrameOut out);

    model::LossCounters& losses_;
    base::MemoryShare memory_;
    framing::ContentDecoder decoder_;
    framing::Framer framer_;
    std::optional<base::Sha256> hash_;
    std::uint64_t wire_bytes_ = 0;
    bool gap_ = false;
    bool whole_ = false;
    bool failure_counted_ = false;
    bool given_up_ = false;  // for want of memory
};

}  // namespace llmsnoop::pipeline
