#include "exporters/record_text.h"

#include <gtest/gtest.h>

#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

std::string line_of(const model::Exchange& exchange, Colour colour = Colour::off) {
    std::string out;
    append_record_text(out, cleared(exchange), colour);
    return out;
}

TEST(RecordText, AlignsItsColumnsUnderTheHeader) {
    std::string header;
    append_record_text_header(header, Colour::off);
    model::Exchange exchange = chat_exchange("python3", "gpt-4o", 1234, 56);
    exchange.usage.cache_read = 1000;
    // clang-format off
    EXPECT_EQ(header,
              "TIME          PROCESS                PROVIDER     MODEL                      OPERATION    STATUS           IN  CACHED     OUT  REASON    TTFT    TOOK  NOTES\n");
    EXPECT_EQ(line_of(exchange),
              "10:38:00.123Z python3[4711]          openai       gpt-4o                     chat         200            1234    1000      56       -   300ms   1.00s\n");
    // clang-format on
}

TEST(RecordText, SaysWhatIsOutOfTheOrdinary) {
    model::Exchange exchange = chat_exchange("python3", "gpt-4o", 1, 1);
    exchange.role = model::Role::server;
    exchange.completeness = model::Completeness::gap;
    exchange.llm.error = model::LlmError{"overloaded", "", {}};
    exchange.http.retry = 2;
    exchange.llm.tool_calls = {{"a", "", {}}, {"b", "", {}}};
    exchange.cost = model::Cost{0.5, model::Cost::Source::provider, ""};
    const std::string line = line_of(exchange);
    EXPECT_NE(line.find("  server gap error overloaded retry 2 tools a,b $0.500000\n"), std::string::npos) << line;
}

TEST(RecordText, MarksCountsThatWereNotReported) {
    model::Exchange exchange = chat_exchange("python3", "gpt-4o", 77, 1);
    exchange.usage.source = model::UsageSource::estimated;
    exchange.usage.output.reset();
    const std::string line = line_of(exchange);
    EXPECT_NE(line.find(" ~77 "), std::string::npos) << line;
}

TEST(RecordText, WhatIsUnknownIsADash) {
    EXPECT_EQ(line_of(bare_exchange()).substr(0, 40), "10:38:00.123Z -                      -  ");
}

TEST(RecordText, NamesThePodOrTheAddressWhereThatSaysMore) {
    EXPECT_NE(line_of(full_exchange()).find(" prod/app-7c9 "), std::string::npos);
    model::Exchange exchange = full_exchange();
    exchange.identity = {};
    EXPECT_NE(line_of(exchange).find(" 10.0.0.2:40000 "), std::string::npos);
}

TEST(RecordText, PaintsOnlyWhenAsked) {
    std::mt19937 random(9);
    for (int i = 0; i < 500; ++i) {
        const model::Exchange exchange = random_exchange(random);
        const std::string plain = line_of(exchange);
        ASSERT_EQ(plain.find('\x1b'), std::string::npos);
        ASSERT_EQ(plain.find('\n'), plain.size() - 1);
        ASSERT_NE(line_of(exchange, Colour::on).find("\x1b["), std::string::npos);
    }
}

}  // namespace
}  // namespace llmsnoop::exporters
