#include "agent/app/prices.h"

#include <utility>
#include <vector>

namespace llmsnoop::app {

base::Result<std::unique_ptr<tokens::Pricing>> load_prices(const Config& config) {
    std::vector<tokens::PriceTable> tables;
    for (const std::string& file : config.prices.files) {
        auto table = tokens::read_price_table(file);
        if (!table && table.error().kind == base::Error::Kind::usage) return table.error();  // names file, line, key
        if (!table)
            return base::error(config.origin_of("prices.file") + ": " + table.error().message,
                               base::Error::Kind::usage);
        tables.push_back(std::move(*table));
    }
    auto shipped = tokens::shipped_price_table();
    if (!shipped) return shipped.error();
    tables.push_back(std::move(*shipped));
    return std::make_unique<tokens::Pricing>(std::move(tables));
}

}  // namespace llmsnoop::app
