#pragma once
// For pipeline_fuzz: turns fuzz input into what a source delivers, and plays that through the whole pipeline.
//
// Input: one octet of options (bits of Options), then steps. A step is an octet (bit 0: direction, bits 1-3: kind, bits
// 4-5: which of four connections), a number (16 bits, little endian) and, for bytes, so many of them (or what is left).
// A connection opens with its first step; after its close the next step opens another one in its place.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/endian.h"
#include "agent/capture/source.h"
#include "agent/pipeline/engine.h"

namespace llmsnoop::fuzz {

struct Step {
    enum class Kind : std::uint8_t { bytes, gap, end, close, later, name, exec, announce };

    Kind kind = Kind::bytes;
    model::Direction direction = model::Direction::sent;
    std::size_t connection = 0;
    std::uint64_t number = 0;
    std::string bytes;

    // All short waits of a script together are shorter than any limit.
    bool long_wait() const { return kind == Kind::later && number >= 1000; }
};

struct Script {
    bool from_start = true;
    bool reorder = false;  // the source says that it may
    bool wire = false;     // seen in packets: nobody's process
    std::vector<Step> steps;
};

inline Script read_script(const std::uint8_t* data, std::size_t size) {
    Script script;
    if (size == 0) return script;
    script.from_start = (data[0] & 1) == 0;
    script.reorder = (data[0] & 2) != 0;
    script.wire = (data[0] & 4) != 0;
    for (std::size_t at = 1; size - at >= 3;) {
        Step step;
        step.direction = (data[at] & 1) == 0 ? model::Direction::sent : model::Direction::received;
        step.kind = static_cast<Step::Kind>(data[at] >> 1 & 7);
        step.connection = data[at] >> 4 & 3;
        step.number = base::load_le<std::uint16_t>(data + at + 1);
        at += 3;
        if (step.kind == Step::Kind::bytes) {
            step.bytes.assign(reinterpret_cast<const char*>(data) + at, std::min<std::size_t>(step.number, size - at));
            at += step.bytes.size();
        }
        script.steps.push_back(std::move(step));
    }
    return script;
}

// Delivers a script's events, one step for each poll. `cut`: the largest piece of bytes to deliver at once; `each` is
// called after each step.
class ScriptedSource final : public capture::Source {
 public:
    ScriptedSource(const Script& script, std::size_t cut, base::FunctionRef<void()> each)
        : script_(script), cut_(cut), each_(each) {}

    base::Result<Status> poll(unsigned, base::Duration, capture::EventOut out) override {
        if (next_ == 0) out(model::ProcessSeen{time_, process()});
        if (next_ == script_.steps.size()) return Status::finished;
        play(script_.steps[next_++], out);
        each_();
        return Status::busy;
    }

 private:
    struct Connection {
        std::optional<model::ConnectionId> id;
        std::array<std::uint64_t, 2> offsets{};
    };

    static model::Process process() {
        model::Process one;
        one.key = {100, 5};
        one.comm = "python3";
        return one;
    }

    Connection& opened(std::size_t number, capture::EventOut out) {
        Connection& connection = connections_[number];
        if (connection.id) return connection;
        connection = {++last_id_, {}};
        model::ConnectionOpened event;
        event.id = last_id_;
        event.time = time_;
        event.from_start = script_.from_start;
        event.ordering = script_.reorder ? model::Ordering::may_reorder : model::Ordering::in_order;
        event.viewpoint = script_.wire ? model::Viewpoint::wire : model::Viewpoint::process;
        if (!script_.wire) event.process = process().key;
        out(event);
        return connection;
    }

    void play(const Step& step, capture::EventOut out) {
        if (step.kind == Step::Kind::later) {
            time_ += step.long_wait() ? base::Duration(std::chrono::seconds(step.number)) : base::Duration(step.number);
            return;
        }
        Connection& connection = opened(step.connection, out);
        std::uint64_t& offset = connection.offsets[static_cast<std::size_t>(step.direction)];
        switch (step.kind) {
            case Step::Kind::bytes:
                for (std::string_view rest = step.bytes; !rest.empty();) {
                    // A copy of its own size, so that the sanitizer sees every step beyond the piece.
                    const std::string_view piece = rest.substr(0, cut_);
                    const std::vector<std::uint8_t> copy(piece.begin(), piece.end());
                    out(model::Chunk{*connection.id, step.direction, offset, time_, copy.size(), copy,
                                     model::Loss::stream_gap});
                    offset += copy.size();
                    rest.remove_prefix(copy.size());
                }
                break;
            case Step::Kind::gap:
                out(model::Chunk{
                    *connection.id, step.direction, offset, time_, step.number, {}, model::Loss::ring_full});
                offset += step.number;
                break;
            case Step::Kind::end:
                out(model::DirectionEnded{*connection.id, step.direction, time_, offset});
                break;
            case Step::Kind::close:
                out(model::ConnectionClosed{*connection.id, time_,
                                            static_cast<model::ConnectionClosed::How>(step.number & 3),
                                            connection.offsets[0], connection.offsets[1]});
                connection.id.reset();
                break;
            case Step::Kind::name:
                out(model::ConnectionNamed{*connection.id, "api.openai.com"});
                break;
            case Step::Kind::exec:
                out(model::ProcessEnded{time_, process().key, model::ProcessEnded::How::executed});
                break;
            case Step::Kind::announce:
                out(model::ProcessSeen{time_, process()});
                break;
            case Step::Kind::later:
                break;
        }
    }

    const Script& script_;
    const std::size_t cut_;
    const base::FunctionRef<void()> each_;
    std::size_t next_ = 0;
    base::Time time_ = base::time_from_unix_ns(1'767'225'600'000'000'000);
    std::array<Connection, 4> connections_;
    model::ConnectionId last_id_ = 0;
};

struct Outcome {
    std::vector<std::string> started;
    std::vector<model::Exchange> finished;
    std::uint64_t losses = 0;
};

// `each` is called after each step.
inline Outcome play(const Script& script, std::size_t cut, base::FunctionRef<void()> each) {
    Outcome outcome;
    model::LossCounters losses;
    ScriptedSource source(script, cut, each);
    attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events, losses);
    pipeline::Services services{{},
                                source,
                                losses,
                                processes,
                                {[&](model::ExchangeStarted one) { outcome.started.push_back(std::move(one.id)); },
                                 [&](model::Exchange one) { outcome.finished.push_back(std::move(one)); }},
                                {},
                                {},
                                {}};
    services.settings.body_hash = pipeline::BodyHash::sha256;
    services.settings.batch_results = llm::Batches::counted;
    pipeline::Engine engine(services);
    if (!engine.run()) outcome.finished.clear();
    for (std::size_t i = 0; i < model::kLossCount; ++i)
        outcome.losses += losses.get(static_cast<model::Loss>(i));
    std::sort(outcome.finished.begin(), outcome.finished.end(),
              [](const model::Exchange& a, const model::Exchange& b) { return a.id < b.id; });
    return outcome;
}

inline Outcome play(const Script& script, std::size_t cut) {
    return play(script, cut, [] {});
}

}  // namespace llmsnoop::fuzz
