#pragma once
// What the Docker Engine API says of one container, over its Unix socket: GET /containers/ID/json. Podman's service
// answers the same. Only the names of the answer are kept, never its environment, and nothing of it is logged.
//
// Blocks, at most for as long as it may take. Whoever answers is not trusted: an answer about another container than
// the one that was asked for is none, and its size is bounded.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "agent/attribution/bundle.h"

namespace llmsnoop::attribution {

struct EngineAnswer {
    enum class Outcome : std::uint8_t {
        named,
        unknown,  // the engine has no such container
        failed,   // no engine, or none that answers as it should, or not in time
    };
    Outcome outcome = Outcome::failed;
    BundleFacts facts = {};
};

// `socket` is a path; `id` has 64 hexadecimal digits. Ends early once `stop` is set.
EngineAnswer ask_engine(const std::string& socket, const std::string& id, std::chrono::milliseconds timeout,
                        const std::atomic<bool>& stop);

}  // namespace llmsnoop::attribution
