#pragma once
// Where a framer puts what it finds during one call, and what the framers of one body have in common.
#include <string_view>

#include "agent/framing/framer.h"

namespace llmsnoop::framing {

// Lives as long as the body.
struct BodyState {
    model::Part part = model::Part::response;
    model::LossCounters* losses = nullptr;
    bool damaged = false;
};

// What is to be said of a frame besides its document.
struct FrameMarks {
    std::string_view name{};
    bool exception = false;
    bool truncated = false;  // which marks the body as damaged, too
};

// Lives as long as one call of Framer.
class Outlet {
 public:
    Outlet(BodyState& body, base::Time time, FrameOut out) : body_(body), time_(time), out_(out) {}

    base::Time time() const { return time_; }

    void deliver(model::Frame::Kind kind, base::Bytes document, const FrameMarks& marks = {}) {
        deliver_at(time_, kind, document, marks);
    }
    void deliver_at(base::Time time, model::Frame::Kind kind, base::Bytes document, const FrameMarks& marks) {
        if (marks.truncated) body_.damaged = true;
        model::Frame frame;
        frame.part = body_.part;
        frame.kind = kind;
        frame.time = time;
        frame.name = marks.name;
        frame.exception = marks.exception;
        frame.truncated = marks.truncated;
        frame.document = document;
        out_(frame);
    }
    void lost(model::Loss why) {
        body_.losses->add(why);
        body_.damaged = true;
    }

 private:
    BodyState& body_;
    base::Time time_;
    FrameOut out_;
};

}  // namespace llmsnoop::framing
