#pragma once
// Token counts: first as a provider reported them, then in canonical form. Absent is unknown, never zero.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsnoop::model {

using Count = std::optional<std::uint64_t>;

// Which arithmetic turns the reported fields into canonical counts (agent/tokens/resolver.h).
enum class UsageRule : std::uint8_t {
    openai,       // input includes cache, output includes reasoning, unless the total says otherwise
    anthropic,    // input, cache read and cache write are disjoint
    bedrock,      // as anthropic, except where the total shows that the cache is already inside
    gemini,       // output excludes reasoning; tool-use prompt tokens are separate input
    gemini_live,  // as gemini; the total excludes reasoning, and output may be missing
    cohere,       // image tokens lie outside the input count
    plain,        // as reported
};

// One of several passes that a provider makes for a call and bills each by itself: the compaction of a conversation,
// the advice of another model, a model that declines before another answers. By the same rule as the usage that it is
// reported in; a pass without counts is one of which no more is known than that it was.
struct BilledPass {
    std::string model;  // empty: the call's
    Count input;
    Count output;
    Count cache_read;
    Count cache_write;
    Count cache_write_1h;  // of cache_write

    friend bool operator==(const BilledPass&, const BilledPass&) = default;
};

struct ReportedUsage {
    UsageRule rule = UsageRule::plain;
    Count input;
    Count output;
    Count total;
    Count cache_read;
    Count cache_write;
    Count reasoning;
    Count input_audio;
    Count input_tool_use;
    Count input_image;                                    // only where it is not part of `input`
    std::optional<double> cost_usd;                       // what the provider says it charges
    std::vector<std::pair<std::string, double>> details;  // the provider's other counts, by their own names
    std::vector<BilledPass> passes;                       // if not empty: what is billed, in place of the counts above

    friend bool operator==(const ReportedUsage&, const ReportedUsage&) = default;
};

enum class UsageSource : std::uint8_t {
    none,       // nothing was reported, and nothing could be counted
    reported,   // the provider's fields, by its own rule
    adjusted,   // the provider's fields, corrected so that they add up to its total; see `adjusted_by`
    partial,    // one of input and output is reported, the other estimated or unknown
    estimated,  // counted from the text
};
std::string_view name_of(UsageSource value);

// Canonical: `input` is every prompt token, cache included; `output` everything generated, reasoning included;
// cache_read, cache_write and reasoning are subsets of these.
struct Usage {
    Count input;
    Count output;
    Count cache_read;
    Count cache_write;
    Count reasoning;
    Count total;
    UsageSource source = UsageSource::none;
    std::string adjusted_by;
    std::vector<std::pair<std::string, double>> details;

    friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace llmsnoop::model
