#pragma once
// Where a parser's events go, and short ways to say the common ones. Exchange 0 is nobody's: messages that are parsed
// only to find their end (beyond a limit) carry it, and nothing is said about them.
#include <memory>
#include <utility>

#include "agent/base/function_ref.h"
#include "agent/model/capture_event.h"
#include "agent/model/http_event.h"

namespace llmsnoop::http {

using HttpOut = base::FunctionRef<void(const model::HttpEvent&)>;

inline constexpr model::ExchangeNumber kUnfollowed = 0;

inline void emit_body(HttpOut out, model::ExchangeNumber exchange, model::Part part, base::Time time,
                      base::Bytes bytes) {
    if (exchange != kUnfollowed && !bytes.empty()) out(model::BodyBytes{exchange, part, time, bytes});
}

inline void emit_end(HttpOut out, model::ExchangeNumber exchange, model::Part part, base::Time time,
                     model::MessageEnded::How how) {
    if (exchange != kUnfollowed) out(model::MessageEnded{exchange, part, time, how});
}

// How what is still open in one direction ends when the connection does.
inline model::MessageEnded::How open_end(model::ConnectionClosed::How closed, model::Direction direction) {
    using Closed = model::ConnectionClosed::How;
    using How = model::MessageEnded::How;
    if (closed == Closed::source_ended) return How::unfinished;
    const bool by_observed = closed == Closed::released || closed == Closed::process_ended;
    return by_observed && direction == model::Direction::received ? How::left : How::cut_off;
}

// A request that was not seen, for a response that was. Where messages of the request's direction can still be reported
// (WebSocket), it goes on.
enum class LostRequest : std::uint8_t { ends_here, goes_on };

inline void emit_lost_request(HttpOut out, model::ExchangeNumber exchange, model::Protocol protocol, base::Time time,
                              LostRequest rest) {
    auto head = std::make_shared<model::MessageHead>();
    head->protocol = protocol;
    head->lost = true;
    out(model::RequestStarted{exchange, time, std::move(head)});
    if (rest == LostRequest::ends_here) {
        emit_end(out, exchange, model::Part::request, time, model::MessageEnded::How::given_up);
    }
}

}  // namespace llmsnoop::http
