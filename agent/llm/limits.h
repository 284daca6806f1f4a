#pragma once
// Every limit of this stage. What is cut by one of them is marked as cut in the call.
#include <cstddef>
#include <cstdint>

namespace llmsnoop::llm::limits {

// Documents. Parsing takes up to about 20 bytes of scratch for each structural character, shared by all exchanges of a
// thread.
inline constexpr std::size_t kDocumentBytes = 32U << 20;
inline constexpr std::size_t kStructurals = 4U << 20;           // brackets and commas of one document
inline constexpr std::size_t kStructuralsUncounted = 1U << 20;  // documents below this size cannot hold too many
inline constexpr std::size_t kScratchBytes = 256U << 10;        // kept for reuse; larger scratch is given back at once
inline constexpr std::size_t kScratchObjects = 4;               // kept for reuse, per thread
inline constexpr std::size_t kRepairedDepth = 128;              // deeper values become null when a document is repaired

// One call.
inline constexpr std::size_t kPromptBytes = 4U << 20;  // all messages of the prompt together
inline constexpr std::size_t kPromptMessages = 16384;
inline constexpr std::size_t kCompletionBytes = 4U
                                                << 20;  // all choices together, reasoning and tool arguments included
inline constexpr std::size_t kToolDefinitionBytes = 1U << 20;
inline constexpr std::size_t kChoices = 128;
inline constexpr std::size_t kToolCalls = 256;
inline constexpr std::size_t kNameBytes = 512;           // models, identifiers, tool names, finish reasons, error types
inline constexpr std::size_t kMessageBytes = 16U << 10;  // an error's message
inline constexpr std::size_t kGaps = 8192;               // inter-token times
inline constexpr std::size_t kUsageDetails = 48;
inline constexpr std::size_t kBilledPasses = 256;
inline constexpr std::size_t kUsageDepth = 4;  // nesting of a usage object that is looked into
inline constexpr std::size_t kPartsDepth = 4;  // nesting of content parts that is looked into

inline constexpr std::size_t kLineBytes = 4U << 20;  // a line put together from pieces

// One WebSocket. What was said before a turn is copied into it, so that less of it is kept than of a request.
inline constexpr std::size_t kConversationBytes = 256U << 10;
inline constexpr std::size_t kConversationMessages = 512;
inline constexpr std::size_t kLanes = 64;  // turns in flight

inline constexpr std::size_t kBatchResults = 2048;  // in one document; lines of a file are read one by one

// Fast path (chunk_template.h).
inline constexpr std::size_t kTemplateBytes = 4096;
inline constexpr std::size_t kTemplateMisses = 32;  // learned in a row without a match: give up on this stream

}  // namespace llmsnoop::llm::limits
