#include "agent/policy/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/sha256.h"
#include "agent/policy/limits.h"
#include "tests/unit/policy/fake_keys.h"

namespace llmsnoop::policy {
namespace {

using model::Completeness;
using model::Content;
using model::Exchange;
using model::Finding;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Exchange chat() {
    Exchange exchange;
    exchange.id = "01JD0000000000000000000000";
    exchange.http.method = "POST";
    exchange.http.path = "/v1/chat/completions";
    exchange.llm.request_model = "gpt-4o";
    exchange.llm.prompt = {{"system", Content(std::string("Be brief.")), 0},
                           {"user", Content(std::string("Hello")), 1}};
    exchange.llm.completion = {{"assistant", Content(std::string("Hi.")), 0}};
    exchange.llm.reasoning = Content(std::string("A greeting."));
    exchange.llm.tool_calls = {{"look_up", "call_1", Content(std::string(R"({"q":"x"})"))}};
    exchange.llm.tool_definitions = Content(std::string(R"([{"name":"look_up"}])"));
    exchange.llm.error = model::LlmError{"overloaded", "529", Content(std::string("try later"))};
    return exchange;
}

class GateTest : public testing::Test {
 protected:
    Exchange clear(Exchange exchange) const { return *Gate(policy_, losses_).clear(std::move(exchange)); }

    Policy policy_;
    mutable model::LossCounters losses_;
};

TEST_F(GateTest, NoTextLeavesByDefault) {
    const Exchange out = clear(chat());
    EXPECT_THAT(out.llm.prompt, IsEmpty());
    EXPECT_THAT(out.llm.completion, IsEmpty());
    EXPECT_TRUE(out.llm.reasoning.empty());
    EXPECT_TRUE(out.llm.tool_definitions.empty());
    EXPECT_TRUE(out.llm.error->message.empty());
    ASSERT_EQ(out.llm.tool_calls.size(), 1U);
    EXPECT_EQ(out.llm.tool_calls[0].name, "look_up");
    EXPECT_TRUE(out.llm.tool_calls[0].arguments.empty());
    EXPECT_EQ(out.llm.request_model, "gpt-4o");
    EXPECT_THAT(out.findings, IsEmpty());
    EXPECT_EQ(out.completeness, Completeness::complete);
}

TEST_F(GateTest, HashesTheTextsJoinedByLineFeeds) {
    const Exchange out = clear(chat());
    EXPECT_EQ(out.hashes.prompt_sha256, base::sha256_hex("Be brief.\nHello"));
    EXPECT_EQ(out.hashes.completion_sha256, base::sha256_hex("Hi."));
    EXPECT_EQ(out.hashes.error_message_sha256, base::sha256_hex("try later"));
}

TEST_F(GateTest, HashesNothingWhereNotAsked) {
    policy_.hashes = false;
    EXPECT_EQ(clear(chat()).hashes, model::ContentHashes{});
}

TEST_F(GateTest, HashesNothingThatIsNotKnownInFull) {
    Exchange cut = chat();
    cut.llm.prompt_cut = true;
    EXPECT_EQ(clear(cut).hashes.prompt_sha256, "");
    EXPECT_NE(clear(cut).hashes.completion_sha256, "");

    for (const Completeness value : {Completeness::truncated, Completeness::gap}) {
        Exchange lost = chat();
        lost.completeness = value;
        EXPECT_EQ(clear(lost).hashes, model::ContentHashes{});
    }

    Exchange interrupted = chat();
    interrupted.completeness = Completeness::interrupted;
    EXPECT_EQ(clear(interrupted).hashes.prompt_sha256, "");
    interrupted.timing.request_ended = base::Time{};
    EXPECT_NE(clear(interrupted).hashes.prompt_sha256, "");
    EXPECT_EQ(clear(interrupted).hashes.completion_sha256, "");

    Exchange without = chat();
    without.llm.prompt.clear();
    without.llm.completion.clear();
    without.llm.error.reset();
    EXPECT_EQ(clear(without).hashes, model::ContentHashes{});
}

TEST_F(GateTest, FindsSecretsInTextsThatDoNotLeave) {
    const std::string key = fake_openai_key();
    Exchange exchange = chat();
    exchange.llm.prompt[0].text = Content("use " + key);
    exchange.llm.prompt[1].text = Content(key + " and " + key);
    exchange.llm.completion[0].text = Content("I see " + key);
    exchange.llm.reasoning = Content("they sent " + key);
    exchange.llm.tool_calls[0].arguments = Content("{\"k\":\"" + key + "\"}");
    exchange.llm.tool_definitions = Content("[\"" + key + "\"]");
    exchange.llm.error->message = Content("Incorrect API key provided: " + key);
    const Exchange out = clear(exchange);
    EXPECT_THAT(out.findings, UnorderedElementsAre(Finding{"secret.openai_key", "high", "content.prompt", 3},
                                                   Finding{"secret.openai_key", "high", "content.completion", 1},
                                                   Finding{"secret.openai_key", "high", "content.reasoning", 1},
                                                   Finding{"secret.openai_key", "high", "content.tool_calls", 1},
                                                   Finding{"secret.openai_key", "high", "content.tools", 1},
                                                   Finding{"secret.openai_key", "high", "content.error_message", 1}));
}

// Every string of an exchange that comes from the wire, with the place that its findings name.
using Field = std::pair<const char*, std::string& (*)(Exchange&)>;
const std::vector<Field>& wire_fields() {
    static const std::vector<Field> kFields{
        {"http.path", [](Exchange& e) -> std::string& { return e.http.path; }},
        {"http.authority", [](Exchange& e) -> std::string& { return e.http.authority; }},
        {"net.server_name", [](Exchange& e) -> std::string& { return e.net.server_name; }},
        {"llm.provider", [](Exchange& e) -> std::string& { return e.llm.provider; }},
        {"llm.operation", [](Exchange& e) -> std::string& { return e.llm.operation; }},
        {"llm.request_model", [](Exchange& e) -> std::string& { return e.llm.request_model; }},
        {"llm.response_model", [](Exchange& e) -> std::string& { return e.llm.response_model; }},
        {"llm.response_id", [](Exchange& e) -> std::string& { return e.llm.response_id; }},
        {"llm.service_tier", [](Exchange& e) -> std::string& { return e.llm.service_tier; }},
        {"llm.finish_reasons", [](Exchange& e) -> std::string& { return e.llm.finish_reasons.emplace_back(); }},
        {"llm.tool_calls", [](Exchange& e) -> std::string& { return e.llm.tool_calls.front().name; }},
        {"llm.tool_calls", [](Exchange& e) -> std::string& { return e.llm.tool_calls.front().id; }},
        {"usage.details", [](Exchange& e) -> std::string& { return e.usage.details.emplace_back().first; }},
    };
    return kFields;
}

bool holds(const Exchange& exchange, std::string_view needle) {
    Exchange copy = exchange;
    for (const auto& [where, field] : wire_fields()) {
        if (field(copy).find(needle) != std::string::npos) return true;
    }
    for (const auto& reason : exchange.llm.finish_reasons) {
        if (reason.find(needle) != std::string::npos) return true;
    }
    for (const auto& [name, value] : exchange.usage.details) {
        if (name.find(needle) != std::string::npos) return true;
    }
    return false;
}

TEST_F(GateTest, MasksSecretsInEveryFieldFromTheWire) {
    for (const auto& [where, field] : wire_fields()) {
        const std::string key = "hf_" + repeat("abcdXYZ", 34);
        Exchange exchange = chat();
        field(exchange) = "x " + key;
        const Exchange out = clear(exchange);
        EXPECT_FALSE(holds(out, key)) << where;
        EXPECT_TRUE(holds(out, "x [masked]")) << where;
        EXPECT_THAT(out.findings, ElementsAre(Finding{"secret.huggingface_token", "high", where, 1}));
    }
}

TEST_F(GateTest, TypesAndCodesOfErrorsAreNamesOrNothing) {
    for (const std::string name : {"insufficient_quota", "429", "Too.Many:Requests/x", ""}) {
        Exchange exchange = chat();
        exchange.llm.error->type = exchange.llm.error->code = name;
        const Exchange out = clear(exchange);
        EXPECT_EQ(out.llm.error->type, name);
        EXPECT_EQ(out.llm.error->code, name);
    }
    for (const std::string& prose : {std::string("my number is 123"), std::string(65, 'a'), std::string("a(b)")}) {
        Exchange exchange = chat();
        exchange.llm.error->type = exchange.llm.error->code = prose;
        const Exchange out = clear(exchange);
        EXPECT_EQ(out.llm.error->type, "[text]");
        EXPECT_EQ(out.llm.error->code, "[text]");
    }
    Exchange exchange = chat();
    exchange.llm.error->code = "hf_" + repeat("abcdXYZ", 34);
    const Exchange out = clear(exchange);
    EXPECT_EQ(out.llm.error->code, "[masked]");
    EXPECT_THAT(out.findings, ElementsAre(Finding{"secret.huggingface_token", "high", "llm.error", 1}));
}

TEST_F(GateTest, BoundsAndCleansEveryFieldFromTheWire) {
    for (const auto& [where, field] : wire_fields()) {
        Exchange exchange = chat();
        field(exchange) = std::string("a\x1b\xff\n") + std::string(1U << 20, 'b');
        Exchange out = clear(exchange);
        EXPECT_FALSE(holds(out, "\x1b")) << where;
        EXPECT_FALSE(holds(out, "\xff")) << where;
        EXPECT_TRUE(holds(out, "abb")) << where;
        EXPECT_FALSE(holds(out, std::string(kPathBytes, 'b'))) << where;
    }
}

TEST_F(GateTest, AKeyThatStraddlesTheCutIsMaskedWhole) {
    for (std::size_t before = kNameBytes - 60; before <= kNameBytes; ++before) {
        Exchange exchange = chat();
        exchange.llm.request_model = std::string(before - 1, 'm') + " " + fake_openai_key();
        EXPECT_EQ(clear(exchange).llm.request_model.find("sk-proj"), std::string::npos) << before;
    }
}

// What is removed and masked brings the end of what was read into the record; half of a key may stand there.
TEST_F(GateTest, AKeyThatTheEndOfReadingCutsIsMaskedToo) {
    const std::string key = "hf_" + repeat("abcdXYZ", 34);
    for (const std::string& shrinks : {std::string("\x01"), fake_openai_key() + " "}) {
        for (const std::size_t read : {12U, 20U, 32U}) {
            const std::size_t before = kNameBytes + kKeyBytes - read - 1;
            std::string name;
            while (name.size() + shrinks.size() <= before)
                name += shrinks;
            Exchange exchange = chat();
            exchange.llm.request_model = std::string(before - name.size(), 'm') + " " + name + key;
            const Exchange out = clear(exchange);
            EXPECT_LT(out.llm.request_model.size(), kNameBytes);
            EXPECT_EQ(out.llm.request_model.find("hf_"), std::string::npos) << out.llm.request_model;
        }
    }
}

TEST_F(GateTest, AControlCharacterDoesNotHideAKey) {
    Exchange exchange = chat();
    exchange.llm.request_model = std::string("hf_") + '\0' + repeat("abcdXYZ", 34);
    EXPECT_EQ(clear(exchange).llm.request_model, "[masked]");
}

TEST_F(GateTest, TheQueryLosesItsValuesWithoutAFinding) {
    Exchange exchange = chat();
    exchange.http.path = "/v1beta/models/g:generateContent?key=AIza" + repeat("Sy_7k", 35) + "&alt=sse";
    exchange.http.authority = "user:password@example.com";
    const Exchange out = clear(exchange);
    EXPECT_EQ(out.http.path, "/v1beta/models/g:generateContent?key=&alt=");
    EXPECT_EQ(out.http.authority, "example.com");
    EXPECT_THAT(out.findings, IsEmpty());
}

TEST_F(GateTest, RedactedContentLeavesMaskedAndBounded) {
    policy_.content = ContentMode::redacted;
    policy_.content_bytes = 48;
    const std::string key = "hf_" + repeat("abcdXYZ", 34);
    Exchange exchange = chat();
    exchange.llm.prompt[1].text = Content("key " + key + "\nthen " + std::string(100, 'x'));
    exchange.llm.tool_calls[0].arguments = Content(R"({"k":")" + key.substr(0, 33) + R"("})");
    const Exchange out = clear(exchange);
    ASSERT_EQ(out.llm.prompt.size(), 2U);
    EXPECT_EQ(out.llm.prompt[0].text.view(), "Be brief.");
    EXPECT_EQ(out.llm.prompt[1].text.view(), "key [masked]\nthen " + std::string(30, 'x'));
    EXPECT_EQ(out.llm.prompt[1].other_parts, 1U);
    EXPECT_TRUE(out.llm.prompt_cut);
    EXPECT_EQ(out.llm.completion[0].text.view(), "Hi.");
    EXPECT_EQ(out.llm.reasoning.view(), "A greeting.");
    EXPECT_EQ(out.llm.tool_calls[0].arguments.view(), R"({"k":"[masked]"})");
    EXPECT_EQ(out.llm.tool_definitions.view(), R"([{"name":"look_up"}])");
    EXPECT_EQ(out.llm.error->message.view(), "try later");
    EXPECT_FALSE(out.llm.completion_cut);
    EXPECT_THAT(out.findings, ElementsAre(Finding{"secret.huggingface_token", "high", "content.prompt", 1},
                                          Finding{"secret.huggingface_token", "high", "content.tool_calls", 1}));
    EXPECT_EQ(out.hashes.prompt_sha256.size(), 64U);  // of the text as it was, not as it left
}

// Credentials that look like nothing, where tools are told of their servers and called, and in what tools say.
TEST_F(GateTest, RedactedContentLeavesWithoutCredentialsThatHaveANameOnly) {
    policy_.content = ContentMode::redacted;
    Exchange exchange = chat();
    exchange.llm.tool_definitions = Content(std::string(
        R"([{"type":"mcp","server_url":"https://h/?api_key=zq9&v=1","authorization":"zq9","headers":{"X-Api-Key" : "zq9"}}])"));
    exchange.llm.tool_calls[0].arguments =
        Content(std::string(R"({"body":"{\"access_token\":\"zq9\",\"n\":1}","max_tokens":"5"})"));
    exchange.llm.prompt[1].text =
        Content(std::string("it says:\nAuthorization: Bearer zq9\nHost: h, see https://me:zq9@h/@x"));
    const Exchange out = clear(exchange);
    EXPECT_EQ(
        out.llm.tool_definitions.view(),
        R"([{"type":"mcp","server_url":"https://h/?api_key=***&v=1","authorization":"***","headers":{"X-Api-Key" : "***"}}])");
    EXPECT_EQ(out.llm.tool_calls[0].arguments.view(),
              R"({"body":"{\"access_token\":\"***\",\"n\":1}","max_tokens":"5"})");
    EXPECT_EQ(out.llm.prompt[1].text.view(), "it says:\nAuthorization: **********\nHost: h, see https://******@h/@x");
}

TEST_F(GateTest, AJsonTextIsWholeOrAbsent) {
    policy_.content = ContentMode::redacted;
    policy_.content_bytes = 8;
    const Exchange out = clear(chat());
    EXPECT_TRUE(out.llm.tool_calls[0].arguments.empty());
    EXPECT_TRUE(out.llm.tool_definitions.empty());
    EXPECT_TRUE(out.llm.completion_cut);
    EXPECT_TRUE(out.llm.prompt_cut);
}

TEST_F(GateTest, ARecordHasOneAllowanceForAllItsTexts) {
    policy_.content = ContentMode::redacted;
    policy_.record_bytes = 100;
    Exchange exchange = chat();
    exchange.llm.prompt.assign(50, {"user", Content(std::string(30, 'x')), 0});
    const Exchange out = clear(exchange);
    std::size_t total = 0;
    for (const auto& message : out.llm.prompt)
        total += message.text.size();
    EXPECT_LE(total, 100U);
    EXPECT_EQ(out.llm.completion[0].text.view(), "Hi.");
    EXPECT_TRUE(out.llm.prompt_cut);
}

TEST_F(GateTest, ListsAreBoundedAndTheLossIsCounted) {
    Exchange exchange = chat();
    exchange.llm.tool_calls.resize(kToolCalls + 3);
    const Exchange out = clear(exchange);
    EXPECT_EQ(out.llm.tool_calls.size(), kToolCalls);
    EXPECT_EQ(losses_.get(model::Loss::record_limit), 3U);
    EXPECT_EQ(out.completeness, Completeness::truncated);
}

TEST_F(GateTest, DetailNamesStandOnce) {
    Exchange exchange = chat();
    exchange.usage.details = {{"a", 1}, {"a\x01", 2}, {"b", 3}};
    EXPECT_EQ(clear(exchange).usage.details, (std::vector<std::pair<std::string, double>>{{"a", 1}, {"b", 3}}));
}

TEST_F(GateTest, LocalNamesStayButBecomeWellFormed) {
    Exchange exchange = chat();
    exchange.identity.process.comm = "ek_" + repeat("a68f", 32);  // not from the wire: it is the process's name
    exchange.identity.process.exe = "/usr/bin/x\xff\n";
    exchange.identity.pod = model::Pod{};
    exchange.identity.pod->name = "pod\x1b";
    exchange.identity.pod->labels = {{"team\n", "a\x01"}, {"b", "c"}};
    exchange.identity.systemd_unit = "x\x01.service";
    const Exchange out = clear(exchange);
    EXPECT_EQ(out.identity.process.comm, "ek_" + repeat("a68f", 32));
    EXPECT_EQ(out.identity.process.exe, "/usr/bin/x");
    EXPECT_EQ(out.identity.pod->name, "pod");
    EXPECT_EQ(out.identity.pod->labels, (std::map<std::string, std::string>{{"team", "a"}, {"b", "c"}}));
    EXPECT_EQ(out.identity.systemd_unit, "x.service");
    EXPECT_THAT(out.findings, IsEmpty());
}

TEST_F(GateTest, TheNoticeOfAStartCarriesNoContent) {
    model::ExchangeStarted started;
    started.llm = chat().llm;
    started.llm.request_model = "m " + fake_openai_key();
    policy_.content = ContentMode::redacted;
    const auto out = Gate(policy_, losses_).clear(started);
    EXPECT_THAT(out->llm.prompt, IsEmpty());
    EXPECT_TRUE(out->llm.tool_definitions.empty());
    EXPECT_EQ(out->llm.request_model, "m [masked]");
}

}  // namespace
}  // namespace llmsnoop::policy
