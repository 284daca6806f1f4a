#pragma once
// What the exchanges of a connection share.
#include <memory>
#include <optional>
#include <string>

#include "agent/model/capture_event.h"
#include "agent/model/exchange.h"
#include "agent/model/process.h"

namespace llmsnoop::pipeline {

struct ConnectionFacts {
    model::ConnectionOpened opened;
    std::optional<model::Endpoint> local;
    std::optional<model::Endpoint> peer;
    std::string server_name;
    std::shared_ptr<const model::Identity> identity;  // null for packet captures
    std::optional<model::Direction> requests;         // the direction in which requests travel

    // On the wire nobody is the process: the client is the observed end, whatever the capture took for local.
    bool turned() const { return opened.viewpoint == model::Viewpoint::wire && requests == model::Direction::received; }
    model::Role role() const {
        const bool client = opened.viewpoint == model::Viewpoint::wire || requests != model::Direction::received;
        return client ? model::Role::client : model::Role::server;
    }
    std::optional<model::Endpoint> observed_end() const { return turned() ? peer : local; }
    std::optional<model::Endpoint> other_end() const { return turned() ? local : peer; }
    std::optional<model::Endpoint> client_end() const {
        return role() == model::Role::client ? observed_end() : other_end();
    }
    std::optional<model::Endpoint> server_end() const {
        return role() == model::Role::client ? other_end() : observed_end();
    }
};

}  // namespace llmsnoop::pipeline
