#include "agent/app/blind_spots.h"

#include <gtest/gtest.h>

namespace llmsnoop::app {
namespace {

TEST(BlindSpots, HostsThatServeModels) {
    Config config;
    config.blind.hosts = {"models.example", ".llm.example"};
    const auto options = blind_options(config);
    for (const char* host : {"api.openai.com", "mine.openai.azure.com", "bedrock-runtime.us-east-1.amazonaws.com",
                             "models.example", "eu.llm.example"}) {
        EXPECT_TRUE(options.is_model_host(host)) << host;
    }
    for (const char* host : {"example.com", "openai.com", "x.models.example", "llm.example", "xllm.example", ""}) {
        EXPECT_FALSE(options.is_model_host(host)) << host;
    }
}

TEST(BlindSpots, AsJson) {
    EXPECT_EQ(blind_json({}), "[]");
    model::BlindProcess process;
    process.key = {4711, 5};
    process.hosts.push_back({"api.openai.com",
                             {model::BlindReason::library_refused, "/bin/x: two copies"},
                             base::time_from_unix_ns(1'767'225'600'000'000'000),
                             base::time_from_unix_ns(1'767'225'601'000'000'000),
                             3});
    EXPECT_EQ(blind_json({process}), R"([{"pid":4711,"hosts":[{"host":"api.openai.com","reason":"library_refused",)"
                                     R"("detail":"/bin/x: two copies","since":"2026-01-01T00:00:00.000000000Z",)"
                                     R"("last":"2026-01-01T00:00:01.000000000Z","connections":3}]}])");
    auto who = std::make_shared<model::Identity>();
    who->process.comm = "a\xff";  // a name is somebody else's text
    who->pod.emplace();
    who->pod->namespace_name = "app";
    process.who = who;
    process.ended = base::time_from_unix_ns(1'767'225'602'000'000'000);
    process.hosts[0].cause = {};
    EXPECT_EQ(blind_json({process}),
              "[{\"pid\":4711,\"comm\":\"a\xef\xbf\xbd\",\"pod\":{\"namespace\":\"app\"},"
              "\"ended\":\"2026-01-01T00:00:02.000000000Z\",\"hosts\":[{\"host\":\"api.openai.com\","
              "\"reason\":\"no_library\",\"since\":\"2026-01-01T00:00:00.000000000Z\","
              "\"last\":\"2026-01-01T00:00:01.000000000Z\",\"connections\":3}]}]");
}

}  // namespace
}  // namespace llmsnoop::app
