#pragma once
// HTTP/2 on one connection, both directions (RFC 9113), as an observer sees it.
//
// Each direction: a frame reader, and the decoder of the header blocks it carries. What the frames say goes to
// `Http2Streams`. Joined late, or after a gap, frames are looked for, and nothing is known of the header compression
// (see HpackDecoder). The direction of the requests follows from the preface, or else from the first header block that
// tells.
//
// Not thread-safe; used by ConnectionParser alone, which keeps back input where this class cannot use it yet
// (`waiting`).
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/http/boundary_seeker.h"
#include "agent/http/hpack_decoder.h"
#include "agent/http/http2_boundary.h"
#include "agent/http/http2_frame_reader.h"
#include "agent/http/http2_streams.h"
#include "agent/http/http_out.h"
#include "agent/http/limits.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"
#include "agent/model/stream_item.h"

namespace llmsnoop::http {

class Http2Connection {
 public:
    enum class Start : std::uint8_t { at_first_byte, joined_late };

    // The exchange of stream n is n + `offset`.
    Http2Connection(Start start, model::ExchangeNumber offset, model::LossCounters& losses, const Limits& limits);

    // The connection was HTTP/1.1 until a 101 response: the answer to its last request comes on stream 1.
    void adopt_upgraded(model::Direction requests);

    // Returns how many bytes were used; where it is not all of them, `waiting` is true for this direction.
    std::size_t feed(model::Direction direction, const model::StreamBytes& item, HttpOut out);
    void gap(model::Direction direction, const model::Gap& gap, HttpOut out);
    // No more bytes will come: what was kept because more could have told where a frame begins is read. Before `end`
    // and `close`, and until `waiting` is false again.
    void drain(model::Direction direction, base::Time time, HttpOut out);
    void end(model::Direction direction, base::Time time, HttpOut out);
    void close(model::ConnectionClosed::How how, base::Time time, HttpOut out);

    // A frame that answers a request has come before the request, or it is not known yet who asks and who answers, or
    // the other direction, which waited for that, is to go on first. `resume` goes on if it may, and says whether it
    // did.
    bool resume(model::Direction direction, HttpOut out);
    bool waiting(model::Direction direction) const { return side(direction).wait != Wait::none; }
    std::size_t kept(model::Direction direction) const { return side(direction).backlog.size(); }  // bytes, waiting
    bool waited_too_long(model::Direction direction, base::Time now) const;
    void stop_waiting(model::Direction direction);  // from now on; `resume` goes on

    bool recognised() const { return recognised_; }
    bool refuted() const { return refuted_; }  // the connection did not begin as HTTP/2 does
    std::optional<model::Direction> request_direction() const { return requests_; }

 private:
    enum class Wait : std::uint8_t {
        none,
        for_request,  // for what `must_wait` says
        for_turn,     // the other direction, which was waiting for a request, is to go on first
    };
    struct Side {
        enum class State : std::uint8_t { start, frames, seeking, ended };

        explicit Side(const Limits& limits) : reader(limits.head_bytes) {}

        State state = State::start;
        std::string first_bytes;  // as long as they may be the preface
        Http2FrameReader reader;
        HpackDecoder hpack;
        BoundarySeeker seeker;
        std::string backlog;  // bytes found by the seeker, or the first ones, that are still to be read
        Wait wait = Wait::none;
        base::Time waiting_since;
        base::Time latest;  // of the bytes that came last
    };

    Side& side(model::Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
    const Side& side(model::Direction direction) const { return sides_[static_cast<std::size_t>(direction)]; }
    model::Part part_of(model::Direction direction) const;

    void read(model::Direction direction, base::Bytes& bytes, base::Time time, HttpOut out);
    void read_backlog(model::Direction direction, HttpOut out);
    void read_start(model::Direction direction, base::Bytes& bytes);
    void read_seeking(model::Direction direction, base::Bytes& bytes);
    void read_frames(model::Direction direction, base::Bytes& bytes, base::Time time, HttpOut out);
    void take_step(model::Direction direction, const Http2FrameReader::Step& step, base::Time time, HttpOut out);
    void reset(model::Direction direction, std::uint32_t stream, base::Time time, HttpOut out);
    void take_head(model::Direction direction, const Http2FrameReader::Step& step, base::Time time, HttpOut out);
    bool must_wait(model::Direction direction) const;
    void begin_frames(Side& mine);
    void recognise(model::Direction direction, HttpOut out);
    void learn_roles(model::Direction requests) { requests_ = requests; }
    void go_astray(model::Direction direction, base::Time time, model::Loss reason, HttpOut out);
    BoundarySeeker::Verdict judge(base::Bytes bytes, BoundarySeeker::More more) const;

    Start start_;
    model::LossCounters& losses_;
    Limits limits_;
    std::array<Side, 2> sides_;
    Http2Streams streams_;
    std::optional<model::Direction> requests_;
    bool roles_certain_ = false;
    bool requests_missed_ = false;  // so a response need not wait for one
    bool recognised_ = false;
    bool refuted_ = false;
};

}  // namespace llmsnoop::http
