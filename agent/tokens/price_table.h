#pragma once
// What models cost: a table read from a file that users can replace and extend. The format is described, with an
// example, in data/README.md. Immutable once read; any thread.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "agent/tokens/model_match.h"

namespace llmsnoop::tokens {

// X(name, unit): US dollars for so many.
#define LLMSNOOP_PRICES(X)       \
    X(input, 1'000'000)          \
    X(output, 1'000'000)         \
    X(cache_read, 1'000'000)     \
    X(cache_write, 1'000'000)    \
    X(cache_write_1h, 1'000'000) \
    X(reasoning, 1'000'000)      \
    X(input_audio, 1'000'000)    \
    X(output_audio, 1'000'000)   \
    X(requests, 1'000)           \
    X(web_searches, 1'000)

enum class Price : std::uint8_t {
#define X(name, unit) name,
    LLMSNOOP_PRICES(X)
#undef X
};

inline constexpr std::size_t kPriceCount = 0
#define X(name, unit) +1
    LLMSNOOP_PRICES(X)
#undef X
    ;

// Dollars per single token, request or search. A price that is not given is not zero.
class PriceList {
 public:
    std::optional<double> get(Price which) const { return prices_[static_cast<std::size_t>(which)]; }
    void set(Price which, double per_one) { prices_[static_cast<std::size_t>(which)] = per_one; }
    void overlay(const PriceList& other);  // what the other has, replaces

 private:
    std::array<std::optional<double>, kPriceCount> prices_;
};

// Prices that replace the list's for prompts of more than so many tokens (for the whole call, not only for the excess).
struct PriceTier {
    std::uint64_t above = 0;
    PriceList prices;
};

struct PriceHours {
    int begin = 0;  // minutes after midnight; an end before the begin is on the next day
    int end = 0;
};

// A list that holds from a day on, or at a time of day (UTC), or always.
struct PricePeriod {
    std::optional<base::Time> from;
    std::optional<PriceHours> hours;
    PriceList prices;
    std::vector<PriceTier> tiers;  // ascending

    bool holds(base::Time time) const;
    PriceList for_prompt(std::uint64_t input_tokens) const;
};

// What a price is multiplied with in a service tier, by the provider's word for it in lower case.
using TierFactors = std::vector<std::pair<std::string, double>>;
inline constexpr std::string_view kBatchTier = "batch";

struct PricedModel {
    ModelMatch match;
    TierFactors service_tiers;         // before the provider's
    std::vector<PricePeriod> periods;  // at least one; the last that holds counts, else the first

    const PricePeriod& at(base::Time time) const;
};

struct PricedProvider {
    std::vector<std::string> serves;     // values of llm.provider, or "*" for any
    std::vector<std::string> also_like;  // providers whose prices stand for models that are not listed here
    double batch = 1;                    // factor for batch requests
    TierFactors service_tiers;
    std::vector<PricedModel> models;  // the first that matches counts
};

// Borrows from its table.
struct Priced {
    const PricedModel* model = nullptr;
    const PricedProvider* provider = nullptr;  // who sells it

    explicit operator bool() const { return model != nullptr; }
    // Nothing where the tier is neither a standard one nor in the table.
    std::optional<double> tier_factor(std::string_view service_tier) const;
};

struct PriceTable {
    std::string name;
    std::string date;  // YYYY-MM-DD, when the prices were collected
    std::vector<PricedProvider> providers;

    Priced find(std::string_view provider, const ModelName& model) const;
};

// Reads a table. Errors say "FILE:LINE: KEY: what is wrong"; `file` is only used for that.
base::Result<PriceTable> parse_price_table(std::string_view text, const std::string& file);
base::Result<PriceTable> read_price_table(const std::string& file);

// The table that comes with the program.
base::Result<PriceTable> shipped_price_table();

}  // namespace llmsnoop::tokens
