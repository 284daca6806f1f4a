#include "agent/tokens/pricing.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "agent/model/operation.h"

namespace llmsnoop::tokens {

namespace {

constexpr std::size_t kMostKnown = 4096;

// What is billed, in classes that do not overlap.
struct Billed {
    double input = 0;
    double cache_read = 0;
    double cache_write = 0;
    double cache_write_1h = 0;
    double input_audio = 0;
    double output = 0;
    double reasoning = 0;
    double output_audio = 0;
    double web_searches = 0;
    double requests = 1;
    std::uint64_t prompt = 0;  // all of the input, which decides the tier
};

std::optional<double> detail(const model::Usage& usage, std::string_view ending) {
    const auto found = std::find_if(usage.details.begin(), usage.details.end(), [ending](const auto& one) {
        return std::string_view(one.first).ends_with(ending);
    });
    if (found == usage.details.end() || !std::isfinite(found->second) || found->second < 0) return std::nullopt;
    return found->second;
}

double number(const model::Count& count) {
    return static_cast<double>(count.value_or(0));
}

// Takes a part out of a class, as far as it is there.
double take(double& from, double part) {
    const double taken = std::min(from, part);
    from -= taken;
    return taken;
}

// What a model is to be paid for.
struct Charge {
    std::string_view model;  // empty: the call's
    Billed amounts;
};

Billed of_units(double input, double output, std::optional<double> searches) {
    Billed out;
    out.requests = searches.value_or(1);
    out.input = input;
    out.output = output;
    out.prompt = static_cast<std::uint64_t>(std::min(input, 1e15));
    return out;
}

Billed of_usage(const model::Exchange& exchange) {
    const model::Usage& usage = exchange.usage;
    Billed out;
    out.prompt = *usage.input;
    out.input = number(usage.input);
    out.output = number(usage.output);
    out.cache_read = take(out.input, number(usage.cache_read));
    out.cache_write = take(out.input, number(usage.cache_write));
    const auto for_an_hour = detail(usage, "ephemeral_1h_input_tokens");
    out.cache_write_1h =
        take(out.cache_write, for_an_hour ? *for_an_hour : detail(usage, "cacheDetails.1h.inputTokens").value_or(0));
    if (exchange.llm.reported) out.input_audio = take(out.input, number(exchange.llm.reported->input_audio));
    out.reasoning = take(out.output, number(usage.reasoning));
    auto audio = detail(usage, "completion_tokens_details.audio_tokens");
    if (!audio) audio = detail(usage, "output_token_details.audio_tokens");
    out.output_audio = take(out.output, audio.value_or(0));
    return out;
}

// Only Anthropic reports passes: input, cache reads and cache writes are disjoint.
Billed of_pass(const model::BilledPass& pass) {
    Billed out;
    out.input = number(pass.input);
    out.cache_read = number(pass.cache_read);
    out.cache_write = number(pass.cache_write);
    out.prompt = static_cast<std::uint64_t>(std::min(out.input + out.cache_read + out.cache_write, 1e15));
    out.cache_write_1h = take(out.cache_write, number(pass.cache_write_1h));
    out.output = number(pass.output);
    return out;
}

// Nothing if a side is not known.
std::optional<std::vector<Charge>> charges_of(const model::Exchange& exchange) {
    const model::Usage& usage = exchange.usage;
    std::vector<Charge> out;
    // T20: tokens that Cohere does not bill (its own preamble) are in the counts, but not in the units.
    const auto units_in = detail(usage, "billed_units.input_tokens");
    const auto units_out = detail(usage, "billed_units.output_tokens");
    const auto searches = detail(usage, "billed_units.search_units");  // T19: of a rerank
    if (units_in || units_out || searches) {
        out.push_back({{}, of_units(units_in.value_or(0), units_out.value_or(0), searches)});
    } else if (exchange.llm.reported && !exchange.llm.reported->passes.empty()) {  // T21
        for (const model::BilledPass& pass : exchange.llm.reported->passes) {
            if (!pass.input || !pass.output) return std::nullopt;
            out.push_back({pass.model, of_pass(pass)});
        }
    } else {
        if (!usage.input || !usage.output) return std::nullopt;
        out.push_back({{}, of_usage(exchange)});
    }
    out.front().amounts.web_searches = detail(usage, "web_search_requests").value_or(0);
    return out;
}

class Sum {
 public:
    explicit Sum(const PriceList& prices) : prices_(prices) {}

    // A class without a price of its own costs what the class costs that it is a part of.
    void add(double amount, Price price, Price otherwise) {
        std::optional<double> each = prices_.get(price);
        add(amount, each ? each : prices_.get(otherwise));
    }
    void add(double amount, std::optional<double> each) {
        if (amount > 0 && !each) missing_ = true;
        dollars_ += amount * each.value_or(0);
    }
    void multiply(double factor) { dollars_ *= factor; }

    std::optional<double> dollars() const {
        if (missing_ || !std::isfinite(dollars_)) return std::nullopt;
        return dollars_;
    }

 private:
    const PriceList& prices_;
    double dollars_ = 0;
    bool missing_ = false;
};

std::optional<double> dollars_of(const Billed& amounts, const PriceList& prices, double factor) {
    Sum sum(prices);
    sum.add(amounts.input, Price::input, Price::input);
    sum.add(amounts.cache_read, Price::cache_read, Price::input);
    sum.add(amounts.cache_write, Price::cache_write, Price::input);
    const Price write = prices.get(Price::cache_write) ? Price::cache_write : Price::input;
    sum.add(amounts.cache_write_1h, Price::cache_write_1h, write);
    sum.add(amounts.input_audio, Price::input_audio, Price::input);
    sum.add(amounts.output, Price::output, Price::output);
    sum.add(amounts.reasoning, Price::reasoning, Price::output);
    sum.add(amounts.output_audio, Price::output_audio, Price::output);
    sum.multiply(factor);  // tokens only
    // Searches are often part of the price of the call; without a price of their own they are.
    sum.add(amounts.web_searches, prices.get(Price::web_searches).value_or(0));
    sum.add(amounts.requests, prices.get(Price::requests).value_or(0));
    return sum.dollars();
}

bool has_passes_with_tokens(const model::Exchange& exchange) {
    if (exchange.usage.source == model::UsageSource::none || !exchange.llm.reported) return false;
    const auto& passes = exchange.llm.reported->passes;
    return std::any_of(passes.begin(), passes.end(), [](const model::BilledPass& pass) {
        return number(pass.input) + number(pass.cache_read) + number(pass.cache_write) + number(pass.output) > 0;
    });
}

bool has_tokens(const model::Exchange& exchange) {
    return exchange.usage.input.value_or(0) > 0 || exchange.usage.output.value_or(0) > 0 ||
           detail(exchange.usage, "billed_units.search_units").value_or(0) > 0 || has_passes_with_tokens(exchange);
}

}  // namespace

Pricing::Pricing(std::vector<PriceTable> tables) : tables_(std::move(tables)) {}

Pricing::Found Pricing::search(std::string_view provider, std::string_view model) const {
    const ModelName name(model);
    for (const PriceTable& table : tables_) {
        if (const Priced priced = table.find(provider, name)) return {priced, &table};
    }
    return {};
}

Pricing::Found Pricing::find(const std::string& provider, const std::string& model) const {
    const std::string key = provider + '\n' + model.substr(0, ModelName::kLongest);
    {
        const std::shared_lock lock(mutex_);
        if (const auto known = known_.find(key); known != known_.end()) return known->second;
    }
    const Found found = search(provider, model);
    const std::unique_lock lock(mutex_);
    // Names without end must not keep those that are in use from being remembered ever after.
    if (known_.size() >= kMostKnown) known_.clear();
    known_.emplace(key, found);
    return found;
}

Pricing::Found Pricing::find_any(const std::string& provider, const std::string& model,
                                 const std::string& otherwise) const {
    Found found;
    if (!model.empty()) found = find(provider, model);
    if (!found.priced && !otherwise.empty()) found = find(provider, otherwise);
    return found;
}

std::optional<model::Cost> Pricing::cost(const model::Exchange& exchange) const {
    const model::LlmCall& call = exchange.llm;
    if (call.reported && call.reported->cost_usd) {
        const double dollars = *call.reported->cost_usd;
        if (std::isfinite(dollars) && dollars >= 0) return model::Cost{dollars, model::Cost::Source::provider, {}};
    }
    if (!has_tokens(exchange)) return std::nullopt;
    const auto unpriced = [this](model::Unpriced reason) {
        unpriced_.add(reason);
        return std::nullopt;
    };
    const Found own = find_any(call.provider, call.response_model, call.request_model);
    if (!own.priced) return unpriced(model::Unpriced::unknown_model);
    const std::optional<std::vector<Charge>> charges = charges_of(exchange);
    if (!charges) return unpriced(model::Unpriced::unknown_count);
    const bool is_batch = call.operation == model::kBatch;
    double sum = 0;
    for (const Charge& charge : *charges) {
        const Found found = charge.model.empty() ? own : find(call.provider, std::string(charge.model));
        if (!found.priced) return unpriced(model::Unpriced::unknown_model);
        const std::optional<double> factor = found.priced.tier_factor(is_batch ? kBatchTier : call.service_tier);
        // Whether the tier is also that of a pass by another model, nobody says.
        const bool is_own = found.priced.model == own.priced.model;
        if (!factor || (*factor != 1 && !is_own && !is_batch)) return unpriced(model::Unpriced::no_price);
        const PriceList prices = found.priced.model->at(exchange.timing.started).for_prompt(charge.amounts.prompt);
        const std::optional<double> dollars = dollars_of(charge.amounts, prices, *factor);
        if (!dollars) return unpriced(model::Unpriced::no_price);
        sum += *dollars;
    }
    return model::Cost{sum, model::Cost::Source::table, own.table->name + " (" + own.table->date + ")"};
}

}  // namespace llmsnoop::tokens
