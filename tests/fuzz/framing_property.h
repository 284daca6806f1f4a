#pragma once
// What must hold for a framer and any input: how the input is cut makes no difference, no frame is larger than the
// limits, and gaps anywhere do no harm.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "tests/support/framer_script.h"

namespace llmsnoop::fuzz {

inline void require(bool holds) {
    if (!holds) std::abort();
}

inline bool is_subsequence(const std::vector<support::SeenFrame>& part, const std::vector<support::SeenFrame>& all) {
    auto at = all.begin();
    for (const support::SeenFrame& frame : part) {
        at = std::find(at, all.end(), frame);
        if (at == all.end()) return false;
        ++at;
    }
    return true;
}

// The first byte chooses limits and cuts, the rest is the body.
inline int check_framing(model::Framing framing, std::string_view content_type, const std::uint8_t* data,
                         std::size_t size) {
    if (size < 2) return 0;
    const std::uint8_t choice = data[0];
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    framing::FramerLimits limits;
    if ((choice & 1) != 0) limits = {.body_bytes = 64, .event_bytes = 48, .field_bytes = 16};
    const bool whole = (choice & 2) != 0;
    std::mt19937 random(choice);

    const support::Pieces one_piece{input};
    const auto expected = support::play(framing, content_type, one_piece, whole, limits);
    require(expected == support::play(framing, content_type, support::cut_bytewise(input), whole, limits));
    require(expected == support::play(framing, content_type, support::cut_randomly(input, random), whole, limits));

    support::FramerScript with_gaps(framing, content_type, limits);
    for (const std::string_view piece : support::cut_randomly(input, random)) {
        with_gaps << piece;
        if (random() % 4 == 0) with_gaps << support::gap;
    }
    std::vector<support::SeenFrame> untruncated;
    for (const support::SeenFrame& frame : with_gaps.end(whole)) {
        const std::size_t most = frame.kind == model::Frame::Kind::body    ? limits.body_bytes
                                 : frame.kind == model::Frame::Kind::event ? limits.event_bytes
                                                                           : limits.field_bytes;
        require(frame.document.size() <= most);
        require(!frame.truncated || with_gaps.framer().damaged());
        if (!frame.truncated) untruncated.push_back(frame);
    }
    if (framing == model::Framing::sse || framing == model::Framing::json_lines) {
        require(is_subsequence(untruncated, expected));
    }
    return 0;
}

}  // namespace llmsnoop::fuzz
