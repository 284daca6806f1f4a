#pragma once
// Record identifiers: ULIDs (48 bits of milliseconds, 80 bits that tell apart), made from what identifies an exchange,
// so that a tape replayed gives the identifiers of the live run.
#include <cstdint>
#include <string>

#include "agent/base/clock.h"
#include "agent/model/connection.h"
#include "agent/model/http_event.h"

namespace llmsnoop::pipeline {

// 26 characters of Crockford's base 32. `turn` numbers the calls of one exchange (WebSocket), from 0.
std::string exchange_id(base::Time started, model::ConnectionId connection, model::ExchangeNumber exchange,
                        std::uint32_t turn);

}  // namespace llmsnoop::pipeline
