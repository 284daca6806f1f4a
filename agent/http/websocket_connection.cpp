#include "agent/http/websocket_connection.h"

namespace llmsnoop::http {
namespace {

DeflateTerms terms_of(const model::MessageHead& response) {
    // Where the head could not be read, a frame that says it is compressed is believed.
    if (response.lost) return {true};
    DeflateTerms terms;
    for (const model::Header& one : response.headers) {
        if (one.name == "sec-websocket-extensions" && !terms.agreed) terms = read_deflate_terms(one.value);
    }
    return terms;
}

}  // namespace

WebSocketConnection::WebSocketConnection(model::ExchangeNumber exchange, const model::MessageHead& response,
                                         model::LossCounters& losses, const Limits& limits)
    : WebSocketConnection(exchange, terms_of(response), losses, limits) {}

WebSocketConnection::WebSocketConnection(model::ExchangeNumber exchange, const DeflateTerms& terms,
                                         model::LossCounters& losses, const Limits& limits)
    : readers_{WebSocketReader(exchange, model::Part::request, terms, losses, limits),
               WebSocketReader(exchange, model::Part::response, terms, losses, limits)} {}

void WebSocketConnection::end(model::Part part, base::Time time, HttpOut out) {
    reader(part).end(time, model::MessageEnded::How::cut_off, out);
}

void WebSocketConnection::close(model::ConnectionClosed::How how, base::Time time, HttpOut out) {
    using How = model::MessageEnded::How;
    const How end_how = how == model::ConnectionClosed::How::source_ended ? How::unfinished : How::cut_off;
    for (const model::Part part : {model::Part::request, model::Part::response})
        reader(part).end(time, end_how, out);
}

}  // namespace llmsnoop::http
