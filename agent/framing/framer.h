#pragma once
// Cuts a decoded body into the documents that a dialect reads: the body as a whole, SSE events (WHATWG HTML section 9.2), JSON
// lines, the elements of a growing JSON array, messages of application/vnd.amazon.eventstream, fields of multipart/form-data.
//
// Incremental and bounded; after a gap or a broken frame it finds the next boundary by itself and counts what it skipped.
// A frame that lies in one piece of input is passed on without copying. Not thread-safe; one object per body.
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/base/function_ref.h"
#include "agent/model/frame.h"
#include "agent/model/loss.h"

namespace llmsnoop::framing {

struct FramerLimits {
    std::size_t body_bytes = 32U << 20;   // a body kept as one document
    std::size_t event_bytes = 16U << 20;  // one event, line, element or message
    std::size_t field_bytes = 64U << 10;  // one form field; files are not kept
};

using FrameOut = base::FunctionRef<void(const model::Frame&)>;

class Framer {
   public:
    // `content_type` decides where `framing` is automatic; for multipart it also names the boundary.
    Framer(model::Part part, model::Framing framing, std::string_view content_type, model::LossCounters& losses,
           const FramerLimits& limits = {});
    ~Framer();
    Framer(Framer&&) noexcept;
    Framer& operator=(Framer&&) noexcept;

    void feed(base::Time time, base::Bytes bytes, FrameOut out);

    // Bytes are missing here.
    void gap(base::Time time, FrameOut out);

    // The body has ended; `whole` is false where it was cut off.
    void end(base::Time time, bool whole, FrameOut out);

    // The framing in use; `automatic` until it is known.
    model::Framing framing() const;

    // True once something was skipped, cut or broken.
    bool damaged() const;

   private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace llmsnoop::framing
