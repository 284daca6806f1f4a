#pragma once
// Every limit of the HTTP stage: what is kept in memory for one connection, and how long something is waited for.
#include <cstddef>
#include <cstdint>

#include "agent/base/clock.h"
#include "agent/base/memory_budget.h"

namespace llmsnoop::http {

struct Limits {
    std::size_t head_bytes = 256U << 10;  // one message head, or one decoded header list
    std::size_t header_count = 1000;
    std::size_t requests_waiting = 1000;        // pipelined requests without a response, HTTP/1.1
    std::size_t streams = 1000;                 // concurrent HTTP/2 streams
    std::size_t websocket_message = 16U << 20;  // after inflation
    std::size_t probe_bytes = 16U << 10;        // looked at before a connection is declared not to be HTTP
    std::size_t late_probe_bytes = 4U << 20;    // the same, where it may have been joined in the middle of a body

    // A direction waits for the other one where order matters (a response that overtook its request between two probes,
    // bytes behind an upgrade request): so many bytes, and so long by the capture's clock.
    std::size_t held_bytes = 256U << 10;
    base::Duration held_time = std::chrono::seconds(1);

    // Beyond `websocket_message`: of all connections together. None: no bound.
    base::MemoryBudget* memory = nullptr;
};

}  // namespace llmsnoop::http
