// What a complete message head means to the connection: who answers whom, and where the body ends.
#include <utility>

#include "agent/http/field_text.h"
#include "agent/http/http1_connection.h"

namespace llmsnoop::http {

using How = model::MessageEnded::How;
using model::Direction;
using model::Part;

namespace {

// RFC 9112 section 6.3; nothing where the end cannot be told.
std::optional<MessageBody> request_body(const ParsedHead& parsed) {
    // Transfer-Encoding overrides Content-Length (item 3); without chunked at its end a request has no end (item 4).
    if (parsed.transfer_coding == TransferCoding::chunked) return MessageBody::chunked();
    if (parsed.transfer_coding == TransferCoding::other) return std::nullopt;
    if (parsed.length_field == LengthField::invalid) return std::nullopt;
    if (parsed.length_field == LengthField::valid) return MessageBody::of_length(parsed.content_length);
    return MessageBody::none();
}

std::optional<MessageBody> response_body(const ParsedHead& parsed, Pairing::Method method) {
    const int status = parsed.head->status;
    if (method == Pairing::Method::head || status == 204 || status == 304) return MessageBody::none();
    if (parsed.transfer_coding == TransferCoding::chunked) return MessageBody::chunked();
    if (parsed.transfer_coding == TransferCoding::other) return MessageBody::until_close();
    if (parsed.length_field == LengthField::invalid) return std::nullopt;
    if (parsed.length_field == LengthField::valid) return MessageBody::of_length(parsed.content_length);
    return MessageBody::until_close();
}

Pairing::Method method_of(std::string_view method) {
    if (method == "HEAD") return Pairing::Method::head;
    if (method == "CONNECT") return Pairing::Method::connect;
    return Pairing::Method::ordinary;
}

// The protocol to which this response switches the connection, if it does.
std::optional<Switch::To> switch_target(const model::MessageHead& head, Pairing::Method method) {
    if (method == Pairing::Method::connect && head.status / 100 == 2) return Switch::To::tunnel;
    if (head.status != 101) return std::nullopt;
    const std::string_view upgrade = model::header(head, "upgrade").value_or("");
    if (list_holds(upgrade, "websocket")) return Switch::To::websocket;
    if (list_holds(upgrade, "h2c")) return Switch::To::http2;
    return Switch::To::unknown;
}

}  // namespace

void Http1Connection::head_complete(Direction direction, std::string_view text, base::Time started, base::Time now,
                                    HttpOut out) {
    const auto parsed = parse_head(text, limits_, losses_);
    const bool turned =
        parsed && recognised() && (parsed->kind == MessageKind::request) != (part_of(direction) == Part::request);
    if (!parsed || turned) {
        go_astray(direction, now, out);
        return;
    }
    if (!recognised()) learn_roles(direction, parsed->kind, now, out);
    if (parsed->kind == MessageKind::request) {
        request_head(*parsed, started, now, out);
        retry_waiting_response(out);
    } else {
        response_head(*parsed, started, now, out);
    }
}

void Http1Connection::learn_roles(Direction direction, MessageKind kind, base::Time now, HttpOut out) {
    const Direction other = direction == Direction::sent ? Direction::received : Direction::sent;
    request_direction_ = kind == MessageKind::request ? direction : other;
    const auto when = start_ == Start::joined_late ? Pairing::Missed::earlier : Pairing::Missed::just_now;
    for (const Direction one : {direction, other}) {
        if (side(one).state == Side::State::seeking) note_missed(one, when);
    }
    if (start_ == Start::at_first_byte && side(response_direction()).state == Side::State::seeking)
        pairing_.gap_between_responses();
    // What the other direction has begun may be the wrong kind of message.
    if (side(other).state == Side::State::head && !side(other).collector.agrees(expected(other)))
        not_a_head(other, now, out);
}

void Http1Connection::request_head(const ParsedHead& parsed, base::Time started, base::Time now, HttpOut out) {
    Side& mine = side(*request_direction_);
    const Pairing::Method method = method_of(parsed.head->method);
    model::ExchangeNumber exchange = kUnfollowed;
    if (pairing_.waiting() < limits_.requests_waiting) {
        exchange = next_exchange_++;
        const Side::State responses = side(response_direction()).state;
        const auto answered_unseen =
            pairing_.add({exchange, method}, responses == Side::State::seeking ? Pairing::Responses::astray
                                             : responses == Side::State::body  ? Pairing::Responses::busy
                                                                               : Pairing::Responses::idle);
        if (answered_unseen) emit_end(out, answered_unseen->exchange, Part::response, now, How::given_up);
    } else {
        losses_.add(model::Loss::http_stream_limit);
        pairing_.requests_missed();
    }
    const auto body = request_body(parsed);
    mine.may_switch = parsed.asks_upgrade || method == Pairing::Method::connect;
    begin_message(mine, exchange, body);
    if (exchange != kUnfollowed) out(model::RequestStarted{exchange, started, parsed.head});
    if (!body) {
        losses_.add(model::Loss::http_desync);
        go_astray(*request_direction_, now, out);
    } else if (body->empty()) {
        end_message(*request_direction_, now, How::as_framed, out);
    }
}

void Http1Connection::response_head(const ParsedHead& parsed, base::Time started, base::Time now, HttpOut out) {
    Side& mine = side(response_direction());
    mine.state = Side::State::head;
    const int status = parsed.head->status;
    if (status / 100 == 1 && status != 101) return;  // RFC 9110 section 15.2: the final response is still to come

    Pairing::Request request;
    auto target = switch_target(*parsed.head, request.method);
    const Pairing::Answer match = pairing_.match(request);
    switch (match) {
        case Pairing::Answer::certain:
        case Pairing::Answer::likely:
            target = switch_target(*parsed.head, request.method);
            // Only a request that asked can go on as a WebSocket; any other one has ended.
            if (target == Switch::To::websocket && !is_open(request.exchange)) target = Switch::To::unknown;
            break;
        case Pairing::Answer::nobody:
            mine.collector.keep();
            mine.holds_head = true;
            mine.state = Side::State::waiting;
            mine.waiting_since = now;
            return;
        case Pairing::Answer::in_doubt: {
            losses_.add(model::Loss::http_unpaired);
            end_unanswered(now, How::given_up, out);
            end_held_request(out);
            // HTTP/2 begins with the client's preface, of which HTTP/1 may have passed over a part.
            if (target == Switch::To::http2) target = Switch::To::unknown;
            request.exchange = next_exchange_++;
            const bool goes_on = target == Switch::To::websocket;
            emit_lost_request(out, request.exchange, model::Protocol::http1, started,
                              goes_on ? LostRequest::goes_on : LostRequest::ends_here);
            break;
        }
    }
    answer(parsed, {request, target, match == Pairing::Answer::likely}, started, now, out);
}

// A response was held back because its request had not come: tries again.
void Http1Connection::retry_waiting_response(HttpOut out) {
    Side& mine = side(response_direction());
    if (!mine.holds_head) return;
    mine.holds_head = false;
    head_complete(response_direction(), mine.collector.text(), mine.collector.started(), mine.waiting_since, out);
    if (!mine.holds_head) mine.collector.clear();
}

// Is the end of this request still to be reported?
bool Http1Connection::is_open(model::ExchangeNumber exchange) const {
    const Side& requests = side(*request_direction_);
    return (held_request_ && held_request_->exchange == exchange) ||
           (requests.in_message && requests.exchange == exchange);
}

void Http1Connection::answer(const ParsedHead& parsed, const Answered& answered, base::Time started, base::Time now,
                             HttpOut out) {
    const auto& [request, target, after_gap] = answered;
    Side& mine = side(response_direction());
    if (target == Switch::To::websocket) {
        held_request_.reset();
    } else if (held_request_ && held_request_->exchange == request.exchange) {
        end_held_request(out);
    }
    const auto body = target ? MessageBody::none() : response_body(parsed, request.method);
    begin_message(mine, request.exchange, body);
    // A switch to HTTP/2 is not the answer: that comes on stream 1.
    if (target != Switch::To::http2) out(model::ResponseStarted{request.exchange, started, parsed.head, after_gap});
    if (target) {
        answer_with_switch(*target, parsed, request, now, out);
    } else if (!body) {
        losses_.add(model::Loss::http_desync);
        go_astray(response_direction(), now, out);
    } else if (body->empty()) {
        end_message(response_direction(), now, How::as_framed, out);
    }
}

void Http1Connection::answer_with_switch(Switch::To to, const ParsedHead& parsed, const Pairing::Request& request,
                                         base::Time now, HttpOut out) {
    Side& requests = side(*request_direction_);
    // Only the request that asked goes on as a WebSocket. Where its head was not seen, another one may be in progress.
    const bool goes_on = to == Switch::To::websocket && requests.exchange == request.exchange;
    if (requests.in_message && !goes_on) end_message(*request_direction_, now, How::given_up, out);
    end_unanswered(now, How::given_up, out);
    if (to == Switch::To::tunnel || to == Switch::To::unknown)
        end_message(response_direction(), now, How::as_framed, out);
    const bool gathering = requests.state == Side::State::head;
    switched_ = Switch{to, request.exchange, parsed.head, std::string(gathering ? requests.collector.text() : "")};
}

}  // namespace llmsnoop::http
