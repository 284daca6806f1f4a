#pragma once
// Reads the usage objects of the provider families. Only the fields, as they stand: arithmetic is agent/tokens' job.
// Fields that have no place in model::ReportedUsage go to its details, under their own dotted names; zeros there are
// left out.
//
// Each gives nothing where the object holds no count at all: an empty usage object reports nothing.
#include <optional>
#include <span>
#include <string_view>

#include "agent/llm/json.h"
#include "agent/model/http_event.h"
#include "agent/model/usage.h"

namespace llmsnoop::llm {

// {prompt_tokens, completion_tokens, total_tokens, *_details} and {input_tokens, output_tokens, ...}, with the variants
// that DeepSeek, Moonshot, Together, Mistral, Writer, Perplexity, xAI and OpenRouter have made of them.
std::optional<model::ReportedUsage> read_openai_usage(Json usage);

// {input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ...}.
std::optional<model::ReportedUsage> read_anthropic_usage(Json usage);

// {inputTokens, outputTokens, totalTokens, cacheReadInputTokens, cacheWriteInputTokens}, also as "...TokenCount".
std::optional<model::ReportedUsage> read_bedrock_usage(Json usage);

// {promptTokenCount, candidatesTokenCount, thoughtsTokenCount, ...}; of Gemini Live also {responseTokenCount}.
std::optional<model::ReportedUsage> read_gemini_usage(Json usage, model::UsageRule rule);
// What served the call, by the same object: `serviceTier` of the Gemini API, `trafficType` of Vertex AI. Empty: not
// told.
std::string read_gemini_tier(Json usage);

// A count that a server puts into a header of its response.
model::Count count_in_header(const model::MessageHead& head, std::string_view name);

// Adds the numbers below `value` that are not in `taken` (dotted paths) to the details.
void add_details(model::ReportedUsage& usage, Json value, std::span<const std::string_view> taken);
void add_detail(model::ReportedUsage& usage, std::string_view name, double value);

// True if there is at least one token count.
bool has_counts(const model::ReportedUsage& usage);

}  // namespace llmsnoop::llm
