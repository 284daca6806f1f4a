// What the pipeline tells of blind spots: which connections are read, and what goes through tunnels.
#include <gmock/gmock.h>

#include "agent/llm/provider.h"
#include "tests/support/client_hello.h"
#include "tests/unit/pipeline/pipeline_harness.h"

namespace llmsnoop::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kStory =
    "process 100 start=5 comm=python3\n"
    "unprobed 100 1 hello api.openai.com local 192.0.2.9:40000 peer 192.0.2.1:443\n";
const std::string kData = "unprobed 100 1 data\n";
const std::string kAsk = ">> 1 " + quoted(request("/v1/chat/completions", "{}")) + "\n";

// Plays the script, and gives "PID HOST" for each blind spot that is found at its end.
std::vector<std::string> blind_after(const std::string& text) {
    model::LossCounters losses;
    auto script = capture::parse_script(text, "script");
    EXPECT_TRUE(script) << (script ? "" : script.error().message);
    if (!script) return {};
    NotingSource source(capture::play_script(std::move(*script)));
    attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events, losses);
    blind::BlindOptions options;
    options.is_model_host = [](std::string_view host) { return llm::is_model_host(host, {}); };
    options.look = [](const model::ProcessKey&) { return model::BlindCause{}; };
    options.identity = [&](const model::ProcessKey& key) { return processes.identity(key); };
    blind::BlindTable table(std::move(options), losses);
    Services services{{}, source, losses, processes, {[](const auto&) {}, [](const auto&) {}}, {}, {}, {}};
    services.blind = &table;
    Engine engine(services);
    EXPECT_TRUE(engine.run());
    table.tick(base::now());  // long after the script's times
    std::vector<std::string> out;
    for (const auto& process : table.list()) {
        for (const auto& host : process.hosts)
            out.push_back(std::to_string(process.key.pid) + " " + host.host);
    }
    return out;
}

TEST(BlindSpots, NobodyReadsIt) {
    EXPECT_THAT(blind_after(kStory), IsEmpty());
    EXPECT_THAT(blind_after(kStory + kData), ElementsAre("100 api.openai.com"));
    EXPECT_THAT(blind_after(kStory + kData + "exit 100\n"), ElementsAre("100 api.openai.com"));
}

TEST(BlindSpots, ReadByItsSocket) {
    const std::string joined = "open 1 client go pid=100 local 192.0.2.9:40000 peer 192.0.2.1:443\n";
    EXPECT_THAT(blind_after(kStory + joined + kAsk + kData), IsEmpty());
    const std::string found = "open 1 client openssl pid=100\n" + kAsk +
                              "name 1 api.example\naddress 1 local 192.0.2.9:40000 peer 192.0.2.1:443\n";
    EXPECT_THAT(blind_after(kStory + kData + found), IsEmpty());
}

TEST(BlindSpots, ReadByItsName) {
    const std::string named = "open 1 client openssl pid=100\nname 1 API.openai.com\n>> 1 \"x\"\n";
    EXPECT_THAT(blind_after(kStory + kData + named), IsEmpty());
    const std::string asks = "open 1 client boringssl pid=100 from_start\nname 1 proxy.example\n" + kAsk;
    EXPECT_THAT(blind_after(kStory + kData + asks), IsEmpty());
    const std::string other = "open 1 client openssl pid=100\nname 1 api.example\n>> 1 \"x\"\n";
    EXPECT_THAT(blind_after(kStory + kData + other), ElementsAre("100 api.openai.com"));
}

TEST(BlindSpots, AConnectionOfWhichNothingArrivesIsNotRead) {
    const std::string opened = "open 1 client openssl pid=100 local 192.0.2.9:40000 peer 192.0.2.1:443\n";
    EXPECT_THAT(blind_after(kStory + kData + opened), ElementsAre("100 api.openai.com"));
}

TEST(BlindSpots, ReadByAnotherProcess) {
    const std::string other =
        "process 7 start=1\nopen 1 server openssl pid=7 local 192.0.2.1:443 peer 192.0.2.9:40000\n";
    EXPECT_THAT(blind_after(kStory + kData + other + kAsk), ElementsAre("100 api.openai.com"));
}

class Tunnels : public testing::Test {
 protected:
    static std::string hex(std::string_view bytes) {
        std::string out = "hex:";
        for (const char c : bytes) {
            constexpr char kDigits[] = "0123456789abcdef";
            out += kDigits[static_cast<unsigned char>(c) >> 4];
            out += kDigits[static_cast<unsigned char>(c) & 15];
        }
        return out;
    }
    static std::string record(char type, std::size_t size) {
        return std::string{type, 3, 3} + support::vector_of(2, std::string(size - 5, 'x'));
    }
    static std::string sent(const std::string& bytes) { return ">> 1 " + hex(bytes) + "\n"; }

    std::string client =
        "process 100 start=5\nopen 1 client from_start pid=100 local 192.0.2.9:40000 peer 192.0.2.1:3128\n"
        ">> 1 \"CONNECT api.openai.com:443 HTTP/1.1\\r\\nHost: api.openai.com:443\\r\\n\\r\\n\"\n"
        "<< 1 \"HTTP/1.1 200 OK\\r\\n\\r\\n\"\n";
    std::string hello = sent(support::client_hello("api.anthropic.com"));
    std::string finished = sent(record(20, 6) + record(23, 74));
    std::string data = sent(record(23, 300));
};

TEST_F(Tunnels, WhatGoesThroughUnread) {
    EXPECT_THAT(blind_after(client), IsEmpty());
    EXPECT_THAT(blind_after(client + hello + finished), IsEmpty());
    EXPECT_THAT(blind_after(client + hello + finished + data), ElementsAre("100 api.anthropic.com"));
    EXPECT_THAT(blind_after(client + sent(support::client_hello("1", 'r').substr(0, 60)) + data),
                ElementsAre("100 api.openai.com"));  // by whom the proxy was asked for
}

TEST_F(Tunnels, WhatGoesThroughRead) {
    const std::string read = "open 2 client openssl pid=100 local 192.0.2.9:40000 peer 192.0.2.1:3128\n>> 2 \"x\"\n";
    EXPECT_THAT(blind_after(client + hello + finished + read + data), IsEmpty());
}

TEST_F(Tunnels, WhatIsNoTls) {
    EXPECT_THAT(blind_after(client + sent("SSH-2.0-x") + data), IsEmpty());
    EXPECT_THAT(blind_after(client + ">> 1 \"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n" + data), IsEmpty());
}

TEST_F(Tunnels, AProxysOwnSideIsNotToBlame) {
    const std::string proxy =
        "process 100 start=5\nopen 1 server from_start pid=100 local 192.0.2.1:3128 peer 192.0.2.9:40000\n"
        ">> 1 \"CONNECT api.openai.com:443 HTTP/1.1\\r\\nHost: api.openai.com:443\\r\\n\\r\\n\"\n"
        "<< 1 \"HTTP/1.1 200 OK\\r\\n\\r\\n\"\n";
    EXPECT_THAT(blind_after(proxy + hello + data + "unprobed 100 5 hello api.openai.com\nunprobed 100 5 data\n"),
                IsEmpty());
}

}  // namespace
}  // namespace llmsnoop::pipeline
