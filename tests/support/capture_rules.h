#pragma once
// What every source promises about its events (model/capture_event.h, tcp_flow.h), checked as they come.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "agent/model/capture_event.h"

namespace llmsnoop::support {

// For sources that open what they deliver and never lose an event. Aborts where a promise is broken: for fuzz targets.
class CaptureRules {
 public:
    void check(const model::CaptureEvent& event) {
        if (const auto* opened = std::get_if<model::ConnectionOpened>(&event)) {
            Connection made;
            made.from_start = opened->from_start;
            require(connections_.emplace(opened->id, made).second);
        } else if (const auto* chunk = std::get_if<model::Chunk>(&event)) {
            Half& half = half_of(chunk->connection, chunk->direction);
            require(!half.ended && chunk->bytes.size() <= chunk->length);
            require(chunk->offset + chunk->length >= chunk->offset);
            require(chunk->length > 0 || !half.begun);  // only the beginning of a direction may be marked by nothing
            half.begun = true;
        } else if (const auto* ended = std::get_if<model::DirectionEnded>(&event)) {
            Half& half = half_of(ended->connection, ended->direction);
            require(!half.ended);
            require(half.begun || connections_.at(ended->connection).from_start);
            half.ended = true;
        } else if (const auto* closed = std::get_if<model::ConnectionClosed>(&event)) {
            Connection& connection = open_one(closed->id);
            require(closed->sent.has_value() == connection.halves[0].ended);
            require(closed->received.has_value() == connection.halves[1].ended);
            connection.closed = true;
        } else {
            require(false);
        }
    }

    // The source has finished.
    void check_end() const {
        for (const auto& [id, connection] : connections_)
            require(connection.closed);
    }

 private:
    struct Half {
        bool begun = false;
        bool ended = false;
    };
    struct Connection {
        bool from_start = false;
        bool closed = false;
        std::array<Half, 2> halves;
    };

    static void require(bool holds) {
        if (!holds) std::abort();
    }

    Connection& open_one(model::ConnectionId id) {
        const auto found = connections_.find(id);
        require(found != connections_.end() && !found->second.closed);
        return found->second;
    }
    Half& half_of(model::ConnectionId id, model::Direction direction) {
        return open_one(id).halves[static_cast<std::size_t>(direction)];
    }

    std::map<model::ConnectionId, Connection> connections_;
};

}  // namespace llmsnoop::support
