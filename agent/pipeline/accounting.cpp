#include "agent/pipeline/accounting.h"

#include <utility>

#include "agent/model/operation.h"
#include "agent/tokens/estimator.h"
#include "agent/tokens/resolver.h"

namespace llmsnoop::pipeline {

namespace {

using model::LlmCall;
using model::Usage;
using model::UsageSource;

// The operations that take a prompt and generate, so that half a usage is not all of it.
bool has_two_sides(const LlmCall& call) {
    return call.operation == "chat" || call.operation == "generate_content" || call.operation == "text_completion";
}

// Bedrock's answers are on record with outputTokens alone. Nothing else in them is missing, so they stand as reported.
bool may_lack_input(const LlmCall& call) {
    return call.reported->rule == model::UsageRule::bedrock;
}

bool lacks_input(const LlmCall& call, const Usage& usage) {
    return call.reported && !usage.input && usage.output && has_two_sides(call);
}

using By = CountedResponses::By;

// Results of batches are read as well, and by nobody but readers.
By how(const LlmCall& call) {
    return call.operation == model::kFetchResponse || call.operation == model::kBatch ? By::reading : By::call;
}

// What is said to be used by a response that is still being made is not yet what it costs.
bool has_final_usage(const LlmCall& call) {
    return call.reported && !tokens::is_unfinished(call);
}

// Of a response that was read so much is missing that a side of its usage is, too. Who reads once more is told all of
// it. (Batches know their own halves.)
bool is_half_read(const model::Exchange& exchange) {
    const LlmCall& call = exchange.llm;
    return call.operation == model::kFetchResponse && !model::has_whole_bodies(exchange.completeness) &&
           !(call.reported && call.reported->input && call.reported->output);
}

// Whether this record is the one in which the call's tokens and cost count.
bool counts_here(const model::Exchange& exchange, Tokens tokens, Services& services) {
    const LlmCall& call = exchange.llm;
    const base::Time began = exchange.timing.started;
    if (tokens == Tokens::leave) return false;
    if (how(call) == By::reading && tokens::is_unfinished(call)) return false;
    if (is_half_read(exchange)) return false;
    if (call.response_id.empty()) return true;
    if (has_final_usage(call))
        return services.counted.add(exchange.role, call.provider, call.response_id, how(call), began);
    // A call that broke off, and whose answer has been read elsewhere meanwhile, is not to be estimated as well.
    return how(call) == By::reading ||
           !services.counted.was_read(exchange.role, call.provider, call.response_id, began);
}

// Of an answer that did not come whole, what came has been generated and is charged. The record's completeness says
// that it was not all. In a complete exchange a cut text is one that was too long to keep.
tokens::CutAnswer cut_answer(model::Completeness completeness) {
    return model::has_whole_bodies(completeness) ? tokens::CutAnswer::unknown : tokens::CutAnswer::as_far_seen;
}

Usage usage_of(const model::Exchange& exchange, Services& services) {
    const LlmCall& call = exchange.llm;
    Usage usage;
    if (has_final_usage(call)) {
        usage = tokens::resolve(*call.reported, services.losses);
    } else if (call.reported) {
        usage.details = call.reported->details;
    }
    const bool without_input = lacks_input(call, usage);
    if (without_input && may_lack_input(call)) return usage;
    if (services.settings.missing_usage == MissingUsage::estimated)
        usage = tokens::estimate(call, std::move(usage), cut_answer(exchange.completeness));
    if (without_input) usage.source = UsageSource::partial;
    // Whoever reads this response later must not count it a second time.
    if (usage.source == UsageSource::estimated && !call.response_id.empty())
        services.counted.add(exchange.role, call.provider, call.response_id, how(call), exchange.timing.started);
    return usage;
}

}  // namespace

void account(model::Exchange& exchange, Tokens tokens, Services& services) {
    const LlmCall& call = exchange.llm;
    if (!counts_here(exchange, tokens, services)) {
        if (call.reported) exchange.usage.details = call.reported->details;
        return;
    }
    exchange.usage = usage_of(exchange, services);
    const bool costs_more_yet = call.reported && call.reported->cost_usd && !has_final_usage(call);
    if (services.pricing != nullptr && !costs_more_yet) exchange.cost = services.pricing->cost(exchange);
}

}  // namespace llmsnoop::pipeline
