#include "agent/pipeline/body_reader.h"

namespace llmsnoop::pipeline {

namespace {
// Files of batch results can be longer than any bomb needs to be; JSON lines are packed to a tenth, not to a hundredth.
constexpr framing::DecoderLimits kLimits{.ordinary_ratio = 100};
}  // namespace

BodyReader::BodyReader(model::Part part, const model::MessageHead& head, model::Framing framing, BodyHash hash,
                       model::LossCounters& losses, base::MemoryBudget& memory)
    : losses_(losses),
      memory_(&memory),
      decoder_(model::header(head, "content-encoding").value_or(""), kLimits),
      framer_(part, framing, model::header(head, "content-type").value_or(""), losses) {
    if (hash == BodyHash::sha256) hash_.emplace();
}

void BodyReader::feed(base::Time time, base::Bytes bytes, framing::FrameOut out) {
    wire_bytes_ += bytes.size();
    if (given_up_) return;
    decoder_.feed(bytes, [&](base::Bytes decoded) { take(time, decoded, out); });
    note_failure(time, out);
    if (given_up_) decoder_.give_up();
}

void BodyReader::take(base::Time time, base::Bytes decoded, framing::FrameOut out) {
    if (given_up_) return;
    if (hash_) hash_->update(decoded);
    framer_.feed(time, decoded, out);
    if (!fits()) give_up(time, out);
}

void BodyReader::give_up(base::Time time, framing::FrameOut out) {
    given_up_ = true;
    losses_.add(model::Loss::memory_limit);
    framer_.give_up(time, out);
    hash_.reset();
}

// Decoding stopped: to the framer everything behind is missing.
void BodyReader::note_failure(base::Time time, framing::FrameOut out) {
    const auto failed = decoder_.failed();
    if (!failed || failure_counted_) return;
    failure_counted_ = true;
    losses_.add(*failed);
    framer_.gap(time, out);
}

void BodyReader::gap(base::Time time, framing::FrameOut out) {
    gap_ = true;
    decoder_.gap();
    framer_.gap(time, out);
}

void BodyReader::end(base::Time time, bool whole, framing::FrameOut out) {
    decoder_.end(whole, [&](base::Bytes decoded) { take(time, decoded, out); });
    note_failure(time, out);
    whole_ = whole && !gap_ && !decoder_.failed() && !given_up_;
    framer_.end(time, whole_, out);
    memory_.hold(0);
}

model::Completeness BodyReader::completeness() const {
    if (gap_) return model::Completeness::gap;
    if (const auto failed = decoder_.failed()) {
        // Bytes that we cannot read are missing to us, whoever is to blame; a limit is our own doing.
        return *failed == model::Loss::content_coding_limit ? model::Completeness::truncated : model::Completeness::gap;
    }
    return framer_.damaged() ? model::Completeness::truncated : model::Completeness::complete;
}

std::string BodyReader::take_sha256() {
    return hash_ && whole_ ? hash_->finish_hex() : std::string();
}

}  // namespace llmsnoop::pipeline
