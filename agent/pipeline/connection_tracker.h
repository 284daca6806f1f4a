#pragma once
// One connection from its opening to its end: stream order, HTTP, and the exchanges that are open on it.
//
// Owned by its shard; not thread-safe.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "agent/http/connection_parser.h"
#include "agent/model/capture_event.h"
#include "agent/pipeline/connection_facts.h"
#include "agent/pipeline/exchange_assembly.h"
#include "agent/pipeline/services.h"
#include "agent/pipeline/tunnel_watch.h"
#include "agent/stream/byte_stream.h"

namespace llmsnoop::pipeline {

class ConnectionTracker {
 public:
    ConnectionTracker(const model::ConnectionOpened& opened, Services& services);
    ConnectionTracker(const ConnectionTracker&) = delete;
    ConnectionTracker& operator=(const ConnectionTracker&) = delete;

    void chunk(const model::Chunk& chunk);
    void addressed(const model::ConnectionAddressed& event);
    void named(const model::ConnectionNamed& event);
    void direction_ended(const model::DirectionEnded& event);
    void closed(const model::ConnectionClosed& event);

    bool idle() const { return exchanges_.empty(); }
    // Nothing more is wanted of it, and the source was told so.
    bool given_up() const { return given_up_; }
    const ConnectionFacts& facts() const { return facts_; }
    const std::optional<model::ProcessKey>& process() const { return facts_.opened.process; }

 private:
    struct Lane {
        stream::ByteStream bytes;
        bool begun = false;
        std::uint64_t muted_until = 0;
    };

    Lane& lane(model::Direction direction) { return direction == model::Direction::sent ? sent_ : received_; }
    void begin_late(Lane& lane, std::uint64_t offset) const;
    void on_http(const model::HttpEvent& event);
    ExchangeAssembly* find(model::ExchangeNumber number);
    void open(const model::RequestStarted& event);
    void finish_if_over(model::ExchangeNumber number);
    void give_up();
    void tell_of_reading(std::string_view authority);
    void note_tunnel(const model::RequestStarted& event);
    void mute_if_of_no_interest(model::Direction direction, model::ExchangeNumber number, model::Part part);

    Services& services_;
    ConnectionFacts facts_;
    Lane sent_;
    Lane received_;
    http::ConnectionParser parser_;
    std::vector<std::pair<model::ExchangeNumber, std::unique_ptr<ExchangeAssembly>>> exchanges_;
    bool given_up_ = false;
    bool read_ = false;  // plaintext has arrived
    std::optional<TunnelWatch> tunnel_;
};

}  // namespace llmsnoop::pipeline
