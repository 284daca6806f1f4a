#pragma once
// What a call cost: as the provider says where it does, otherwise by the price tables.
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/model/exchange.h"
#include "agent/model/unpriced.h"
#include "agent/tokens/price_table.h"

namespace llmsnoop::tokens {

// Thread-safe. Tables are consulted in the order given: the user's own first, the shipped one last.
class Pricing {
 public:
    explicit Pricing(std::vector<PriceTable> tables);

    // Nothing where no tokens are known, where the model is in no table, or where a count or a price is missing: a cost
    // that is too small would be worse than none. All but the first are counted in `unpriced`.
    //
    // What a provider bills counts before what its models count: Cohere's billed units, and the passes of a call that
    // were billed by themselves, each at the price of its own model. Costs of estimated counts are estimates like them.
    std::optional<model::Cost> cost(const model::Exchange& exchange) const;

    // Calls with tokens that got no cost, by reason.
    const model::UnpricedCounters& unpriced() const { return unpriced_; }

 private:
    struct Found {
        Priced priced;
        const PriceTable* table = nullptr;
    };
    Found find(const std::string& provider, const std::string& model) const;
    Found find_any(const std::string& provider, const std::string& model, const std::string& otherwise) const;
    Found search(std::string_view provider, std::string_view model) const;

    std::vector<PriceTable> tables_;
    // Matching a name against hundreds of rules is worth remembering. Names come off the wire, so only so many are
    // kept.
    mutable std::shared_mutex mutex_;
    mutable std::unordered_map<std::string, Found> known_;
    mutable model::UnpricedCounters unpriced_;
};

}  // namespace llmsnoop::tokens
