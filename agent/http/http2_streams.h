#pragma once
// The streams of an HTTP/2 connection (RFC 9113 sections 5 and 8), as exchanges: turns what was said on each of them
// into events. Knows nothing of frames and directions; `Part` says who spoke.
//
// As long as everything was seen, only a request can open a stream. Once something may have been missed (`in_doubt`), a
// stream that is not known may also be one whose beginning was missed: it becomes an exchange with a lost head.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "agent/http/http2_head.h"
#include "agent/http/http_out.h"
#include "agent/http/limits.h"
#include "agent/http/websocket_connection.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::http {

class Http2Streams {
 public:
    // The exchange of stream n is n + `offset`.
    Http2Streams(model::ExchangeNumber offset, model::LossCounters& losses, const Limits& limits);

    void doubt(model::Loss reason);
    bool in_doubt() const { return in_doubt_; }
    std::uint32_t highest() const { return highest_; }  // stream that a request was seen on

    // Stream 1, whose request was an HTTP/1.1 request to upgrade (RFC 7540 section 3.2).
    void adopt_upgraded();

    void head(std::uint32_t stream, model::Part part, const Http2Head& head, base::Time started, base::Time now,
              HttpOut out);
    void data(std::uint32_t stream, model::Part part, base::Bytes bytes, base::Time now, HttpOut out);
    void end_stream(std::uint32_t stream, model::Part part, base::Time now, HttpOut out);
    // One of its messages ends otherwise than by END_STREAM.
    void end_stream_as(std::uint32_t stream, model::Part part, model::MessageEnded::How how, base::Time now,
                       HttpOut out);
    void go_away(std::uint32_t last_stream, base::Time now, HttpOut out);

    // Data of one stream is missing / anything may be missing, of every stream.
    void data_missing(std::uint32_t stream, model::Part part, std::optional<std::uint64_t> length, base::Time now,
                      model::Loss reason, HttpOut out);
    void anything_missing(model::Part part, base::Time now, model::Loss reason, HttpOut out);

    // Ends what is open: one direction, or everything.
    void end(model::Part part, base::Time now, HttpOut out);
    void close(model::MessageEnded::How requests, model::MessageEnded::How responses, base::Time now, HttpOut out);
    void give_up_all(base::Time now, HttpOut out);

 private:
    struct Message {
        enum class State : std::uint8_t { idle, open, ended };

        State state = State::idle;
        bool missed = false;                // bytes of it may be missing, its end among them
        bool at_gap = false;                // and so it was said, and no data has come since
        std::optional<std::uint64_t> left;  // of what content-length says, while all data has been seen
    };
    struct Stream {
        std::array<Message, 2> messages;
        bool asks_websocket = false;
        bool asks_head = false;  // the response's content-length is that of another one (RFC 9110 section 9.3.2)
        std::unique_ptr<WebSocketConnection> websocket;

        Message& message(model::Part part) { return messages[static_cast<std::size_t>(part)]; }
        bool is_missed() const { return messages[0].missed || messages[1].missed; }
    };
    using Streams = std::map<std::uint32_t, Stream>;

    Stream* find(std::uint32_t stream);
    Stream* open(std::uint32_t stream, base::Time now, HttpOut out);
    Stream* open_without_head(std::uint32_t stream, model::Part part, base::Time now, HttpOut out);
    bool may_be_unknown(std::uint32_t stream) const;
    bool take_gap(model::Part part) { return std::exchange(gap_before_head_[static_cast<std::size_t>(part)], false); }
    bool make_room(base::Time now, HttpOut out);

    void request_head(std::uint32_t stream, const Http2Head& head, base::Time started, base::Time now, HttpOut out);
    void response_head(std::uint32_t stream, const Http2Head& head, base::Time started, base::Time now, HttpOut out);
    void begin_response(std::uint32_t id, Stream& stream, const Http2Head& head, base::Time started, HttpOut out);
    void response_without_head(std::uint32_t id, Stream& stream, base::Time now, HttpOut out);
    void end_message(std::uint32_t id, Stream& stream, model::Part part, base::Time now, model::MessageEnded::How how,
                     HttpOut out);
    void end_both(std::uint32_t id, Stream& stream, base::Time now, model::MessageEnded::How how, HttpOut out);
    void forget_if_ended(std::uint32_t id);

    model::ExchangeNumber exchange_of(std::uint32_t stream) const { return stream + offset_; }

    model::ExchangeNumber offset_;
    model::LossCounters& losses_;
    Limits limits_;
    Streams streams_;
    bool in_doubt_ = false;
    model::Loss doubt_reason_ = model::Loss::http_joined_late;
    std::array<bool, 2> gap_before_head_{};  // bytes went missing, and no head has come since
    std::uint32_t highest_ = 0;
    std::uint32_t cached_id_ = 0;  // the stream looked up last
    Stream* cached_ = nullptr;
    std::array<std::uint32_t, 256> closed_{};  // the latest ones: what still comes for them is nothing new
    std::size_t closed_count_ = 0;
};

}  // namespace llmsnoop::http
