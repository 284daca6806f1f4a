#include "agent/tokens/price_table.h"

#include <algorithm>
#include <array>
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

Priced PriceTable::find(std::string_view provider, const ModelName& model) const {
    for (const PricedProvider& entry : providers) {
        if (!names(entry.serves, provider)) continue;
        if (const PricedModel* const own = find_model(entry, model)) return {own, &entry};
        // One step only: what another provider is like does not count.
        for (const PricedProvider& other : providers) {
            const bool like = std::any_of(entry.also_like.begin(), entry.also_like.end(),
                                          [&](const std::string& one) { return names(other.serves, one); });
            if (!like) continue;
            if (const PricedModel* const found = find_model(other, model)) return {found, &entry};
        }
    }
    return {};
}

std::optional<double> Priced::tier_factor(std::string_view service_tier) const {
    // "auto" is what a server says that has but one.
    static constexpr std::array<std::string_view, 4> kStandard{"default", "standard", "on_demand", "auto"};
    const std::string tier = service_tier.empty() ? "default" : lower_case(service_tier);
    for (const TierFactors* factors : {&model->service_tiers, &provider->service_tiers}) {
        for (const auto& [name, factor] : *factors)
            if (name == tier) return factor;
    }
    if (std::find(kStandard.begin(), kStandard.end(), tier) != kStandard.end()) return 1;
    if (tier == kBatchTier) return provider->batch;
    return std::nullopt;
}

}  // namespace llmsnoop::tokens
