#include "tests/hostile/hostile_case.h"

#include <malloc.h>

#include <charconv>
#include <fstream>

#include "agent/attribution/process_table.h"
#include "agent/pipeline/engine.h"

namespace llmsnoop::hostile {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// A field of /proc/self/status, in bytes.
std::uint64_t memory(std::string_view field) {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (!line.starts_with(field)) continue;
        const std::size_t digits = line.find_first_of("0123456789");
        std::uint64_t kilobytes = 0;
        std::from_chars(line.data() + digits, line.data() + line.size(), kilobytes);
        return kilobytes << 10;
    }
    return 0;
}

// proc(5): 5 sets the peak resident set size back to what it is now.
void reset_peak() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace

bool is_memory_compared() {
    return !kSanitized;
}

std::uint64_t resident_bytes() {
    malloc_trim(0);
    return memory("VmRSS:");
}

std::string Outcome::describe() const {
    std::string text = std::to_string(finished) + " records, " + std::to_string(lowered) + " of them lowered; peak +" +
                       std::to_string(peak_growth >> 10) + " KB; lost:";
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        const auto loss = static_cast<model::Loss>(i);
        if (lost(loss) > 0) text += " " + std::string(model::text_of(loss).name) + "=" + std::to_string(lost(loss));
    }
    return text;
}

Outcome tell(support::StorySource::Story story, const pipeline::Settings& settings) {
    Outcome out;
    support::StorySource source(std::move(story));
    attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events, *out.losses);
    pipeline::Services services{settings,
                                source,
                                *out.losses,
                                processes,
                                {[](const model::ExchangeStarted&) {},
                                 [&](model::Exchange one) {
                                     ++out.finished;
                                     if (one.completeness != model::Completeness::complete) ++out.lowered;
                                     if (out.records.size() == 100) out.records.erase(out.records.begin() + 50);
                                     out.records.push_back(std::move(one));
                                 }},
                                {},
                                {},
                                {}};
    pipeline::Engine engine(services);
    reset_peak();
    const std::uint64_t before = memory("VmRSS:");
    EXPECT_TRUE(engine.run());
    const std::uint64_t peak = memory("VmHWM:");
    out.peak_growth = peak > before ? peak - before : 0;
    ::testing::Test::RecordProperty("outcome", out.describe());
    std::printf("    %s\n", out.describe().c_str());
    return out;
}

void expect_told(const Outcome& outcome) {
    std::uint64_t losses = 0;
    for (std::size_t i = 0; i < model::kLossCount; ++i)
        losses += outcome.lost(static_cast<model::Loss>(i));
    EXPECT_GT(losses + outcome.lowered, 0U) << outcome.describe();
}

void expect_within(const Outcome& outcome, std::uint64_t bytes) {
    if (!is_memory_compared()) return;
    EXPECT_LE(outcome.peak_growth, bytes) << outcome.describe();
}

std::string request_head(std::string_view more_headers) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n" +
           std::string(more_headers) + "\r\n";
}

std::string with_length(std::string_view body) {
    return request_head("Content-Length: " + std::to_string(body.size()) + "\r\n") + std::string(body);
}

std::string answer_with_length(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

std::string chunk_of(std::string_view bytes) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, bytes.size(), 16).ptr;
    return std::string(digits, end) + "\r\n" + std::string(bytes) + "\r\n";
}

void tell_good_exchange(support::Wire& wire, model::ConnectionId id) {
    wire.open(id);
    wire.send(id, with_length(kSmallRequest));
    wire.receive(id, answer_with_length(kAnswer));
    wire.close(id);
}

void expect_good_exchange(const Outcome& outcome) {
    ASSERT_FALSE(outcome.records.empty()) << outcome.describe();
    const model::Exchange& last = outcome.records.back();
    EXPECT_EQ(last.completeness, model::Completeness::complete);
    EXPECT_EQ(last.usage.input, 11U);
    EXPECT_EQ(last.usage.output, 7U);
}

}  // namespace llmsnoop::hostile
