#pragma once
// The any-cut property of framers (any_cut.h). Both ends of a body are tried: whole, and cut off.
#include <string_view>

#include "tests/support/any_cut.h"
#include "tests/support/framer_script.h"

namespace llmsnoop::support {

inline void expect_framing_ignores_cuts(model::Framing framing, std::string_view content_type, std::string_view input,
                                        const framing::FramerLimits& limits = {}) {
    for (const bool whole : {true, false}) {
        expect_same_for_any_cut(
            input, [&](const Pieces& pieces) { return play(framing, content_type, pieces, whole, limits); });
    }
}

}  // namespace llmsnoop::support
