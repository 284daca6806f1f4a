#pragma once
// Exchanges to export, and the gate that lets them out.
#include <random>
#include <string>

#include "agent/model/cleared.h"
#include "agent/model/exchange.h"
#include "agent/policy/gate.h"

namespace llmsnoop::exporters {

// 2026-11-20T10:38:00.123456789Z
inline const base::Time kStarted = base::time_from_unix_ns(1'795'171'080'123'456'789);

model::Cleared<model::Exchange> cleared(model::Exchange exchange,
                                        policy::ContentMode content = policy::ContentMode::none);
model::Cleared<model::ExchangeStarted> cleared(model::ExchangeStarted started);

// Knows nothing but that it happened.
model::Exchange bare_exchange();

// Every field is set.
model::Exchange full_exchange();

// A streaming chat completion of process `comm`, as most are.
model::Exchange chat_exchange(const std::string& comm, const std::string& model, std::uint64_t input,
                              std::uint64_t output);

// Any combination of known and unknown, with text that is hard to write: quotes, controls, ill-formed UTF-8.
model::Exchange random_exchange(std::mt19937& random);

}  // namespace llmsnoop::exporters
