#include "agent/app/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "agent/app/prices.h"
#include "agent/app/units.h"

namespace llmsnoop::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class ConfigTest : public testing::Test {
 protected:
    ConfigTest()
        : path_(std::filesystem::temp_directory_path() / ("llmsnoop-config-" + std::to_string(getpid()) + ".yaml")) {}
    ~ConfigTest() override {
        std::filesystem::remove(path_);
        for (const ConfigKey& key : config_keys())
            unsetenv(key.environment().c_str());
    }

    base::Result<Config> load(const std::string& text, const std::vector<ConfigFlag>& flags = {}) {
        std::ofstream(path_) << text;
        return load_config(path_.string(), flags);
    }
    std::string problem(const std::string& text) {
        const auto config = load(text);
        if (config) return "none";
        EXPECT_EQ(config.error().kind, base::Error::Kind::usage);
        const std::string& message = config.error().message;
        EXPECT_EQ(message.rfind(path_.string() + ":", 0), 0U) << message;
        return message.substr(path_.string().size());
    }
    static const ConfigKey* key(const std::string& name) {
        for (const ConfigKey& one : config_keys()) {
            if (one.name() == name) return &one;
        }
        return nullptr;
    }

    std::filesystem::path path_;
};

TEST_F(ConfigTest, ReadsEveryKindOfValue) {
    const auto config = load(R"(
node: {name: n1}
capture:
  ring_bytes: 8MiB
  libraries: [/a/libssl.so.3, /b/libssl.so.3]
audit:
  enabled: no
  fsync: always
  rotate_after: 12h
  keep_files: 7
metrics:
)");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->node.name, "n1");
    EXPECT_EQ(config->capture.ring_bytes, 8U << 20);
    EXPECT_EQ(config->capture.libraries, (std::vector<std::string>{"/a/libssl.so.3", "/b/libssl.so.3"}));
    EXPECT_FALSE(config->audit.enabled);
    EXPECT_EQ(config->audit.fsync, "always");
    EXPECT_EQ(config->audit.rotate_after, hours(12));
    EXPECT_EQ(config->audit.keep_files, 7U);
    EXPECT_EQ(config->metrics.listen, "127.0.0.1:9464");
}

TEST_F(ConfigTest, EstimatesUnlessToldNotTo) {
    EXPECT_TRUE(load("")->tokens.estimate);
    EXPECT_FALSE(load("tokens: {estimate: false}\n")->tokens.estimate);
    EXPECT_EQ(load("")->tokens.batch_results, "ignored");
    EXPECT_EQ(load("tokens: {batch_results: counted}\n")->tokens.batch_results, "counted");
    EXPECT_EQ(problem("tokens:\n  estimate: maybe\n"), ":2: tokens.estimate: 'maybe' is no switch (true or false)");
}

TEST_F(ConfigTest, TakesOnePriceTableOrSeveral) {
    using Files = std::vector<std::string>;
    EXPECT_EQ(load("prices: {file: a.yaml}\n")->prices.files, Files{"a.yaml"});
    EXPECT_EQ(load("prices: {file: [a.yaml, b.json]}\n")->prices.files, (Files{"a.yaml", "b.json"}));
    EXPECT_EQ(load("prices: {file: ''}\n")->prices.files, Files{});
    EXPECT_EQ(load("prices:\n  file:\n")->prices.files, Files{});
    EXPECT_EQ(problem("prices:\n  file: {a: b}\n"), ":2: prices.file: a single value is wanted");
    const Config several = *load("prices: {file: [a.yaml, b.json]}\n");
    EXPECT_EQ(key("prices.file")->show(several), "[a.yaml, b.json]");
    EXPECT_EQ(key("prices.file")->show(*load("prices: {file: a.yaml}\n")), "a.yaml");
    setenv("LLMSNOOP_PRICES_FILE", "c,d", 1);
    EXPECT_EQ(load("prices: {file: a.yaml}\n")->prices.files, (Files{"c", "d"}));
}

TEST_F(ConfigTest, PriceTablesComeBeforeTheShippedOne) {
    const std::string own = path_.string() + ".prices";
    const auto load_own = [&](const std::string& text) {
        std::ofstream(own) << text;
        Config config;
        config.prices.files = {own};
        return load_prices(config);
    };
    model::Exchange call;
    call.llm.provider = "openai";
    call.llm.response_model = "gpt-4o";
    call.usage.input = 1'000'000;
    call.usage.output = 0;
    const auto shipped = load_prices({});
    ASSERT_TRUE(shipped) << shipped.error().message;
    const auto by_shipped = (*shipped)->cost(call);
    ASSERT_TRUE(by_shipped);
    EXPECT_EQ(by_shipped->price_table.rfind("genai-prices ", 0), 0U) << by_shipped->price_table;
    const std::string head = "format: 1\nname: contract\ndate: 2026-11-20\nproviders:\n  - serves: [openai]\n";
    const auto mine = load_own(head + "    models: [{match: {equals: gpt-4o}, prices: {input: 7, output: 8}}]\n");
    ASSERT_TRUE(mine) << mine.error().message;
    EXPECT_EQ((*mine)->cost(call), (model::Cost{7, model::Cost::Source::table, "contract (2026-11-20)"}));
    call.llm.response_model = "gpt-4o-mini";
    EXPECT_TRUE((*mine)->cost(call)) << "what the own table lacks is in the shipped one";

    const auto wrong = load_own(head + "    modles: []\n");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message, own + ":6: providers[0].modles: this key is not known here");
    EXPECT_EQ(wrong.error().kind, base::Error::Kind::usage);
    std::filesystem::remove(own);
    Config missing;
    missing.prices.files = {own};
    const auto absent = load_prices(missing);
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().message, "prices.file: " + own + ": No such file or directory");
    EXPECT_EQ(absent.error().kind, base::Error::Kind::usage);
}

TEST_F(ConfigTest, NamesFileLineAndKey) {
    EXPECT_EQ(problem("audit:\n  directory: /x\n  fsynk: always\n"), ":3: audit.fsynk: no such key");
    EXPECT_EQ(problem("\naudot:\n  directory: /x\n"), ":2: audot: no such section");
    EXPECT_EQ(problem("audit: 5\n"), ":1: audit: keys are wanted below a section");
    EXPECT_EQ(problem("audit:\n  keep_files: many\n"), ":2: audit.keep_files: 'many' is no whole number");
    EXPECT_EQ(problem("audit:\n  keep_files: [1]\n"), ":2: audit.keep_files: a single value is wanted");
    EXPECT_EQ(problem("select:\n  pids: 5\n"), ":2: select.pids: a list is wanted, such as [a, b]");
    EXPECT_EQ(problem("just text\n"), ":1: sections are wanted, such as `metrics:`");
    EXPECT_NE(problem("a: [1\n").find(':'), std::string::npos);
}

TEST_F(ConfigTest, LetsFlagsWinOverEnvironmentOverFile) {
    setenv("LLMSNOOP_NODE_NAME", "environment", 1);
    setenv("LLMSNOOP_SELECT_COMMS", "a,b", 1);
    const auto config = load("node: {name: file}\nlog: {level: debug}\nselect: {comms: [c]}\n");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->node.name, "environment");
    EXPECT_EQ(config->select.comms, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(config->log.level, "debug");
    const auto flagged = load("node: {name: file}\n", {{key("node.name"), {"flag"}}});
    ASSERT_TRUE(flagged);
    EXPECT_EQ(flagged->node.name, "flag");
}

TEST_F(ConfigTest, RefusesWhatDoesNotFitTogether) {
    const auto refused = [&](const std::string& text) { return !load(text); };
    EXPECT_TRUE(refused("capture: {ring_bytes: 3MiB}\n"));
    EXPECT_TRUE(refused("capture: {ring_bytes: 1024}\n"));
    EXPECT_TRUE(refused("capture: {rings: 3}\n"));
    EXPECT_TRUE(refused("capture: {rings: 16, ring_bytes: 32KiB}\n"));
    EXPECT_TRUE(refused("capture: {call_limit_bytes: 0}\n"));
    EXPECT_TRUE(refused("capture: {call_limit_bytes: 64MiB}\n"));
}

TEST_F(ConfigTest, ShowsWhatItCanRead) {
    Config defaults;
    for (const ConfigKey& one : config_keys()) {
        SCOPED_TRACE(one.name());
        const std::string shown = one.show(defaults);
        const auto read = load(one.section + ":\n  " + one.key + ": " + shown + "\n");
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(one.show(*read), shown);
        EXPECT_FALSE(one.help.empty());
    }
}

TEST_F(ConfigTest, QuotesWhatYamlWouldMisread) {
    for (const std::string value :
         {"a: b", "# no comment", "- x", "null", "~",  "[x", "{", "'",        "\"",   " led", "a,b",
          "%",    "a\nb",         "*x",  "&x",   "!x", "@",  "`", "\x1b[31m", "true", "1",    "\xc3\xa4"}) {
        SCOPED_TRACE(value);
        Config given;
        given.node.name = value;
        given.capture.libraries = {value, "b, c", ""};
        const auto read = load("node:\n  name: " + key("node.name")->show(given) +
                               "\ncapture:\n  libraries: " + key("capture.libraries")->show(given) + "\n");
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->node.name, given.node.name);
        EXPECT_EQ(read->capture.libraries, given.capture.libraries);
    }
}

TEST_F(ConfigTest, RefusesWhatStandsTwice) {
    EXPECT_EQ(problem("log:\n  level: info\n  level: debug\n"), ":3: log.level: stands here a second time");
    EXPECT_EQ(problem("log: {level: info}\naudit:\nlog: {}\n"), ":3: log: stands here a second time");
    EXPECT_EQ(problem("log: {level: info}\n---\nlog: {level: debug}\n"),
              ":2: more follows the first document: one is wanted, without `---` inside");
    EXPECT_TRUE(load("---\nlog: {level: info}\n"));
}

TEST_F(ConfigTest, RefusesWhatBelongsToNoDocument) {
    EXPECT_EQ(problem(","), ":1: more follows the first document: one is wanted, without `---` inside");
    EXPECT_EQ(problem("!x\n,"), ":2: more follows the first document: one is wanted, without `---` inside");
}

TEST_F(ConfigTest, CannotReadWhatIsNoFile) {
    const std::string directory = std::filesystem::temp_directory_path().string();
    const auto read = load_config(directory, {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message, directory + ": Is a directory");
    EXPECT_EQ(read.error().kind, base::Error::Kind::usage);
    const auto missing = load_config("/nonexistent/file", {});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "/nonexistent/file: No such file or directory");
    EXPECT_EQ(missing.error().kind, base::Error::Kind::usage);
}

TEST_F(ConfigTest, NamesTheKeyOfAValueThatNobodyCanUse) {
    EXPECT_EQ(problem("\nselect:\n  pids: [abc]\n"), ":3: select.pids: 'abc' is no process id");
    EXPECT_EQ(problem("select:\n  pids: [0]\n"), ":2: select.pids: '0' is no process id");
    EXPECT_EQ(problem("select:\n  uids: [root]\n"), ":2: select.uids: 'root' is no user id");
    EXPECT_EQ(problem("select:\n  cgroups: [x]\n"), ":2: select.cgroups: cgroup 'x': an absolute path is wanted");
    EXPECT_EQ(problem("select:\n  pods: [x]\n"), ":2: select.pods: pod 'x': NAMESPACE/NAME is wanted");
    EXPECT_EQ(problem("metrics:\n  listen: nowhere\n"),
              ":2: metrics.listen: 'nowhere' is no address: want 127.0.0.1:9464 or [::1]:9464");
    EXPECT_EQ(problem("capture:\n  ring_bytes: 3MiB\n"),
              ":2: capture.ring_bytes: a power of two of at least 4096 is wanted");
    EXPECT_EQ(problem("capture:\n  ring_bytes: 32KiB\n  rings: 16\n"),
              ":3: capture.rings: that leaves less than 4096 of capture.ring_bytes for each ring");
    setenv("LLMSNOOP_SELECT_PIDS", "1,x", 1);
    EXPECT_EQ(load("").error().message, "LLMSNOOP_SELECT_PIDS: 'x' is no process id");
    unsetenv("LLMSNOOP_SELECT_PIDS");
    EXPECT_EQ(load("", {{key("select.pids"), {"x"}, "--pid"}}).error().message, "--pid: 'x' is no process id");
    EXPECT_EQ(load("", {{key("select.pids"), {"x"}}}).error().message, "--select-pids: 'x' is no process id");
}

TEST_F(ConfigTest, RefusesNamesThatTheKernelCutsOff) {
    EXPECT_TRUE(load("select: {comms: [fifteen-bytes-x]}\n"));
    EXPECT_EQ(problem("select:\n  comms: [sixteen-bytes-xx]\n"),
              ":2: select.comms: 'sixteen-bytes-xx' is longer than 15 bytes, and the kernel keeps no more of a name: "
              "'sixteen-bytes-x' would match");
}

TEST_F(ConfigTest, RemembersWhereAValueStands) {
    EXPECT_EQ(load("")->origin_of("prices.file"), "prices.file");
    const auto config = load("prices:\n  file: /nonexistent/prices\n");
    ASSERT_TRUE(config);
    const std::string origin = path_.string() + ":2: prices.file";
    EXPECT_EQ(config->origin_of("prices.file"), origin);
    const auto prices = load_prices(*config);
    ASSERT_FALSE(prices);
    EXPECT_EQ(prices.error().message, origin + ": /nonexistent/prices: No such file or directory");
    setenv("LLMSNOOP_PRICES_FILE", "/x", 1);
    EXPECT_EQ(load("")->origin_of("prices.file"), "LLMSNOOP_PRICES_FILE");
    EXPECT_EQ(load("", {{key("prices.file"), {"/y"}}})->origin_of("prices.file"), "--prices-file");
}

TEST_F(ConfigTest, HasEachKeyOnce) {
    std::set<std::string> names, flags, variables;
    for (const ConfigKey& one : config_keys()) {
        EXPECT_TRUE(names.insert(one.name()).second) << one.name();
        EXPECT_TRUE(flags.insert(one.flag()).second) << one.flag();
        EXPECT_TRUE(variables.insert(one.environment()).second) << one.environment();
    }
}

TEST(UnitsTest, ReadAndShow) {
    EXPECT_EQ(*parse_bytes("64KiB"), 65536U);
    EXPECT_EQ(*parse_bytes("2G"), 2ULL << 30);
    EXPECT_EQ(*parse_bytes("17"), 17U);
    for (const char* text : {"", "K", "5KB", "5Ki", "-1", "1e3", "99999999999T", "18446744073709551616"})
        EXPECT_FALSE(parse_bytes(text)) << text;
    EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(*parse_duration("7d"), hours(7 * 24));
    for (const char* text : {"", "5", "s", "5 s", "-5s", "1h30m", "999999999999d"})
        EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_EQ(show_bytes(64U << 20), "64MiB");
    EXPECT_EQ(show_bytes(1000), "1000");
    EXPECT_EQ(show_bytes(0), "0");
    EXPECT_EQ(show_duration(milliseconds(90'000)), "90s");
    EXPECT_EQ(show_duration(milliseconds(0)), "0s");
}

}  // namespace
}  // namespace llmsnoop::app
