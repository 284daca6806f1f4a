// The text form of the price table. Files come from the user, who wants to know where the mistake is, so every error is
// made from the node that it is about.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

#include "agent/tokens/embedded_data.h"
#include "agent/tokens/price_table.h"
#include "agent/tokens/table_node.h"

namespace llmsnoop::tokens {

namespace {

using base::Result;
using Kind = TableNode::Kind;

constexpr int kDeepestMatch = 8;  // nested "or" and "and"
constexpr std::size_t kMostTiers = 64;

// A node and its key as one would write it: "providers[2].models[0].match".
struct Place {
    const TableNode& node;
    std::string key;

    Place at(const std::string& name, const TableNode& child) const {
        return {child, key.empty() ? name : key + "." + name};
    }
    Place at(std::size_t index, const TableNode& child) const {
        return {child, key + "[" + std::to_string(index) + "]"};
    }
};

class Reader {
 public:
    explicit Reader(std::string file) : file_(std::move(file)) {}

    Result<PriceTable> table(const TableNode& root) {
        PriceTable table;
        std::string format;
        const bool read = members({root, ""}, [&](const std::string& key, const Place& place) {
            if (key == "format")
                return scalar(place, format) && (format == "1" || fail(place, "only format 1 is known"));
            if (key == "name") return scalar(place, table.name);
            if (key == "date") return date(place) && scalar(place, table.date);
            if (key == "providers") return list(place, table.providers, &Reader::provider);
            return unknown(place);
        });
        if (!read) return error_;
        if (table.name.empty()) return fail({root, "name"}, "is missing"), error_;
        if (table.date.empty()) return fail({root, "date"}, "is missing"), error_;
        if (format.empty()) return fail({root, "format"}, "is missing"), error_;
        return table;
    }

 private:
    bool provider(const Place& place, PricedProvider& provider) {
        const bool read = members(place, [&](const std::string& key, const Place& at) {
            if (key == "serves") return strings(at, provider.serves);
            if (key == "also_like") return strings(at, provider.also_like);
            if (key == "batch") return number(at, provider.batch);
            if (key == "service_tiers") return factors(at, provider.service_tiers);
            if (key == "models") return list(at, provider.models, &Reader::model);
            return unknown(at);
        });
        return read && (!provider.serves.empty() || fail(place, "serves is missing"));
    }

    bool model(const Place& place, PricedModel& model) {
        bool has_match = false;
        const bool read = members(place, [&](const std::string& key, const Place& at) {
            if (key == "service_tiers") return factors(at, model.service_tiers);
            if (key == "match") return has_match = match(at, model.match, 0);
            if (key == "prices" && at.node.kind == Kind::list) return list(at, model.periods, &Reader::period);
            if (key == "prices") return period(at, model.periods.emplace_back());
            return unknown(at);
        });
        if (!read) return false;
        if (!has_match) return fail(place, "match is missing");
        return !model.periods.empty() || fail(place, "prices are missing");
    }

    bool match(const Place& place, ModelMatch& out, int depth) {
        if (!(place.node.kind == Kind::map) || place.node.members.size() != 1)
            return fail(place, "one rule is needed: {starts_with: gpt-4o}");
        if (depth > kDeepestMatch) return fail(place, "rules are nested too deep");
        return members(place, [&](const std::string& key, const Place& at) {
            if (key == "or") return group(at, ModelMatch::Group::any_of, out, depth);
            if (key == "and") return group(at, ModelMatch::Group::all_of, out, depth);
            std::string pattern;
            if (key == "regex") {
                if (!scalar(at, pattern)) return false;
                auto expression = ModelMatch::regex(pattern);
                if (!expression) return fail(at, expression.error().message);
                out = std::move(*expression);
                return true;
            }
            if (key == "equals") return scalar(at, pattern) && (out = text(ModelMatch::Text::equals, pattern), true);
            if (key == "starts_with")
                return scalar(at, pattern) && (out = text(ModelMatch::Text::starts_with, pattern), true);
            if (key == "ends_with")
                return scalar(at, pattern) && (out = text(ModelMatch::Text::ends_with, pattern), true);
            if (key == "contains")
                return scalar(at, pattern) && (out = text(ModelMatch::Text::contains, pattern), true);
            return unknown(at);
        });
    }

    static ModelMatch text(ModelMatch::Text kind, const std::string& pattern) {
        return ModelMatch::text(kind, pattern);
    }

    bool group(const Place& place, ModelMatch::Group kind, ModelMatch& out, int depth) {
        if (!(place.node.kind == Kind::list)) return fail(place, "a list of rules is needed");
        std::vector<ModelMatch> rules;
        for (std::size_t i = 0; i < place.node.members.size(); ++i) {
            if (!match(place.at(i, place.node.members[i]), rules.emplace_back(), depth + 1)) return false;
        }
        out = ModelMatch::group(kind, std::move(rules));
        return true;
    }

    bool period(const Place& place, PricePeriod& period) {
        const bool read = members(place, [&](const std::string& key, const Place& at) {
            if (key == "from") return date(at) && (period.from = day(at.node.text), true);
            if (key == "hours") return hours(at, period.hours.emplace());
            if (key == "tiers") return list(at, period.tiers, &Reader::tier);
            return price(key, at, period.prices);
        });
        std::sort(period.tiers.begin(), period.tiers.end(),
                  [](const PriceTier& a, const PriceTier& b) { return a.above < b.above; });
        return read;
    }

    bool tier(const Place& place, PriceTier& tier) {
        bool has_bound = false;
        const bool read = members(place, [&](const std::string& key, const Place& at) {
            if (key == "above") return has_bound = count(at, tier.above);
            return price(key, at, tier.prices);
        });
        return read && (has_bound || fail(place, "above is missing"));
    }

    bool price(const std::string& key, const Place& place, PriceList& list) {
        double dollars = 0;
#define X(name, unit) \
    if (key == #name) return number(place, dollars) && (list.set(Price::name, dollars / (unit)), true);
        LLMSNOOP_PRICES(X)
#undef X
        return unknown(place);
    }

    bool factors(const Place& place, TierFactors& out) {
        return members(place, [&](const std::string& key, const Place& at) {
            const std::string tier = lower_case(key);
            const auto is_given = [&](const auto& one) { return one.first == tier; };
            if (tier.empty()) return fail(at, "a tier has a name");
            if (std::any_of(out.begin(), out.end(), is_given)) return fail(at, "this is given twice");
            if (out.size() >= kMostTiers) return fail(at, "there are too many tiers");
            return number(at, out.emplace_back(tier, 1).second);
        });
    }

    // "HH:MM-HH:MM", UTC.
    bool hours(const Place& place, PriceHours& hours) {
        std::string text;
        if (!scalar(place, text)) return false;
        const auto minutes = [&text](std::size_t at) {
            const auto digit = [&text](std::size_t i) {
                return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 1000;
            };
            const int hour = digit(at) * 10 + digit(at + 1);
            const int minute = digit(at + 3) * 10 + digit(at + 4);
            return hour < 24 && minute < 60 && text[at + 2] == ':' ? hour * 60 + minute : -1;
        };
        if (text.size() == 11 && text[5] == '-') {
            hours = {minutes(0), minutes(6)};
            if (hours.begin >= 0 && hours.end >= 0) return true;
        }
        return fail(place, "a time of day is written as 16:30-00:30");
    }

    bool date(const Place& place) {
        std::string text;
        return scalar(place, text) && (day(text) || fail(place, "a date is written as 2026-09-23"));
    }

    static std::optional<base::Time> day(const std::string& text) {
        if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
        int numbers[3] = {};
        constexpr std::pair<int, int> kPlaces[] = {{0, 4}, {5, 7}, {8, 10}};
        for (int i = 0; i < 3; ++i) {
            const char* const end = text.data() + kPlaces[i].second;
            if (std::from_chars(text.data() + kPlaces[i].first, end, numbers[i]).ptr != end) return std::nullopt;
        }
        const auto [year, month, of_month] = numbers;
        // Outside of these years nanoseconds since 1970 do not fit in 64 bits.
        if (year < 1970 || year > 2200 || month < 0 || of_month < 0) return std::nullopt;
        const auto date = std::chrono::year(year) / month / of_month;
        if (!date.ok()) return std::nullopt;
        return base::Time(std::chrono::sys_days(date));
    }

    template <typename Each>
    bool members(const Place& place, Each each) {
        if (place.node.kind != Kind::map) return fail(place, "a mapping is needed");
        std::vector<std::string_view> seen;  // of the known names only, so it stays short
        for (const TableNode& child : place.node.members) {
            const Place at = place.at(child.name, child);
            if (std::find(seen.begin(), seen.end(), child.name) != seen.end()) return fail(at, "this is given twice");
            seen.push_back(child.name);
            if (!each(child.name, at)) return false;
        }
        return true;
    }

    template <typename Item>
    bool list(const Place& place, std::vector<Item>& items, bool (Reader::*read)(const Place&, Item&)) {
        if (place.node.kind != Kind::list) return fail(place, "a list is needed");
        for (const TableNode& child : place.node.members) {
            const Place at = place.at(items.size(), child);
            if (!(this->*read)(at, items.emplace_back())) return false;
        }
        return true;
    }

    bool strings(const Place& place, std::vector<std::string>& out) {
        return list(place, out, &Reader::scalar);
    }

    bool scalar(const Place& place, std::string& out) {
        if (!(place.node.kind == Kind::scalar) || place.node.text.empty()) return fail(place, "a word is needed");
        out = place.node.text;
        return true;
    }

    bool number(const Place& place, double& out) {
        return (parsed(place, out) && std::isfinite(out) && out >= 0) ||
               fail(place, "a number that is not negative is needed");
    }

    bool count(const Place& place, std::uint64_t& out) {
        return parsed(place, out) || fail(place, "a whole number is needed");
    }

    template <typename Number>
    static bool parsed(const Place& place, Number& out) {
        const std::string& text = place.node.text;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
        return place.node.kind == Kind::scalar && problem == std::errc() && end == text.data() + text.size();
    }

    bool unknown(const Place& place) {
        return fail(place, "this key is not known here");
    }

    bool fail(const Place& place, const std::string& what) {
        const std::string line = place.node.line > 0 ? ":" + std::to_string(place.node.line) : "";
        error_ = base::error(file_ + line + ": " + place.key + (place.key.empty() ? "" : ": ") + what,
                             base::Error::Kind::usage);
        return false;
    }

    std::string file_;
    base::Error error_;
};

}  // namespace

Result<PriceTable> parse_price_table(std::string_view text, const std::string& file) {
    const Result<TableNode> root = read_yaml(text, file);
    if (!root) return root.error();
    return Reader(file).table(*root);
}

Result<PriceTable> read_price_table(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return base::system_error(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in.good() && !in.eof()) return base::system_error(file);
    return parse_price_table(text.view(), file);
}

Result<PriceTable> shipped_price_table() {
    const std::string file = "the table of the program";
    const Result<TableNode> root = read_json(embedded_prices(), file);
    if (!root) return root.error();
    return Reader(file).table(*root);
}

}  // namespace llmsnoop::tokens
