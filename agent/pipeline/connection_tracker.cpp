#include "agent/pipeline/connection_tracker.h"

#include <algorithm>
#include <variant>

#include "agent/llm/provider.h"

namespace llmsnoop::pipeline {

namespace {

template <typename... Each>
struct Overloaded : Each... {
    using Each::operator()...;
};
template <typename... Each>
Overloaded(Each...) -> Overloaded<Each...>;

}  // namespace

ConnectionTracker::ConnectionTracker(const model::ConnectionOpened& opened, Services& services)
    : services_(services),
      sent_{stream::ByteStream(opened.ordering, services.losses)},
      received_{stream::ByteStream(opened.ordering, services.losses)},
      parser_(opened.from_start, services.losses, {.memory = &services.memory}) {
    facts_.opened = opened;
    facts_.local = opened.local;
    facts_.peer = opened.peer;
    if (opened.process) facts_.identity = services.processes.identity(*opened.process);
}

void ConnectionTracker::chunk(const model::Chunk& chunk) {
    if (!read_) {
        read_ = true;
        tell_of_reading({});
    }
    if (!given_up_) {
        Lane& one = lane(chunk.direction);
        begin_late(one, chunk.offset);
        one.bytes.feed(chunk, [&](const model::StreamItem& item) {
            parser_.feed(chunk.direction, item, [this](const model::HttpEvent& event) { on_http(event); });
        });
    }
    if (!given_up_ || !tunnel_) return;
    if (tunnel_->sent(chunk, facts_, *services_.blind) == TunnelWatch::Wants::more) return;
    tunnel_.reset();
    services_.source.mute(facts_.opened.id, model::Direction::sent, std::nullopt);
}

// Of a connection that was met in the middle, what lies before the first that is seen is not missing.
void ConnectionTracker::begin_late(Lane& lane, std::uint64_t offset) const {
    if (lane.begun) return;
    lane.begun = true;
    if (!facts_.opened.from_start) lane.bytes.start_at(offset);
}

void ConnectionTracker::addressed(const model::ConnectionAddressed& event) {
    if (event.local) facts_.local = event.local;
    if (event.peer) facts_.peer = event.peer;
    if (read_) tell_of_reading({});
    for (const auto& [number, exchange] : exchanges_)
        exchange->addressed();
}

void ConnectionTracker::named(const model::ConnectionNamed& event) {
    facts_.server_name = event.server_name;
    if (read_) tell_of_reading({});
}

// TLS of which plaintext is seen is no blind spot.
void ConnectionTracker::tell_of_reading(std::string_view authority) {
    const auto& process = facts_.opened.process;
    if (services_.blind == nullptr || !process || facts_.opened.transport != model::Transport::tls) return;
    services_.blind->read({facts_.opened.id, *process, facts_.opened.time, facts_.local, facts_.peer,
                           llm::host_of(facts_.server_name), llm::host_of(authority)});
}

void ConnectionTracker::direction_ended(const model::DirectionEnded& event) {
    if (given_up_) return;
    begin_late(lane(event.direction), event.offset);
    lane(event.direction).bytes.end(event.offset, event.time, [&](const model::StreamItem& item) {
        parser_.feed(event.direction, item, [this](const model::HttpEvent& one) { on_http(one); });
    });
    parser_.end(event.direction, event.time, [this](const model::HttpEvent& one) { on_http(one); });
}

void ConnectionTracker::closed(const model::ConnectionClosed& event) {
    if (!given_up_) {
        for (const model::Direction direction : {model::Direction::sent, model::Direction::received}) {
            const auto& length = direction == model::Direction::sent ? event.sent : event.received;
            if (length) begin_late(lane(direction), *length);
            lane(direction).bytes.end(length, event.time, [&](const model::StreamItem& item) {
                parser_.feed(direction, item, [this](const model::HttpEvent& one) { on_http(one); });
            });
        }
        parser_.close(event.how, event.time, [this](const model::HttpEvent& one) { on_http(one); });
    }
    if (services_.blind != nullptr && read_ && facts_.opened.process &&
        facts_.opened.transport == model::Transport::tls)
        services_.blind->closed(*facts_.opened.process, facts_.opened.id, event.time);
    services_.source.released(facts_.opened.id);
}

// What goes through a proxy's tunnel: the client's to be looked into, the proxy's none of its own.
void ConnectionTracker::note_tunnel(const model::RequestStarted& event) {
    if (services_.blind == nullptr || !facts_.opened.process) return;
    tunnel_.reset();
    if (event.head->method != "CONNECT") return;
    const std::string host = llm::host_of(event.head->authority);
    if (facts_.role() == model::Role::server)
        services_.blind->tunnel(*facts_.opened.process, host, event.time);
    else if (facts_.opened.transport == model::Transport::plain)
        tunnel_.emplace(host);
}

ExchangeAssembly* ConnectionTracker::find(model::ExchangeNumber number) {
    for (auto& [one, assembly] : exchanges_) {
        if (one == number) return assembly.get();
    }
    return nullptr;
}

void ConnectionTracker::open(const model::RequestStarted& event) {
    if (exchanges_.size() >= services_.settings.exchanges) {
        services_.losses.add(model::Loss::exchange_limit);
        return;
    }
    if (!facts_.requests) facts_.requests = parser_.request_direction();
    // The process may have been announced only after its connection (a full ring).
    if (facts_.opened.process) facts_.identity = services_.processes.identity(*facts_.opened.process);
    tell_of_reading(event.head->authority);
    note_tunnel(event);
    exchanges_.emplace_back(event.exchange, std::make_unique<ExchangeAssembly>(event, facts_, services_));
}

void ConnectionTracker::finish_if_over(model::ExchangeNumber number) {
    const auto at =
        std::find_if(exchanges_.begin(), exchanges_.end(), [&](const auto& one) { return one.first == number; });
    if (at != exchanges_.end() && at->second->finished()) exchanges_.erase(at);
}

void ConnectionTracker::give_up() {
    given_up_ = true;
    exchanges_.clear();
    if (!tunnel_) services_.source.mute(facts_.opened.id, model::Direction::sent, std::nullopt);
    services_.source.mute(facts_.opened.id, model::Direction::received, std::nullopt);
}

void ConnectionTracker::mute_if_of_no_interest(model::Direction direction, model::ExchangeNumber number,
                                               model::Part part) {
    const auto end = parser_.body_end(number, part);
    Lane& one = lane(direction);
    if (!end || *end < one.bytes.next_offset() + services_.settings.mute_from || *end <= one.muted_until) return;
    one.muted_until = *end;
    one.bytes.expect_gap_until(*end);
    services_.source.mute(facts_.opened.id, direction, *end);
}

void ConnectionTracker::on_http(const model::HttpEvent& event) {
    std::visit(Overloaded{
                   [&](const model::BodyBytes& one) {
                       ExchangeAssembly* assembly = find(one.exchange);
                       if (assembly == nullptr) return;
                       if (!assembly->of_no_interest()) return assembly->body(one);
                       const bool request = one.part == model::Part::request;
                       const auto requests = facts_.requests.value_or(model::Direction::sent);
                       const auto responses =
                           requests == model::Direction::sent ? model::Direction::received : model::Direction::sent;
                       mute_if_of_no_interest(request ? requests : responses, one.exchange, one.part);
                   },
                   [&](const model::RequestStarted& one) { open(one); },
                   [&](const model::ResponseStarted& one) {
                       if (ExchangeAssembly* assembly = find(one.exchange)) assembly->response_started(one);
                   },
                   [&](const model::BodyGap& one) {
                       if (ExchangeAssembly* assembly = find(one.exchange)) assembly->body_gap(one);
                   },
                   [&](const model::MessageEnded& one) {
                       if (ExchangeAssembly* assembly = find(one.exchange)) assembly->message_ended(one);
                       finish_if_over(one.exchange);
                   },
                   [&](const model::WebSocketMessage& one) {
                       if (ExchangeAssembly* assembly = find(one.exchange)) assembly->message(one);
                   },
                   [&](const model::NotHttp&) { give_up(); },
               },
               event);
}

}  // namespace llmsnoop::pipeline
