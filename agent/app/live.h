#pragma once
// Opens the live source as the configuration asks.
#include <memory>

#include "agent/app/config.h"
#include "agent/base/result.h"
#include "agent/capture/live/live_source.h"
#include "agent/model/loss.h"

namespace llmsnoop::app {

enum class Shards : std::uint8_t { by_configuration, one };

base::Result<std::unique_ptr<capture::live::LiveSource>> open_live(const Config& config, Shards shards,
                                                                   model::LossCounters& losses);

// Applies log.level.
void set_log_level(const Config& config);

}  // namespace llmsnoop::app
