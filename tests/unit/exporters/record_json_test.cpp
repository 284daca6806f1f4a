#include "exporters/record_json.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/base/sha256.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

using nlohmann::json;
using policy::ContentMode;
using std::chrono::milliseconds;

std::string line_of(const model::Exchange& exchange, ContentMode content = ContentMode::none,
                    std::string_view node = "n1") {
    std::string out;
    append_record_json(out, cleared(exchange, content), node);
    return out;
}

json record_of(const model::Exchange& exchange, ContentMode content = ContentMode::none) {
    return json::parse(line_of(exchange, content));
}

TEST(RecordJson, WritesEveryFieldInTheOrderOfTheContract) {
    EXPECT_EQ(
        line_of(full_exchange()),
        R"({"schema":"llmsnoop.exchange/1","id":"01JD4Z0000000000000000000A","pair":"01JD4Z0000000000000000000B",)"
        R"("time":"2026-11-20T10:38:00.123456789Z","node":"n1","role":"client",)"
        R"("process":{"pid":4711,"ppid":1,"comm":"python3","exe":"/usr/bin/python3.11","uid":1000,)"
        R"("start_time":"2026-11-20T10:37:00.123456789Z","cgroup":"/system.slice/app.service","args_sha256":")" +
            std::string(64, 'c') + R"("},)" + R"("container":{"id":")" + std::string(64, 'd') +
            R"(","runtime":"containerd","name":"app","image":"registry.example/app:1"},)"
            R"("k8s":{"namespace":"prod","pod":"app-7c9","pod_uid":"8d3c","container":"app","node":"node-1",)"
            R"("workload":{"kind":"Deployment","name":"app"},)"
            R"("labels":{"example.com/cost-centre":"4711","team":"search"}},)"
            R"("net":{"transport":"tls","library":"openssl","protocol":"http/1.1",)"
            R"("local":{"address":"10.0.0.2","port":40000},"peer":{"address":"2001:db8::1","port":443},)"
            R"("server_name":"api.openai.com"},)"
            R"("http":{"method":"POST","path":"/v1/chat/completions?beta=","authority":"api.openai.com","status":200,)"
            R"("request_bytes":311,"response_bytes":4096,"retry":1,"request_sha256":")" +
            std::string(64, 'a') + R"(","response_sha256":")" + std::string(64, 'b') +
            R"("},)"
            R"("llm":{"provider":"openai","dialect":"openai.chat","operation":"chat","request_model":"gpt-4o",)"
            R"("response_model":"gpt-4o-2024-08-06","response_id":"chatcmpl-1","service_tier":"default","stream":true,"choices":1,)"
            R"("finish_reasons":["tool_calls"],"tool_calls":["look_up"],)"
            R"("error":{"type":"server_error","code":"500",)"
            R"("message_sha256":")" +
            base::sha256_hex("later") +
            R"("}},)"
            R"("usage":{"input_tokens":1234,"output_tokens":56,"cache_read_tokens":1000,"cache_write_tokens":10,)"
            R"("reasoning_tokens":20,"total_tokens":1290,"source":"adjusted","adjusted_by":"reasoning_outside",)"
            R"("details":{"audio_tokens":3}},)"
            R"("cost":{"usd":0.0125,"source":"table","price_table":"genai-prices 2026-11-01"},)"
            R"("timing":{"duration_ms":1520,"ttft_ms":312,"inter_token_p50_ms":20,"inter_token_p99_ms":40,"upload_ms":5},)"
            R"("content":{"prompt_sha256":")" +
            base::sha256_hex("Hello") +
            R"(",)"
            R"("completion_sha256":")" +
            base::sha256_hex("Hi.") +
            R"("},)"
            R"("findings":[{"rule":"budget.near","severity":"low","where":"usage","count":1}],)"
            R"("completeness":"complete"})");
}

TEST(RecordJson, WhatIsUnknownIsAbsent) {
    EXPECT_EQ(line_of(bare_exchange(), ContentMode::none, ""),
              R"({"schema":"llmsnoop.exchange/1","id":"01JD4Z0000000000000000000A",)"
              R"("time":"2026-11-20T10:38:00.123456789Z","role":"client",)"
              R"("net":{"transport":"plain","library":"none"},"http":{"request_bytes":0,"response_bytes":0},"llm":{},)"
              R"("usage":{"source":"none"},"completeness":"complete"})");
}

TEST(RecordJson, AnUnknownCountIsNotZero) {
    model::Exchange exchange = bare_exchange();
    exchange.usage.output = 0;
    const json usage = record_of(exchange)["usage"];
    EXPECT_EQ(usage["output_tokens"], 0);
    EXPECT_FALSE(usage.contains("input_tokens"));
}

TEST(RecordJson, AnErrorIsThereWheneverTheStatusSaysSo) {
    model::Exchange exchange = bare_exchange();
    exchange.http.status = 503;
    EXPECT_EQ(record_of(exchange)["llm"]["error"], json::object());
    exchange.http.status = 200;
    EXPECT_FALSE(record_of(exchange)["llm"].contains("error"));
    exchange.llm.error = model::LlmError{};
    EXPECT_EQ(record_of(exchange)["llm"]["error"], json::object());
}

TEST(RecordJson, ContentIsThereOnlyIfTheGateLeftIt) {
    const json hashes = record_of(full_exchange())["content"];
    EXPECT_EQ(hashes.size(), 2U);
    const json content = record_of(full_exchange(), ContentMode::redacted)["content"];
    EXPECT_EQ(content["prompt"], json::parse(R"([{"role":"user","text":"Hello","other_parts":1}])"));
    EXPECT_EQ(content["completion"], json::parse(R"([{"role":"assistant","text":"Hi."}])"));
    EXPECT_EQ(content["reasoning"], "A greeting.");
    EXPECT_EQ(content["tool_calls"], json::parse(R"([{"name":"look_up","id":"call_1","arguments":"{\"q\":\"x\"}"}])"));
    EXPECT_EQ(content["tools"], R"([{"name":"look_up"}])");
    EXPECT_EQ(content["error_message"], "later");
}

TEST(RecordJson, OnlyAStreamHasAFirstToken) {
    model::Exchange exchange = full_exchange();
    exchange.llm.stream = false;
    EXPECT_FALSE(record_of(exchange)["timing"].contains("ttft_ms"));
    exchange.llm.stream.reset();  // unknown, but content came more than once
    EXPECT_EQ(record_of(exchange)["timing"]["ttft_ms"], 312);
    exchange.llm.timing.last = exchange.llm.timing.first;
    EXPECT_FALSE(record_of(exchange)["timing"].contains("ttft_ms"));
}

TEST(RecordJson, ADurationThatWouldBeNegativeIsUnknown) {
    model::Exchange exchange = full_exchange();
    exchange.timing.ended = exchange.timing.started - milliseconds(1);
    exchange.timing.request_ended.reset();
    exchange.llm.timing = {};
    EXPECT_FALSE(record_of(exchange).contains("timing"));
}

TEST(RecordJson, PercentilesAreNearestRank) {
    model::Exchange exchange = bare_exchange();
    for (std::uint32_t i = 1000; i >= 1; --i)
        exchange.llm.timing.gaps_us.push_back(i * 1000);
    const json timing = record_of(exchange)["timing"];
    EXPECT_EQ(timing["inter_token_p50_ms"], 500);
    EXPECT_EQ(timing["inter_token_p99_ms"], 990);
    exchange.llm.timing.gaps_us = {7000};
    EXPECT_EQ(record_of(exchange)["timing"]["inter_token_p50_ms"], 7);
    EXPECT_EQ(record_of(exchange)["timing"]["inter_token_p99_ms"], 7);
}

TEST(RecordJson, EveryRecordIsOneLineOfJson) {
    std::mt19937 random(3);
    for (int i = 0; i < 2000; ++i) {
        const model::Exchange exchange = random_exchange(random);
        const std::string line = line_of(exchange, i % 2 == 0 ? ContentMode::none : ContentMode::redacted);
        const json parsed = json::parse(line, nullptr, false);
        ASSERT_FALSE(parsed.is_discarded()) << line;
        ASSERT_EQ(line.find_first_of("\n\r"), std::string::npos);
        ASSERT_EQ(parsed["completeness"], model::name_of(exchange.completeness));
    }
}

// The schema that is shipped describes what is written: a validator that shares nothing with the writer agrees.
TEST(RecordJson, EveryRecordFollowsTheSchema) {
    const std::string path = testing::TempDir() + "records_" + std::to_string(::getpid()) + ".jsonl";
    {
        std::ofstream file(path);
        std::mt19937 random(5);
        file << line_of(full_exchange()) << "\n" << line_of(full_exchange(), ContentMode::redacted) << "\n";
        file << line_of(bare_exchange(), ContentMode::none, "") << "\n";
        for (int i = 0; i < 400; ++i) {
            file << line_of(random_exchange(random), i % 2 == 0 ? ContentMode::none : ContentMode::redacted) << "\n";
        }
    }
    const std::string root = LLMSNOOP_SOURCE_DIR;
    const std::string command = "/usr/bin/python3 '" + root + "/tests/support/validate_records.py' '" + root +
                                "/exporters/record.schema.json' '" + path + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::remove(path.c_str());
}

// ... and it is strict enough to notice a record that is wrong.
TEST(RecordJson, TheSchemaRefusesWhatIsWrong) {
    const std::string root = LLMSNOOP_SOURCE_DIR;
    const std::string path = testing::TempDir() + "wrong_" + std::to_string(::getpid()) + ".jsonl";
    const std::string command = "/usr/bin/python3 '" + root + "/tests/support/validate_records.py' '" + root +
                                "/exporters/record.schema.json' '" + path + "' >/dev/null 2>&1";
    const json good = record_of(full_exchange());
    for (const char* change :
         {R"([{"op":"add","path":"/surprise","value":1}])", R"([{"op":"add","path":"/llm/surprise","value":1}])",
          R"([{"op":"replace","path":"/usage/input_tokens","value":-1}])",
          R"([{"op":"replace","path":"/usage/source","value":"guessed"}])",
          R"([{"op":"replace","path":"/time","value":"2026-11-20 10:38:00"}])",
          R"([{"op":"remove","path":"/completeness"}])"}) {
        std::ofstream(path) << good.patch(json::parse(change)).dump() << "\n";
        EXPECT_NE(std::system(command.c_str()), 0) << change;
    }
    std::ofstream(path) << good.dump() << "\n";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::remove(path.c_str());
}

}  // namespace
}  // namespace llmsnoop::exporters
