#pragma once
// Tells a story to the whole pipeline, from chunks to exchanges, and says what came of it: records, losses, and how far
// the memory in use rose above where it was before.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "agent/pipeline/services.h"
#include "tests/support/story_source.h"

namespace llmsnoop::hostile {

inline constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30;

struct Outcome {
    std::uint64_t finished = 0;
    std::uint64_t lowered = 0;             // of those, with a verdict below `complete`
    std::vector<model::Exchange> records;  // the first fifty and the last fifty
    std::unique_ptr<model::LossCounters> losses = std::make_unique<model::LossCounters>();
    std::uint64_t peak_growth = 0;  // bytes of resident memory above the start, at the highest point

    std::uint64_t lost(model::Loss loss) const { return losses->get(loss); }
    std::string describe() const;  // for messages
};

Outcome tell(support::StorySource::Story story, const pipeline::Settings& settings = {});

// Every cut must be told: by a loss with a name, or by the verdict of a record. And memory stays below `bytes` (not
// compared under a sanitizer, whose own memory is what one would see).
void expect_told(const Outcome& outcome);
void expect_within(const Outcome& outcome, std::uint64_t bytes);
bool is_memory_compared();
std::uint64_t resident_bytes();  // of this process, now, without what malloc keeps for later

// A connection on which everything is as it should be still works: heads, bodies, counts.
void tell_good_exchange(support::Wire& wire, model::ConnectionId id);
void expect_good_exchange(const Outcome& outcome);  // the last record is that one's

// Heads of a call to OpenAI's chat API, with a body of so many bytes or chunked.
std::string request_head(std::string_view more_headers);
std::string with_length(std::string_view body);  // a whole request
inline constexpr std::string_view kSmallRequest = R"({"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]})";
inline constexpr std::string_view kStreamRequest =
    R"({"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]})";
inline constexpr std::string_view kAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})";
inline constexpr std::string_view kUsageEvent =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o-2024-08-06","choices":[],)"
    R"("usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})"
    "\n\ndata: [DONE]\n\n";
std::string answer_with_length(std::string_view body);

// `bytes` as one HTTP/1.1 chunk.
std::string chunk_of(std::string_view bytes);
inline constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace llmsnoop::hostile
