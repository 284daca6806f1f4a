// Any bytes as a price table: it is read or refused with the name of the file, and what was read prices without
// surprises.
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "agent/tokens/pricing.h"

namespace {

using namespace llmsnoop;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto table = tokens::parse_price_table({reinterpret_cast<const char*>(data), size}, "prices.yaml");
    if (!table) {
        require(table.error().message.starts_with("prices.yaml:"));
        require(table.error().kind == base::Error::Kind::usage);
        return 0;
    }
    require(!table->name.empty() && table->date.size() == 10);
    std::string provider = "openai";
    if (!table->providers.empty()) provider = table->providers.front().serves.front();
    std::vector<tokens::PriceTable> tables;
    tables.push_back(std::move(*table));
    const tokens::Pricing pricing(std::move(tables));
    model::Exchange exchange;
    exchange.llm.provider = provider;
    exchange.usage.input = 1000;
    exchange.usage.output = 200;
    exchange.usage.cache_read = 300;
    for (const char* const model : {"gpt-4o", "a", "claude-sonnet-4", "x"}) {
        exchange.llm.response_model = model;
        const auto cost = pricing.cost(exchange);
        require(!cost || (std::isfinite(cost->usd) && cost->usd >= 0));
    }
    return 0;
}
