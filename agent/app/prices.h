#pragma once
// The price tables by which costs are told: those of the configuration, then the one that comes with the program.
#include <memory>

#include "agent/app/config.h"
#include "agent/base/result.h"
#include "agent/tokens/pricing.h"

namespace llmsnoop::app {

// Errors are of kind usage: "FILE:LINE: KEY: what is wrong with the table", or the key of the configuration with the
// file that cannot be read.
base::Result<std::unique_ptr<tokens::Pricing>> load_prices(const Config& config);

}  // namespace llmsnoop::app
