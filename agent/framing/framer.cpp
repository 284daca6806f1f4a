#include "agent/framing/framer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "agent/framing/body_framer.h"
#include "agent/framing/event_stream_framer.h"
#include "agent/framing/framing_choice.h"
#include "agent/framing/json_array_framer.h"
#include "agent/framing/json_lines_framer.h"
#include "agent/framing/media_type.h"
#include "agent/framing/multipart_framer.h"
#include "agent/framing/outlet.h"
#include "agent/framing/sse_framer.h"

namespace llmsnoop::framing {

namespace {

// The framing is not known yet; what came so far is held.
struct Choosing {
    FramingChoice choice;
    BodyFramer held;
    bool gap_first = false;  // bytes are missing before the first that came
};

}  // namespace

class Framer::Impl {
 public:
    Impl(model::Part part, model::Framing framing, std::string_view content_type, model::LossCounters& losses,
         const FramerLimits& limits)
        : limits_(limits),
          body_{.part = part, .losses = &losses},
          boundary_(parameter(content_type, "boundary").value_or("")) {
        FramingChoice choice(content_type);
        if (framing != model::Framing::automatic) {
            start(framing);
        } else if (const auto typed = choice.by_type()) {
            start(*typed);
        } else {
            state_.emplace<Choosing>(Choosing{.choice = std::move(choice), .held = BodyFramer(limits_.body_bytes)});
        }
    }

    void feed(base::Time time, base::Bytes bytes, FrameOut out) {
        Outlet outlet(body_, time, out);
        if (auto* const sse = std::get_if<SseFramer>(&state_))
            return sse->feed(bytes, outlet);  // by far the most frequent
        if (bytes.empty()) return;
        if (auto* const choosing = std::get_if<Choosing>(&state_)) return choose(*choosing, bytes, outlet, out);
        pass(bytes, outlet);
    }

    void gap(base::Time time, FrameOut out) {
        Outlet outlet(body_, time, out);
        if (auto* const choosing = std::get_if<Choosing>(&state_)) {
            const model::Framing framing = choosing->choice.at_end();
            if (framing == model::Framing::body && choosing->held.kept().empty()) {
                choosing->gap_first = true;  // what follows may still show what it is
                body_.damaged = true;
                return;
            }
            settle(*choosing, framing, outlet, out);
        }
        with_framer([&](auto& framer) { framer.gap(outlet); });
    }

    void end(base::Time time, bool whole, FrameOut out) {
        Outlet outlet(body_, time, out);
        if (auto* const choosing = std::get_if<Choosing>(&state_))
            settle(*choosing, choosing->choice.at_end(), outlet, out);
        with_framer([&](auto& framer) { framer.end(whole, outlet); });
    }

    void give_up(base::Time time, FrameOut out) {
        end(time, false, out);
        body_.damaged = true;
        state_.emplace<std::monostate>();
    }

    std::size_t held_bytes() {
        if (auto* const choosing = std::get_if<Choosing>(&state_)) return choosing->held.held_bytes();
        std::size_t held = 0;
        with_framer([&](auto& framer) { held = framer.held_bytes(); });
        return held;
    }

    model::Framing framing() const { return framing_; }
    bool damaged() const { return body_.damaged; }

 private:
    void start(model::Framing framing) {
        // Without a boundary there is nothing to look for.
        if (framing == model::Framing::multipart && boundary_.empty()) framing = model::Framing::body;
        framing_ = framing;
        switch (framing) {
            case model::Framing::sse:
                state_.emplace<SseFramer>(limits_.event_bytes);
                break;
            case model::Framing::json_lines:
                state_.emplace<JsonLinesFramer>(limits_.event_bytes);
                break;
            case model::Framing::json_array:
                state_.emplace<JsonArrayFramer>(limits_.event_bytes, limits_.body_bytes);
                break;
            case model::Framing::event_stream:
                state_.emplace<EventStreamFramer>(limits_.event_bytes);
                break;
            case model::Framing::multipart:
                state_.emplace<MultipartFramer>(boundary_, limits_.field_bytes);
                break;
            case model::Framing::automatic:
            case model::Framing::body:
                state_.emplace<BodyFramer>(limits_.body_bytes);
                break;
        }
    }

    void choose(Choosing& choosing, base::Bytes bytes, Outlet& outlet, FrameOut out) {
        // No further than can be held: where it is decided must not depend on how much comes at once.
        const std::size_t room = limits_.body_bytes - choosing.held.kept().size() + 1;
        const auto framing = choosing.choice.look(bytes.first(std::min(bytes.size(), room)));
        if (framing) {
            settle(choosing, *framing, outlet, out);
            return pass(bytes, outlet);
        }
        choosing.held.feed(bytes, outlet);
        if (choosing.held.is_cut()) settle(choosing, model::Framing::body, outlet, out);
    }

    // What was held goes to the framer that was chosen, as of the time when it came.
    void settle(Choosing& choosing, model::Framing framing, Outlet& outlet, FrameOut out) {
        Choosing chosen = std::move(choosing);
        if (framing == model::Framing::body && !chosen.gap_first) {
            framing_ = framing;
            state_.emplace<BodyFramer>(std::move(chosen.held));
            return;
        }
        start(framing);
        if (chosen.gap_first) with_framer([&](auto& framer) { framer.gap(outlet); });
        Outlet earlier(body_, chosen.held.last(), out);
        pass(chosen.held.kept(), earlier);
    }

    void pass(base::Bytes bytes, Outlet& outlet) {
        with_framer([&](auto& framer) { framer.feed(bytes, outlet); });
    }

    template <typename Action>
    void with_framer(Action action) {
        std::visit(
            [&](auto& state) {
                using State = std::remove_reference_t<decltype(state)>;
                if constexpr (!std::is_same_v<State, std::monostate> && !std::is_same_v<State, Choosing>) action(state);
            },
            state_);
    }

    FramerLimits limits_;
    BodyState body_;
    std::string boundary_;
    model::Framing framing_ = model::Framing::automatic;
    std::variant<std::monostate, Choosing, SseFramer, JsonLinesFramer, JsonArrayFramer, EventStreamFramer,
                 MultipartFramer, BodyFramer>
        state_;
};

Framer::Framer(model::Part part, model::Framing framing, std::string_view content_type, model::LossCounters& losses,
               const FramerLimits& limits)
    : impl_(std::make_unique<Impl>(part, framing, content_type, losses, limits)) {}
Framer::~Framer() = default;
Framer::Framer(Framer&&) noexcept = default;
Framer& Framer::operator=(Framer&&) noexcept = default;

void Framer::feed(base::Time time, base::Bytes bytes, FrameOut out) {
    impl_->feed(time, bytes, out);
}
void Framer::gap(base::Time time, FrameOut out) {
    impl_->gap(time, out);
}
void Framer::end(base::Time time, bool whole, FrameOut out) {
    impl_->end(time, whole, out);
}
void Framer::give_up(base::Time time, FrameOut out) {
    impl_->give_up(time, out);
}
std::size_t Framer::held_bytes() const {
    return impl_->held_bytes();
}
model::Framing Framer::framing() const {
    return impl_->framing();
}
bool Framer::damaged() const {
    return impl_->damaged();
}

}  // namespace llmsnoop::framing
