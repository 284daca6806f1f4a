#include "agent/tokens/price_table.h"

#include <algorithm>
#include <chrono>

namespace llmsnoop::tokens {

void PriceList::overlay(const PriceList& other) {
    for (std::size_t i = 0; i < prices_.size(); ++i) {
        if (other.prices_[i]) prices_[i] = other.prices_[i];
    }
}

bool PricePeriod::holds(base::Time time) const {
    if (from && time < *from) return false;
    if (!hours) return true;
    const auto of_day = time - std::chrono::floor<std::chrono::days>(time);
    const auto minute = std::chrono::duration_cast<std::chrono::minutes>(of_day).count();
    if (hours->end < hours->begin) return minute >= hours->begin || minute < hours->end;
    return minute >= hours->begin && minute < hours->end;
}

PriceList PricePeriod::for_prompt(std::uint64_t input_tokens) const {
    PriceList list = prices;
    for (const PriceTier& tier : tiers) {
        if (input_tokens > tier.above) list.overlay(tier.prices);
    }
    return list;
}

const PricePeriod& PricedModel::at(base::Time time) const {
    const auto last = std::find_if(periods.rbegin(), periods.rend(),
                                   [time](const PricePeriod& period) { return period.holds(time); });
    return last == periods.rend() ? periods.front() : *last;
}

namespace {

bool names(const std::vector<std::string>& list, std::string_view provider) {
    return std::any_of(list.begin(), list.end(),
                       [provider](const std::string& one) { return one == provider || one == "*"; });
}

const PricedModel* find_model(const PricedProvider& provider, const ModelName& model) {
    const auto found = std::find_if(provider.models.begin(), provider.models.end(),
                                    [&](const PricedModel& one) { return one.match.matches(model); });
    return found == provider.models.end() ? nullptr : &*found;
}

}  // namespace

const PricedModel* PriceTable::find(std::string_view provider, const ModelName& model, double& batch) const {
    for (const PricedProvider& entry : providers) {
        if (!names(entry.serves, provider)) continue;
        batch = entry.batch;
        if (const PricedModel* const own = find_model(entry, model)) return own;
        // One step only: what another provider is like does not count.
        for (const PricedProvider& other : providers) {
            const bool like = std::any_of(entry.also_like.begin(), entry.also_like.end(),
                                          [&](const std::string& one) { return names(other.serves, one); });
            if (!like) continue;
            if (const PricedModel* const found = find_model(other, model)) return found;
        }
    }
    return nullptr;
}

}  // namespace llmsnoop::tokens
