#include "agent/tokens/resolver.h"

#include <initializer_list>

namespace llmsnoop::tokens {

namespace {

using model::Count;
using model::ReportedUsage;
using model::UsageRule;

struct Sides {
    Count input;
    Count output;
    std::string_view adjusted_by;
    bool consistent = true;
};

// The sum of what is known; nothing where it does not fit.
Count add(std::initializer_list<Count> counts) {
    std::uint64_t sum = 0;
    for (const Count& count : counts) {
        if (__builtin_add_overflow(sum, count.value_or(0), &sum)) return std::nullopt;
    }
    return sum;
}

Count subtract(Count from, Count what) {
    if (!from || !what || *what > *from) return std::nullopt;
    return *from - *what;
}

// The family's formula, by its own fields alone.
Sides by_family(const ReportedUsage& reported) {
    Sides sides{reported.input, reported.output, {}, true};
    switch (reported.rule) {
        case UsageRule::openai:
        case UsageRule::plain:
            if (reported.input) sides.input = add({reported.input, reported.input_tool_use});
            break;
        case UsageRule::anthropic:  // T3
        case UsageRule::bedrock:
            if (reported.input) sides.input = add({reported.input, reported.cache_read, reported.cache_write});
            break;
        case UsageRule::gemini_live:  // T32: the total is prompt and response, and the response may be missing
            if (reported.input) sides.input = add({reported.input, reported.input_tool_use});
            if (!reported.output) sides.output = subtract(reported.total, sides.input);
            if (sides.output) sides.output = add({sides.output, reported.reasoning});
            break;
        case UsageRule::gemini:  // T5; a field that is zero is not sent, so thoughts alone are all of the output
            if (reported.input) sides.input = add({reported.input, reported.input_tool_use});
            if (reported.output || reported.reasoning) sides.output = add({reported.output, reported.reasoning});
            break;
        case UsageRule::cohere:  // T31
            if (reported.input) sides.input = add({reported.input, reported.input_image});
            break;
    }
    sides.consistent = (sides.input || !reported.input) && (sides.output || !reported.output);
    return sides;
}

// Fills in the side that was not reported. A total that leaves nothing for it adjusts nothing.
void fill_from_total(Sides& sides, std::uint64_t total) {
    Count& missing = sides.input ? sides.output : sides.input;
    const Count rest = subtract(total, sides.input ? sides.input : sides.output);
    if (!rest) {
        sides.consistent = false;
        return;
    }
    if (*rest > 0) sides.adjusted_by = sides.input ? "output_from_total" : "input_from_total";
    missing = rest;
}

// Tries the corrections in their order; both sides are known and do not add up to the total.
void correct(Sides& sides, const ReportedUsage& reported) {
    const std::uint64_t total = *reported.total;
    const Count with_reasoning = add({sides.output, reported.reasoning});
    const Count with_audio = add({sides.input, reported.input_audio});
    const Count without_cache = subtract(sides.input, add({reported.cache_read, reported.cache_write}));
    const Count shown = add({sides.input, sides.output});
    if (with_reasoning && add({sides.input, with_reasoning}) == total) {  // T6
        sides.output = with_reasoning;
        sides.adjusted_by = "reasoning_outside_output";
    } else if (with_audio && add({with_audio, sides.output}) == total) {  // T8
        sides.input = with_audio;
        sides.adjusted_by = "audio_outside_input";
    } else if (without_cache && add({without_cache, sides.output}) == total) {  // T4
        sides.input = without_cache;
        sides.adjusted_by = "cache_inside_input";
    } else if (shown && total > *shown) {  // T7; a total that is too small hides nothing, it is wrong
        sides.output = subtract(total, sides.input);
        sides.adjusted_by = "hidden_output";
    } else {
        sides.consistent = false;
    }
}

void balance(Sides& sides, const ReportedUsage& reported) {
    if (!sides.consistent || !reported.total || reported.rule == UsageRule::gemini_live) return;
    if (sides.input && sides.output) {
        if (add({sides.input, sides.output}) != reported.total) correct(sides, reported);
    } else if (sides.input || sides.output) {
        fill_from_total(sides, *reported.total);
    }
}

// Whether the parts fit into the sides that they are parts of. Gateways are seen to break this (a cache larger than the
// prompt, a little more reasoning than output); which of the fields is wrong cannot be told.
bool parts_fit(const Sides& sides, const ReportedUsage& reported) {
    const Count cache = add({reported.cache_read, reported.cache_write});
    return (!sides.input || (cache && *cache <= *sides.input)) &&
           (!sides.output || reported.reasoning.value_or(0) <= *sides.output);
}

}  // namespace

model::Usage resolve(const ReportedUsage& reported, model::LossCounters& losses) {
    Sides sides = by_family(reported);
    balance(sides, reported);

    model::Usage usage;
    usage.input = sides.input;
    usage.output = sides.output;
    usage.cache_read = reported.cache_read;
    usage.cache_write = reported.cache_write;
    usage.reasoning = reported.reasoning;
    usage.total = sides.input && sides.output ? add({sides.input, sides.output}) : reported.total;
    usage.adjusted_by = sides.adjusted_by;
    usage.details = reported.details;
    if (usage.input || usage.output || usage.total || usage.cache_read || usage.cache_write || usage.reasoning) {
        usage.source = sides.adjusted_by.empty() ? model::UsageSource::reported : model::UsageSource::adjusted;
    }
    const bool total_fits = usage.total || !sides.input || !sides.output;
    if (!sides.consistent || !total_fits || !parts_fit(sides, reported)) losses.add(model::Loss::usage_inconsistent);
    return usage;
}

}  // namespace llmsnoop::tokens
