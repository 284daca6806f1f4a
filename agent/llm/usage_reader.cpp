#include "agent/llm/usage_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>

#include "agent/llm/answer.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

using model::Count;
using model::ReportedUsage;
using model::UsageRule;

// The first of these paths ("a.b") that holds a count.
Count first_count(Json object, std::initializer_list<std::string_view> paths) {
    for (std::string_view path : paths) {
        Json at = object;
        while (!path.empty()) {
            const std::size_t dot = path.find('.');
            at = at[path.substr(0, dot)];
            path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
        }
        if (const Count value = at.count()) return value;
    }
    return std::nullopt;
}

// Voxtral's transcriptions: what was heard is given in seconds, and counted in the total alone.
Count audio_by_the_second(const ReportedUsage& usage, Json seconds) {
    if (seconds.number().value_or(0) <= 0 || !usage.input || !usage.output || !usage.total) return std::nullopt;
    if (*usage.total < *usage.input || *usage.total - *usage.input <= *usage.output) return std::nullopt;
    return *usage.total - *usage.input - *usage.output;
}

// What tells the elements of a list of counts apart: {"modality": "TEXT", "tokenCount": 8}, {"ttl": "5m",
// "inputTokens": 3}.
std::string_view label_of(Json element) {
    for (const std::string_view name : {"modality", "ttl", "type", "model", "name"}) {
        if (const auto label = element[name].text()) return *label;
    }
    return {};
}

class Details {
 public:
    Details(ReportedUsage& usage, std::span<const std::string_view> taken) : usage_(usage), taken_(taken) {}

    void add(const std::string& path, Json value, std::size_t depth) {
        if (const auto number = value.number()) {
            if (std::find(taken_.begin(), taken_.end(), path) == taken_.end()) add_detail(usage_, path, *number);
        } else if (depth < limits::kUsageDepth && value.is_object()) {
            value.each_member([&](std::string_view name, Json member) {
                add(path.empty() ? bounded(name) : path + "." + bounded(name), member, depth + 1);
            });
        } else if (depth < limits::kUsageDepth && value.is_array()) {
            value.each([&](Json element) {
                const std::string_view label = label_of(element);
                if (label.empty()) return;
                const std::string below = path + "." + bounded(label);
                element.each_member([&](std::string_view name, Json member) {
                    const bool is_the_count = name == "tokenCount" || name == "tokens";
                    add(is_the_count ? below : below + "." + bounded(name), member, depth + 1);
                });
            });
        }
    }

 private:
    static std::string bounded(std::string_view name) { return std::string(name.substr(0, 64)); }

    ReportedUsage& usage_;
    std::span<const std::string_view> taken_;
};

// {"iterations": [{"type": "compaction", "input_tokens": …}, …]} (T21). Of more passes than are kept nothing is known,
// which one without counts stands for.
std::vector<model::BilledPass> read_passes(Json iterations) {
    std::vector<model::BilledPass> passes;
    iterations.each([&](Json one) {
        if (passes.size() >= limits::kBilledPasses) return;
        model::BilledPass pass;
        if (passes.size() + 1 < limits::kBilledPasses) {
            pass.model = one["model"].text_or_empty().substr(0, limits::kNameBytes);
            pass.input = first_count(one, {"input_tokens"});
            pass.output = first_count(one, {"output_tokens"});
            pass.cache_read = first_count(one, {"cache_read_input_tokens"});
            pass.cache_write = first_count(one, {"cache_creation_input_tokens"});
            pass.cache_write_1h = first_count(one, {"cache_creation.ephemeral_1h_input_tokens"});
        }
        passes.push_back(std::move(pass));
    });
    return passes;
}

std::optional<ReportedUsage> if_counted(ReportedUsage usage) {
    if (!has_counts(usage)) return std::nullopt;
    return usage;
}

}  // namespace

bool has_counts(const ReportedUsage& usage) {
    return usage.input || usage.output || usage.total || usage.cache_read || usage.cache_write || usage.reasoning;
}

Count count_in_header(const model::MessageHead& head, std::string_view name) {
    const auto value = model::header(head, name);
    if (!value) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (problem != std::errc{} || end != value->data() + value->size()) return std::nullopt;
    return number;
}

void add_detail(ReportedUsage& usage, std::string_view name, double value) {
    if (value == 0 || !std::isfinite(value)) return;
    for (auto& [known, sum] : usage.details) {
        if (known == name) {
            sum += value;
            return;
        }
    }
    if (usage.details.size() < limits::kUsageDetails) usage.details.emplace_back(name, value);
}

void add_details(ReportedUsage& usage, Json value, std::span<const std::string_view> taken) {
    Details(usage, taken).add({}, value, 0);
}

std::optional<ReportedUsage> read_openai_usage(Json usage) {
    if (!usage.is_object()) return std::nullopt;
    ReportedUsage out;
    out.rule = UsageRule::openai;
    out.input = first_count(usage, {"prompt_tokens", "input_tokens"});
    out.output = first_count(usage, {"completion_tokens", "output_tokens"});
    out.total = first_count(usage, {"total_tokens"});
    out.cache_read = first_count(usage, {"prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens",
                                         "input_token_details.cached_tokens", "prompt_token_details.cached_tokens",
                                         "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"});
    out.cache_write = first_count(
        usage, {"prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens",
                "prompt_tokens_details.cache_creation_tokens", "input_tokens_details.cache_creation_input_tokens"});
    out.reasoning =
        first_count(usage, {"completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
                            "output_token_details.reasoning_tokens", "reasoning_tokens"});
    out.input_audio = first_count(usage, {"prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens",
                                          "input_token_details.audio_tokens", "prompt_token_details.audio_tokens"});
    if (!out.input_audio) out.input_audio = audio_by_the_second(out, usage["prompt_audio_seconds"]);
    out.input_tool_use = first_count(usage, {"connector_tokens"});  // Mistral's conversations
    // OpenRouter, Vercel, Avian: dollars. Perplexity: an object. xAI: ticks of 1e-10 dollars.
    if (const auto cost = usage["cost"].number()) out.cost_usd = *cost;
    if (const auto cost = usage["cost"]["total_cost"].number()) out.cost_usd = *cost;
    if (const auto ticks = usage["cost_in_usd_ticks"].number()) out.cost_usd = *ticks / 1e10;
    static constexpr std::array<std::string_view, 21> kTaken{
        "prompt_tokens",
        "prompt_cache_hit_tokens",
        "input_tokens",
        "completion_tokens",
        "output_tokens",
        "total_tokens",
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "input_token_details.cached_tokens",
        "prompt_token_details.cached_tokens",
        "prompt_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_creation_input_tokens",
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_token_details.reasoning_tokens",
        "reasoning_tokens",
        "cached_tokens",
        "num_cached_tokens",
        "cost",
        "cost_in_usd_ticks",
    };
    add_details(out, usage, kTaken);
    if (!out.input && !out.output && out.total == 0U) return std::nullopt;  // MiniMax, until the stream ends
    return if_counted(std::move(out));
}

std::optional<ReportedUsage> read_anthropic_usage(Json usage) {
    if (!usage.is_object()) return std::nullopt;
    ReportedUsage out;
    out.rule = UsageRule::anthropic;
    out.input = first_count(usage, {"input_tokens"});
    out.output = first_count(usage, {"output_tokens"});
    out.cache_read = first_count(usage, {"cache_read_input_tokens"});
    out.cache_write = first_count(usage, {"cache_creation_input_tokens"});
    out.reasoning =
        first_count(usage, {"output_tokens_details.thinking_tokens", "output_tokens_details.reasoning_tokens"});
    static constexpr std::array<std::string_view, 6> kTaken{
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens_details.thinking_tokens",
        "output_tokens_details.reasoning_tokens",
    };
    add_details(out, usage, kTaken);
    out.passes = read_passes(usage["iterations"]);
    return if_counted(std::move(out));
}

std::optional<ReportedUsage> read_bedrock_usage(Json usage) {
    if (!usage.is_object()) return std::nullopt;
    ReportedUsage out;
    out.rule = UsageRule::bedrock;
    out.input = first_count(usage, {"inputTokens", "inputTokenCount"});
    out.output = first_count(usage, {"outputTokens", "outputTokenCount"});
    out.total = first_count(usage, {"totalTokens", "totalTokenCount"});
    out.cache_read = first_count(usage, {"cacheReadInputTokens", "cacheReadInputTokenCount"});
    out.cache_write = first_count(usage, {"cacheWriteInputTokens", "cacheWriteInputTokenCount"});
    static constexpr std::array<std::string_view, 10> kTaken{
        "inputTokens",
        "inputTokenCount",
        "outputTokens",
        "outputTokenCount",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheReadInputTokenCount",
        "cacheWriteInputTokens",
        "cacheWriteInputTokenCount",
        "totalTokenCount",
    };
    add_details(out, usage, kTaken);
    return if_counted(std::move(out));
}

std::optional<ReportedUsage> read_gemini_usage(Json usage, UsageRule rule) {
    if (!usage.is_object()) return std::nullopt;
    ReportedUsage out;
    out.rule = rule;
    out.input = first_count(usage, {"promptTokenCount"});
    out.output = first_count(usage, {"candidatesTokenCount", "responseTokenCount"});
    out.total = first_count(usage, {"totalTokenCount"});
    out.cache_read = first_count(usage, {"cachedContentTokenCount"});
    out.reasoning = first_count(usage, {"thoughtsTokenCount"});
    out.input_tool_use = first_count(usage, {"toolUsePromptTokenCount"});
    static constexpr std::array<std::string_view, 9> kTaken{
        "promptTokenCount",
        "candidatesTokenCount",
        "responseTokenCount",
        "totalTokenCount",
        "cachedContentTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "trafficType",
        "serviceTier",
    };
    add_details(out, usage, kTaken);
    return if_counted(std::move(out));
}

std::string read_gemini_tier(Json usage) {
    if (!usage) return {};
    const auto told = [&](std::string_view camel, std::string_view snake) {
        std::string word = text_or_number(usage[camel] ? usage[camel] : usage[snake]);
        return word == "0" || word == "unspecified" || word.ends_with("_UNSPECIFIED") ? std::string() : word;
    };
    std::string traffic = told("trafficType", "traffic_type");
    // With $alt=json;enum-encoding=int.
    if (traffic == "1") traffic = "ON_DEMAND";
    if (traffic == "2") traffic = "PROVISIONED_THROUGHPUT";
    std::string tier = told("serviceTier", "service_tier");
    return tier.empty() || (!traffic.empty() && traffic != "ON_DEMAND") ? traffic : tier;
}

}  // namespace llmsnoop::llm
