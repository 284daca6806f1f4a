#pragma once
// Cuts a decoded body into the documents that a dialect reads: the body as a whole, SSE events (WHATWG HTML
// section 9.2), JSON lines, the elements of a growing JSON array, messages of application/vnd.amazon.eventstream,
// fields of multipart/form-data.
//
// Incremental and bounded; after a gap or a broken frame it finds the next boundary by itself and counts what it
// skipped. How input is cut into pieces makes no difference to the frames. A body of no bytes has no frames.
//
// Frames: one that lies in one piece of input is passed on without copying. One that had to be put together, and a
// Kind::body always, has at least 64 readable bytes of padding behind its document, as simdjson wants them. A truncated
// frame holds the document's beginning. Empty documents occur: an SSE event with an empty `data` field is an event, and
// a file of a form is cut to nothing.
//
// Losses counted: frame_cut (what a gap or the end of the body cut off and is not delivered), frame_too_large,
// frame_broken.
//
// Memory: one buffer, for SSE two, of at most what the limits below say. Buffers grow by doubling: twice as much may be
// reserved, and a half more for the moment of growing.
//
// Not thread-safe; one object per body.
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/base/function_ref.h"
#include "agent/model/frame.h"
#include "agent/model/loss.h"

namespace llmsnoop::framing {

struct FramerLimits {
    std::size_t body_bytes = 32U << 20;   // a body kept as one document; a longer one is truncated
    std::size_t event_bytes = 16U << 20;  // one event, line, element or message; a larger one is skipped
    std::size_t field_bytes = 64U << 10;  // one form field, a longer one is truncated; files are not kept
};

using FrameOut = base::FunctionRef<void(const model::Frame&)>;

class Framer {
 public:
    // `content_type` decides where `framing` is automatic (framing_choice.h says how); for multipart it also names the
    // boundary, and without one the body is one document.
    Framer(model::Part part, model::Framing framing, std::string_view content_type, model::LossCounters& losses,
           const FramerLimits& limits = {});
    ~Framer();
    Framer(Framer&&) noexcept;
    Framer& operator=(Framer&&) noexcept;

    void feed(base::Time time, base::Bytes bytes, FrameOut out);

    // Bytes are missing here. The frame they belong to is not delivered, except for a body and a form field, whose
    // beginning is delivered as truncated.
    void gap(base::Time time, FrameOut out);

    // The body has ended; `whole` is false where it was cut off. Delivers what is left, truncated unless it is known to
    // be whole. Nothing may be fed afterwards.
    void end(base::Time time, bool whole, FrameOut out);

    // Ends it here, as cut off, and gives its memory back; whatever else is fed is passed over. Not from within `out`.
    void give_up(base::Time time, FrameOut out);

    // What it keeps in memory at present.
    std::size_t held_bytes() const;

    // The framing in use; `automatic` until it is known.
    model::Framing framing() const;

    // True once something was skipped, cut or broken.
    bool damaged() const;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace llmsnoop::framing
