#pragma once
// Blind spots as a daemon shows them: what counts as a model's host, and the list as the API gives it.
#include <string>
#include <string_view>
#include <vector>

#include "agent/app/config.h"
#include "agent/blind/blind_table.h"

namespace llmsnoop::app {

// Everything but what is asked of others.
blind::BlindOptions blind_options(const Config& config);

// A JSON array of processes.
std::string blind_json(const std::vector<model::BlindProcess>& processes);

}  // namespace llmsnoop::app
