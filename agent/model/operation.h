#pragma once
// Operations (LlmCall::operation) that are asked for by name where nothing else is known of dialects.
#include <string_view>

namespace llmsnoop::model {

// A response that was made before is read: by its identifier, or by asking whether it is there yet.
inline constexpr std::string_view kFetchResponse = "fetch_response";
// A result of a batch. It was made some time before, nobody saw for how long, and has a price of its own.
inline constexpr std::string_view kBatch = "batch";

}  // namespace llmsnoop::model
