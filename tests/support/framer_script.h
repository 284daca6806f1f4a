#pragma once
// A body played to a framer, and what came out:
//
//     FramerScript script(Framing::sse);
//     script << "data: a\n\n" << gap;
//     EXPECT_THAT(script.end(), ElementsAre(event("a")));
#include <cstdint>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/framing/framer.h"
#include "tests/support/pieces.h"

namespace llmsnoop::support {

// A frame that owns its text. Times are left out.
struct SeenFrame {
    model::Frame::Kind kind = model::Frame::Kind::body;
    std::string name;
    std::string document;
    bool exception = false;
    bool truncated = false;

    friend bool operator==(const SeenFrame&, const SeenFrame&) = default;
    friend std::ostream& operator<<(std::ostream& out, const SeenFrame& frame) {
        static constexpr const char* kKinds[] = {"body", "event", "message", "field"};
        out << kKinds[static_cast<std::size_t>(frame.kind)] << '(' << frame.name << "): ";
        if (frame.exception) out << "exception ";
        if (frame.truncated) out << "truncated ";
        return out << frame.document.substr(0, 200);
    }
};

inline SeenFrame event(std::string_view document, std::string_view name = "") {
    return {model::Frame::Kind::event, std::string(name), std::string(document), false, false};
}
inline SeenFrame body(std::string_view document) {
    return {model::Frame::Kind::body, "", std::string(document), false, false};
}
inline SeenFrame field(std::string_view name, std::string_view document) {
    return {model::Frame::Kind::field, std::string(name), std::string(document), false, false};
}
inline SeenFrame exception(std::string_view document, std::string_view name) {
    return {model::Frame::Kind::event, std::string(name), std::string(document), true, false};
}
inline SeenFrame truncated(SeenFrame frame) {
    frame.truncated = true;
    return frame;
}

enum class Missing { bytes };
// Written into a script like a chunk: hence the small name.
inline constexpr Missing gap = Missing::bytes;  // NOLINT(readability-identifier-naming)

class FramerScript {
 public:
    explicit FramerScript(model::Framing framing, std::string_view content_type = "",
                          const framing::FramerLimits& limits = {})
        : framer_(model::Part::response, framing, content_type, losses_, limits) {}

    FramerScript& operator<<(std::string_view piece) {
        // In memory of exactly its size that is gone afterwards: what outlives the call or reads too far is found out.
        auto copy = std::make_unique<std::uint8_t[]>(piece.size());
        if (!piece.empty()) std::memcpy(copy.get(), piece.data(), piece.size());
        framer_.feed(tick(), base::Bytes(copy.get(), piece.size()), [this](const model::Frame& frame) { see(frame); });
        std::memset(copy.get(), '#', piece.size());
        return *this;
    }
    FramerScript& operator<<(Missing) {
        framer_.gap(tick(), [this](const model::Frame& frame) { see(frame); });
        return *this;
    }
    // Everything so far, with what the end brings.
    const std::vector<SeenFrame>& end(bool whole = true) {
        framer_.end(tick(), whole, [this](const model::Frame& frame) { see(frame); });
        return seen_;
    }

    const std::vector<SeenFrame>& seen() const { return seen_; }
    const std::vector<std::int64_t>& times() const { return times_; }  // of each frame: the number of the call, from 1
    std::uint64_t lost(model::Loss which) const { return losses_.get(which); }
    framing::Framer& framer() { return framer_; }

 private:
    base::Time tick() { return base::time_from_unix_ns(++now_); }
    void see(const model::Frame& frame) {
        seen_.push_back({frame.kind, std::string(frame.name), std::string(base::as_text(frame.document)),
                         frame.exception, frame.truncated});
        times_.push_back(base::unix_ns(frame.time));
    }

    model::LossCounters losses_;
    framing::Framer framer_;
    std::vector<SeenFrame> seen_;
    std::vector<std::int64_t> times_;
    std::int64_t now_ = 0;
};

// How a body ended, for comparing whole runs: a last line that holds the framer's verdict and the losses it counted.
inline SeenFrame verdict(FramerScript& script) {
    SeenFrame frame;
    frame.truncated = script.framer().damaged();
    for (const model::Loss loss : {model::Loss::frame_cut, model::Loss::frame_broken, model::Loss::frame_too_large}) {
        frame.document += std::to_string(script.lost(loss)) + " ";
    }
    return frame;
}

inline std::vector<SeenFrame> play(model::Framing framing, std::string_view content_type, const Pieces& pieces,
                                   bool whole, const framing::FramerLimits& limits = {}) {
    FramerScript script(framing, content_type, limits);
    for (const std::string_view piece : pieces)
        script << piece;
    std::vector<SeenFrame> seen = script.end(whole);
    seen.push_back(verdict(script));
    return seen;
}

}  // namespace llmsnoop::support
