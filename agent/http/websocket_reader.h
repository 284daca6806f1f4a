#pragma once
// One direction of a WebSocket (RFC 6455): frames become whole messages, unmasked and decompressed.
//
// A message that came unmasked, uncompressed and in one piece is passed on without copying. Others are gathered, up to
// Limits::websocket_message; what is longer is passed on truncated. After a gap inside a frame the rest of that message
// is dropped (it is passed on truncated); after a larger one the next message is looked for.
#include <cstdint>
#include <optional>
#include <string>

#include "agent/http/boundary_seeker.h"
#include "agent/http/http_out.h"
#include "agent/http/limits.h"
#include "agent/http/permessage_deflate.h"
#include "agent/http/websocket_boundary.h"
#include "agent/http/websocket_frame.h"
#include "agent/model/loss.h"

namespace llmsnoop::http {

class WebSocketReader {
 public:
    WebSocketReader(model::ExchangeNumber exchange, model::Part part, const DeflateTerms& terms,
                    model::LossCounters& losses, const Limits& limits);

    void feed(base::Bytes bytes, base::Time time, HttpOut out);
    void gap(std::uint64_t length, base::Time time, model::Loss reason, HttpOut out);

    // No more bytes will come. `how` is for a direction that was not closed by a close frame.
    void end(base::Time time, model::MessageEnded::How how, HttpOut out);

    bool ended() const { return state_ == State::ended; }  // MessageEnded was reported

 private:
    enum class State : std::uint8_t { header, payload, seeking, ended };

    BoundarySeeker::Verdict judge(base::Bytes bytes, BoundarySeeker::More more) const;
    bool feed_seeking(base::Bytes& bytes, base::Time time, HttpOut out);
    void feed_header(base::Bytes& bytes, base::Time time, HttpOut out);
    void feed_payload(base::Bytes& bytes, base::Time time, HttpOut out);
    void begin_frame(base::Time time, HttpOut out);
    void add_to_message(base::Bytes bytes, base::Time time, HttpOut out);
    void end_frame(base::Time time, HttpOut out);
    void begin_message();
    void end_message(base::Time time, HttpOut out);
    void inflate(base::Bytes bytes, std::uint64_t phase, base::Time time, HttpOut out);
    void cut_if_too_much_is_held();
    void note(Inflater::Status status, base::Time time, HttpOut out);
    void report_bad_frame(base::Time time, HttpOut out);
    void emit(base::Bytes message, base::Time time, HttpOut out);
    void go_astray(base::Time time, HttpOut out);
    void finish(base::Time time, model::MessageEnded::How how, HttpOut out);

    model::ExchangeNumber exchange_;
    model::Part part_;
    bool deflate_;
    model::LossCounters& losses_;
    std::size_t limit_;

    State state_ = State::header;
    std::string header_bytes_;  // of a header that is not complete
    FrameHeader frame_;
    std::uint64_t left_ = 0;  // of the frame's payload
    WebSocketLook look_;
    BoundarySeeker seeker_;

    // What is known of the message in progress.
    enum class Whole : std::uint8_t {
        yes,
        cut,     // its rest is missing or too long, and is dropped; the beginning is passed on
        broken,  // cannot be decompressed: dropped
    };
    bool in_message_ = false;
    bool compressed_ = false;
    model::WebSocketMessage::Kind kind_ = model::WebSocketMessage::Kind::text;
    Whole whole_ = Whole::yes;
    std::string message_;
    base::MemoryShare memory_;  // for it
    Inflater inflater_;
};

}  // namespace llmsnoop::http
