#include "agent/pipeline/exchange_assembly.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/pipeline/accounting.h"
#include "agent/pipeline/exchange_id.h"

namespace llmsnoop::pipeline {

namespace {

using model::Completeness;
using How = model::MessageEnded::How;

bool is_private(const model::Address& address) {
    const auto& b = address.bytes;
    if (address.family == model::Address::Family::ipv4) {
        // RFC 1918, 127/8, 169.254/16 and the shared space of RFC 6598.
        return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
    }
    const bool loopback = std::all_of(b.begin(), b.end() - 1, [](std::uint8_t one) { return one == 0; }) && b[15] == 1;
    return loopback || (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);  // RFC 4193, RFC 4291
}

std::optional<std::uint32_t> retry_of(const model::MessageHead& head) {
    const auto text = model::header(head, "x-stainless-retry-count");
    std::uint32_t count = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), count).ec != std::errc())
        return std::nullopt;
    return count;
}

// Has every choice that spoke said why it stopped?
bool all_choices_finished(const model::LlmCall& call) {
    const auto& reasons = call.finish_reasons;
    return !reasons.empty() && reasons.size() >= call.completion.size() &&
           std::none_of(reasons.begin(), reasons.end(), [](const std::string& one) { return one.empty(); });
}

}  // namespace

ExchangeAssembly::ExchangeAssembly(const model::RequestStarted& event, const ConnectionFacts& connection,
                                   Services& services)
    : connection_(connection), services_(services), number_(event.exchange), request_memory_(&services.memory) {
    request_.head = event.head;
    request_.started = event.time;
    id_ = exchange_id(event.time, connection.opened.id, number_, 0);
    interest_ = llm::interest(*event.head, services_.settings.batch_results);
    if (interest_ != llm::Interest::none) open_reader(model::Part::request);
    if (event.head->lost) lower(Completeness::headers_lost);
    if (event.after_gap) lower(Completeness::gap);
}

void ExchangeAssembly::open_reader(model::Part part) {
    Side& one = side(part);
    const model::Framing framing = part == model::Part::request
                                       ? model::Framing::automatic
                                       : (dialect_ ? dialect_->response_framing() : model::Framing::automatic);
    one.reader = std::make_unique<BodyReader>(part, *one.head, framing, services_.settings.body_hash, services_.losses,
                                              services_.memory);
}

void ExchangeAssembly::response_started(const model::ResponseStarted& event) {
    response_.head = event.head;
    response_.started = event.time;
    if (event.head->lost) lower(Completeness::headers_lost);
    if (event.after_gap) lower(Completeness::gap);
    if (interest_ == llm::Interest::none) return;
    if (!dialect_) recognise(nullptr);
    if (dialect_) dialect_->response_head(*event.head, calls_);
    open_reader(model::Part::response);
}

void ExchangeAssembly::body(const model::BodyBytes& event) {
    BodyReader* reader = side(event.part).reader.get();
    if (reader != nullptr)
        reader->feed(event.time, event.bytes, [this](const model::Frame& frame) { on_frame(frame); });
}

void ExchangeAssembly::body_gap(const model::BodyGap& event) {
    lower(Completeness::gap);
    BodyReader* reader = side(event.part).reader.get();
    if (reader != nullptr) reader->gap(event.time, [this](const model::Frame& frame) { on_frame(frame); });
}

void ExchangeAssembly::message(const model::WebSocketMessage& event) {
    if (interest_ == llm::Interest::none) return;
    message_bytes_[event.part == model::Part::request ? 0 : 1] += event.bytes.size();
    if (event.truncated) lower(Completeness::truncated);
    model::Frame frame;
    frame.part = event.part;
    frame.kind = model::Frame::Kind::message;
    frame.time = event.time;
    frame.truncated = event.truncated;
    frame.document = event.bytes;
    on_frame(frame);
}

void ExchangeAssembly::on_frame(const model::Frame& frame) {
    if (frame.part == model::Part::request)
        request_frame(frame);
    else
        response_frame(frame);
    if (dialect_) deliver(calls_.take_finished());
}

void ExchangeAssembly::request_frame(const model::Frame& frame) {
    // On a WebSocket the last message is what a body is elsewhere: it may say more than the path does.
    if (!dialect_ && (frame.kind == model::Frame::Kind::body || frame.kind == model::Frame::Kind::message)) {
        keep_request_body(frame);
        recognise(nullptr);
    } else if (!dialect_) {
        recognise(nullptr);
    }
    if (dialect_) dialect_->request(frame, calls_);
}

void ExchangeAssembly::keep_request_body(const model::Frame& frame) {
    request_body_kept_ = request_memory_.hold(frame.document.size());
    if (request_body_kept_) {
        request_body_.assign(base::as_text(frame.document));
        request_body_cut_ = frame.truncated;
        return;
    }
    services_.losses.add(model::Loss::memory_limit);
    lower(Completeness::truncated);
    request_body_.clear();
}

void ExchangeAssembly::response_frame(const model::Frame& frame) {
    if (!dialect_ && recognise(&frame)) {
        // Recognised by the answer: let the dialect see first what came before.
        if (request_body_kept_) {
            model::Frame request;
            request.part = model::Part::request;
            request.time = request_.ended.value_or(request_.started);
            request.truncated = request_body_cut_;
            request.document = base::as_bytes(request_body_);
            dialect_->request(request, calls_);
        }
        if (response_.head) dialect_->response_head(*response_.head, calls_);
    }
    if (dialect_) dialect_->response(frame, calls_);
}

// Asks the registry with all that is known by now.
bool ExchangeAssembly::recognise(const model::Frame* response_document) {
    if (interest_ == llm::Interest::none) return false;
    llm::Clues clues;
    clues.request = request_.head.get();
    clues.response = response_.head.get();
    if (request_body_kept_) clues.request_body = base::as_bytes(request_body_);
    clues.request_body_cut = request_body_cut_;
    if (response_document != nullptr) clues.response_document = response_document->document;
    clues.server_name = connection_.server_name;
    if (const auto server = connection_.server_end()) {
        clues.server_port = server->port;
        clues.server_is_private = is_private(server->address);
    }
    dialect_ = llm::recognise(clues, calls_, services_.losses, services_.settings.batch_results);
    if (!dialect_) return false;
    announce();
    return true;
}

void ExchangeAssembly::announce() {
    // A WebSocket is a session, whose turns are the calls; so are the lines of a file of results.
    if (announced_ || !calls_.is_open()) return;
    announced_ = true;
    model::ExchangeStarted started;
    started.id = id_;
    started.role = connection_.role();
    started.llm = calls_.seed;
    if (connection_.identity) started.identity = *connection_.identity;
    started.started = request_.started;
    services_.output.started(std::move(started));
    offer_for_pairing();
}

void ExchangeAssembly::addressed() {
    if (announced_) offer_for_pairing();
}

void ExchangeAssembly::offer_for_pairing() {
    const auto key = pairing_key();
    if (!key || !connection_.opened.from_start || offered_) return;
    offered_ = true;
    services_.pairing.started(*key, connection_.role(), id_, services_.output.finished);
}

std::optional<Pairing::Key> ExchangeAssembly::pairing_key() const {
    const auto client = connection_.client_end();
    const auto server = connection_.server_end();
    if (!client || !server || connection_.opened.viewpoint == model::Viewpoint::wire) return std::nullopt;
    return Pairing::Key{*client, *server, number_};
}

Pairing::Keys ExchangeAssembly::pairing_keys(const model::Exchange& record) const {
    Pairing::Keys out;
    const auto key = announced_ ? pairing_key() : std::nullopt;
    if (!key) return out;
    if (connection_.opened.from_start) out.by_number = key;
    if (!record.llm.response_id.empty()) {
        out.by_response = key;
        out.by_response->exchange = 0;
        out.by_response->response_id = record.llm.response_id;
    }
    return out;
}

void ExchangeAssembly::message_ended(const model::MessageEnded& event) {
    Side& one = side(event.part);
    if (one.ended) return;
    one.how = event.how;
    one.ended = event.time;
    const bool whole = event.how == How::as_framed || event.how == How::by_close;
    if (one.reader) {
        // A document that the end cuts in two is the end's doing and has that verdict, not one of its own.
        const Completeness before = one.reader->completeness();
        one.reader->end(event.time, whole, [this](const model::Frame& frame) { on_frame(frame); });
        lower(whole ? one.reader->completeness() : before);
    }
    if (finished()) finish(event.time);
}

void ExchangeAssembly::lower_by_end(const Side& one) {
    switch (one.how) {
        case How::as_framed:
        case How::by_close:
            break;
        case How::cut_off:
        case How::left:
            lower(Completeness::interrupted);
            break;
        case How::given_up:
            lower(Completeness::gap);
            break;
        case How::unfinished:
            lower(Completeness::in_progress);
            break;
    }
}

void ExchangeAssembly::finish(base::Time time) {
    if (interest_ == llm::Interest::none) return;
    if (!dialect_) recognise(nullptr);  // a request without an answer, or an answer without a document
    if (!dialect_) return;
    lower_by_end(request_);
    // A client may take the stream's last word for the end and leave: what the framing had yet to say is no loss.
    if (response_.how != How::left || !calls_.is_done()) lower_by_end(response_);
    dialect_->end(time, calls_);
    std::vector<llm::FinishedCall> calls = calls_.take_all(model::has_whole_bodies(completeness_));
    for (llm::FinishedCall& call : calls)
        call.whole = call.whole && !ends_too_early(call);
    deliver(std::move(calls));
}

// A stream that only the end of the connection ends, and that said neither why each choice stopped nor that it is over:
// some TLS libraries take a broken connection for an end in order.
bool ExchangeAssembly::ends_too_early(const llm::FinishedCall& finished) const {
    const model::LlmCall& call = finished.call;
    return response_.how == How::by_close && call.stream.value_or(false) && !all_choices_finished(call) &&
           !call.error && !finished.said_done;
}

void ExchangeAssembly::deliver(std::vector<llm::FinishedCall> calls) {
    for (llm::FinishedCall& call : calls) {
        model::Exchange record = record_of(call);
        const Pairing::Keys keys = pairing_keys(record);
        services_.pairing.finished(keys, std::move(record), services_.output.finished);
        ++turns_;
    }
}

model::Exchange ExchangeAssembly::record_of(llm::FinishedCall& call) {
    model::Exchange out;
    out.id = turns_ == 0 ? id_ : exchange_id(request_.started, connection_.opened.id, number_, turns_);
    out.role = connection_.role();
    out.net = net();
    out.http = http(call);
    out.timing.started = call.started.value_or(request_.started);
    if (!call.started) {
        out.timing.request_ended = request_.ended;
        if (response_.head) out.timing.response_started = response_.started;
    }
    const base::Time last = response_.ended.value_or(request_.ended.value_or(request_.started));
    out.timing.ended = call.ended.value_or(last);
    if (connection_.identity) out.identity = *connection_.identity;
    out.completeness = model::worse(completeness_, call.documents);
    if (!call.whole && out.completeness == Completeness::complete) out.completeness = Completeness::interrupted;
    out.llm = std::move(call.call);
    account(out, call.counted ? Tokens::count : Tokens::leave, services_);
    return out;
}

model::Net ExchangeAssembly::net() const {
    model::Net out;
    out.transport = connection_.opened.transport;
    out.library = connection_.opened.library;
    const auto upgrade = request_.head ? model::header(*request_.head, "upgrade") : std::nullopt;
    const bool switched = response_.head && response_.head->status == 101;
    out.protocol = upgrade && switched ? model::Protocol::websocket : request_.head->protocol;
    out.local = connection_.observed_end();
    out.peer = connection_.other_end();
    out.server_name = connection_.server_name;
    return out;
}

model::Http ExchangeAssembly::http(const llm::FinishedCall& call) {
    model::Http out;
    out.method = request_.head->method;
    out.path = request_.head->target;
    out.authority = request_.head->authority;
    out.retry = retry_of(*request_.head);
    if (response_.head && response_.head->status != 0) out.status = response_.head->status;
    out.request_bytes = (request_.reader ? request_.reader->wire_bytes() : 0) + message_bytes_[0];
    if (call.answer_bytes) {
        out.response_bytes = *call.answer_bytes;
        return out;
    }
    out.response_bytes = (response_.reader ? response_.reader->wire_bytes() : 0) + message_bytes_[1];
    if (request_.reader) out.request_sha256 = request_.reader->take_sha256();
    if (response_.reader) out.response_sha256 = response_.reader->take_sha256();
    return out;
}

}  // namespace llmsnoop::pipeline
