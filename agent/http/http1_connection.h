#pragma once
// HTTP/1.0 and HTTP/1.1 on one connection, both directions (RFC 9112), as an observer sees them.
//
// Which direction carries requests is learned from the first head. Each direction is a small state machine: a head, its
// body, the next head; `Pairing` says which response belongs to which request. After a gap that swallows more than a
// part of a body of known extent, the message is given up and the next head is looked for.
//
// Not thread-safe; used by ConnectionParser alone, which keeps back input where this class cannot use it yet
// (`waiting`).
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/http/head_collector.h"
#include "agent/http/head_parser.h"
#include "agent/http/head_seeker.h"
#include "agent/http/http_out.h"
#include "agent/http/limits.h"
#include "agent/http/message_body.h"
#include "agent/http/pairing.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"
#include "agent/model/stream_item.h"

namespace llmsnoop::http {

// The connection goes on as something else, in both directions.
struct Switch {
    enum class To : std::uint8_t {
        websocket,  // both messages of `exchange` go on as WebSocket messages
        http2,      // the request of `exchange` has ended; its response comes on stream 1 (RFC 7540 section 3.2)
        tunnel,     // CONNECT: the exchange has ended, anything may follow
        unknown,    // an upgrade to a protocol that is not followed; the exchange has ended
    };

    To to = To::unknown;
    model::ExchangeNumber exchange = 0;
    std::shared_ptr<const model::MessageHead> response;
    std::string unread{};  // what the request direction brought before the switch was known and begins no request
};

class Http1Connection {
 public:
    enum class Start : std::uint8_t { at_first_byte, joined_late };

    // Exchanges are numbered from `first` on.
    Http1Connection(Start start, model::ExchangeNumber first, model::LossCounters& losses, const Limits& limits);

    // Returns how many bytes were used. Where it is not all of them, either `waiting` is true for this direction, or
    // the connection was switched.
    std::size_t feed(model::Direction direction, const model::StreamBytes& item, HttpOut out);
    void gap(model::Direction direction, const model::Gap& gap, HttpOut out);
    void end(model::Direction direction, base::Time time, HttpOut out);
    void close(model::ConnectionClosed::How how, base::Time time, HttpOut out);

    // This direction cannot go on before the other one has: a response whose request has not come yet, or what follows
    // a request to switch protocols.
    bool waiting(model::Direction direction) const { return side(direction).state == Side::State::waiting; }
    // A response waits so long at most; what follows a request to switch waits for the answer, however long that takes.
    bool waited_too_long(model::Direction direction, base::Time now) const;
    void stop_waiting(model::Direction direction, HttpOut out);

    // A whole head was seen / a start line was, and what follows may be the rest of its head.
    bool recognised() const { return request_direction_.has_value(); }
    bool promising(model::Direction direction) const;
    std::optional<model::Direction> request_direction() const { return request_direction_; }
    const std::optional<Switch>& switched() const { return switched_; }
    model::ExchangeNumber next_exchange() const { return next_exchange_; }
    std::optional<std::uint64_t> body_end(model::ExchangeNumber exchange, model::Part part) const;

 private:
    // One direction. `in_message`: a message has started and not ended; its events carry `exchange`.
    struct Side {
        enum class State : std::uint8_t { head, body, seeking, waiting, ended };

        explicit Side(const Limits& limits) : collector(limits.head_bytes), seeker(limits.head_bytes) {}

        State state = State::head;
        HeadCollector collector;
        HeadSeeker seeker;
        MessageBody body = MessageBody::none();
        bool in_message = false;
        bool gap_in_body = false;
        bool may_switch = false;  // requests: asks for another protocol
        bool holds_head = false;  // responses: the collector keeps a head whose request has not come
        model::ExchangeNumber exchange = kUnfollowed;
        std::uint64_t position = 0;  // absolute offset of the next byte
        base::Time waiting_since;
    };
    // What a response answers, and the protocol that it switches the connection to.
    struct Answered {
        Pairing::Request request;
        std::optional<Switch::To> target;
        bool after_gap = false;
    };
    // The end of a request to switch protocols, which is not reported before the answer is known.
    struct HeldEnd {
        model::ExchangeNumber exchange = kUnfollowed;
        base::Time time;
    };

    Side& side(model::Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
    const Side& side(model::Direction direction) const { return sides_[static_cast<std::size_t>(direction)]; }
    model::Direction response_direction() const;
    model::Part part_of(model::Direction direction) const;
    Expected expected(model::Direction direction) const;

    void feed_head(model::Direction direction, base::Bytes& bytes, base::Time time, HttpOut out);
    void not_a_head(model::Direction direction, base::Time time, HttpOut out);
    void feed_seeking(model::Direction direction, base::Bytes& bytes, base::Time time, HttpOut out);
    void feed_body(model::Direction direction, base::Bytes& bytes, base::Time time, HttpOut out);

    void head_complete(model::Direction direction, std::string_view text, base::Time started, base::Time now,
                       HttpOut out);
    void learn_roles(model::Direction direction, MessageKind kind, base::Time now, HttpOut out);
    void request_head(const ParsedHead& parsed, base::Time started, base::Time now, HttpOut out);
    void response_head(const ParsedHead& parsed, base::Time started, base::Time now, HttpOut out);
    bool is_open(model::ExchangeNumber exchange) const;
    void answer(const ParsedHead& parsed, const Answered& answered, base::Time started, base::Time now, HttpOut out);
    void answer_with_switch(Switch::To to, const ParsedHead& parsed, const Pairing::Request& request, base::Time now,
                            HttpOut out);
    void retry_waiting_response(HttpOut out);

    void begin_message(Side& mine, model::ExchangeNumber exchange, const std::optional<MessageBody>& body);
    void end_message(model::Direction direction, base::Time time, model::MessageEnded::How how, HttpOut out);
    void end_held_request(HttpOut out);
    void end_unanswered(base::Time time, model::MessageEnded::How how, HttpOut out);
    void go_astray(model::Direction direction, base::Time time, HttpOut out,
                   Pairing::Missed when = Pairing::Missed::just_now);
    void note_missed(model::Direction direction, Pairing::Missed when);

    Start start_;
    model::LossCounters& losses_;
    Limits limits_;
    std::array<Side, 2> sides_;
    Pairing pairing_;
    std::optional<model::Direction> request_direction_;
    std::optional<HeldEnd> held_request_;
    std::optional<Switch> switched_;
    model::ExchangeNumber next_exchange_;
};

}  // namespace llmsnoop::http
