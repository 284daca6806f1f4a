#include "agent/model/loss.h"

#include <array>

namespace llmsnoop::model {

const LossText& text_of(Loss loss) {
    static constexpr std::array<LossText, kLossCount> kTexts{{
#define X(name, stage, sentence) {#name, stage, sentence},
        LLMSNOOP_LOSSES(X)
#undef X
    }};
    return kTexts[static_cast<std::size_t>(loss)];
}

}  // namespace llmsnoop::model
