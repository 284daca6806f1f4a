#include "agent/capture/source.h"

namespace llmsnoop::capture {

void Source::mute(model::ConnectionId /*connection*/, model::Direction /*direction*/,
                  std::optional<std::uint64_t> /*until*/) {}

void Source::settle() {}

void Source::released(model::ConnectionId /*connection*/) {}

std::optional<model::BlindCause> Source::why_unseen(const model::ProcessKey& /*process*/) {
    return std::nullopt;
}

}  // namespace llmsnoop::capture
