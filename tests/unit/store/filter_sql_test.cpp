// The filter means the same in SQL as in memory.
#include <nlohmann/json.hpp>

#include <random>

#include "exporters/record_json.h"
#include "tests/unit/store/store_fixture.h"

namespace llmsnoop::exporters::store {
namespace {

using FilterSqlTest = StoreTest;

// Any filter over any field, with values that records have and values that none has.
class RandomFilter {
 public:
    RandomFilter(std::mt19937& random, const std::vector<nlohmann::json>& records)
        : random_(random), records_(records) {}

    std::string make(int depth = 0) {
        switch (random_() % (depth < 4 ? 8 : 4)) {
            case 4:
                return "(" + make(depth + 1) + " && " + make(depth + 1) + ")";
            case 5:
                return "(" + make(depth + 1) + " || " + make(depth + 1) + ")";
            case 6:
            case 7:
                return "!(" + make(depth + 1) + ")";
            default:
                return term();
        }
    }

 private:
    static constexpr const char* kFields[] = {"id",
                                              "time",
                                              "role",
                                              "pair",
                                              "node",
                                              "process",
                                              "process.pid",
                                              "process.comm",
                                              "process.uid",
                                              "process.ppid",
                                              "process.exe",
                                              "process.start_time",
                                              "k8s",
                                              "k8s.pod",
                                              "k8s.namespace",
                                              "k8s.labels",
                                              "k8s.labels.team",
                                              "k8s.workload.name",
                                              "container.id",
                                              "net.library",
                                              "net.peer.port",
                                              "net.peer.address",
                                              "http.status",
                                              "http.request_bytes",
                                              "http.path",
                                              "http.retry",
                                              "llm.provider",
                                              "llm.stream",
                                              "llm.choices",
                                              "llm.finish_reasons",
                                              "llm.tool_calls",
                                              "llm.error",
                                              "llm.error.type",
                                              "llm.error.code",
                                              "llm.request_model",
                                              "llm.response_model",
                                              "usage.input_tokens",
                                              "usage.output_tokens",
                                              "usage.total_tokens",
                                              "usage.source",
                                              "usage.details",
                                              "usage.adjusted_by",
                                              "cost.usd",
                                              "cost.source",
                                              "timing.duration_ms",
                                              "timing.ttft_ms",
                                              "timing.inter_token_p50_ms",
                                              "content.prompt_sha256",
                                              "findings",
                                              "completeness"};

    static const nlohmann::json* find(const nlohmann::json& record, std::string path) {
        const nlohmann::json* at = &record;
        while (!path.empty()) {
            const std::size_t dot = std::min(path.find('.'), path.size());
            if (!at->is_object() || !at->contains(path.substr(0, dot))) return nullptr;
            at = &at->at(path.substr(0, dot));
            path.erase(0, dot + 1);
        }
        return at;
    }

    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text)
            out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        return out + "\"";
    }

    std::string value(const std::string& field) {
        switch (random_() % 8) {
            case 0:
                return std::to_string(static_cast<int>(random_() % 500));
            case 1:
                return random_() % 2 == 0 ? "true" : "false";
            case 2:
                return quoted("x' OR 1=1; --");
            default:
                break;
        }
        const nlohmann::json* found = find(records_[random_() % records_.size()], field);
        if (found != nullptr && found->is_string()) return quoted(found->get<std::string>());
        if (found != nullptr && (found->is_number() || found->is_boolean())) return found->dump();
        return quoted("");
    }

    std::string term() {
        const std::string field = kFields[random_() % std::size(kFields)];
        switch (random_() % 6) {
            case 0:
                return "has(" + field + ")";
            case 1:
                return field + " in [" + value(field) + ", " + value(field) + "]";
            case 2: {
                std::string pattern = value(field);
                if (pattern[0] != '"') return field + " ~ \"*1*\"";
                if (pattern.size() > 4)
                    pattern.replace(1 + random_() % (pattern.size() - 2), 1, random_() % 2 ? "*" : "?");
                return Filter::parse(field + " ~ " + pattern) ? field + " ~ " + pattern : field + " ~ '*'";
            }
            default: {
                static constexpr const char* kOps[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
                return field + kOps[random_() % 6] + value(field);
            }
        }
    }

    std::mt19937& random_;
    const std::vector<nlohmann::json>& records_;
};

TEST_F(FilterSqlTest, AgreesWithTheFilterInMemory) {
    std::mt19937 random(20261120);
    auto sink = open();
    std::vector<nlohmann::json> records;
    for (int i = 0; i < 300; ++i) {
        model::Exchange one = random_exchange(random);
        one.id = next_id();
        one.pair.clear();  // what is left out of a sum is another matter
        std::string line;
        append_record_json(line, cleared(one), "node-1");
        records.push_back(nlohmann::json::parse(line));
        put(*sink, one);
    }
    flush(*sink);

    SqliteReader reader(options_.path);
    RandomFilter filters(random, records);
    int some = 0;
    for (int i = 0; i < 400; ++i) {
        const std::string text = filters.make();
        const auto filter = Filter::parse(text);
        ASSERT_TRUE(filter) << text << ": " << filter.error().message;
        std::vector<std::string> expected;
        for (const auto& record : records) {
            if (filter->matches(record)) expected.push_back(record["id"]);
        }
        ExchangeQuery query;
        query.filter = *filter;
        query.limit = 1000;
        const auto page = reader.exchanges(query);
        ASSERT_TRUE(page) << text << ": " << page.error().message;
        std::vector<std::string> got;
        for (const std::string& line : page->records)
            got.push_back(nlohmann::json::parse(line)["id"]);
        std::sort(got.begin(), got.end());
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(got, expected) << text;
        UsageQuery sum;
        sum.filter = *filter;
        const auto report = reader.usage(sum);
        ASSERT_TRUE(report) << text;
        ASSERT_EQ(report->total.requests, expected.size()) << text;
        if (!expected.empty() && expected.size() < records.size()) ++some;
    }
    EXPECT_GT(some, 100);  // or the filters say nothing
}

std::string repeated(const std::string& text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += text;
    return out;
}

// SQLite bounds the depth of an expression (1000) and its parser's stack.
TEST_F(FilterSqlTest, WideAndDeepOnesAreUnderstood) {
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    const std::string yes = "usage.input_tokens == 1";
    const std::string no = "usage.input_tokens == 2";
    const std::string unknown = "process.exe == 'x'";  // the record has none
    for (const auto& [text, count] : {
             std::pair(no + repeated(" || " + no, 1022) + " || " + yes, 1U),
             std::pair(no + repeated(" || " + no, 1023), 0U),
             std::pair(yes + repeated(" && " + yes, 1023), 1U),
             std::pair(yes + repeated(" && " + yes, 1022) + " && " + no, 0U),
             std::pair(yes + repeated(" && " + yes + " || " + no, 511), 1U),
             std::pair("llm.provider in ['n'" + repeated(", 'n'", 20'000) + ", 'openai']", 1U),
             std::pair("!(llm.provider in ['n'" + repeated(", 'n'", 20'000) + "])", 1U),
             std::pair(repeated("!", 32) + yes, 1U),
             std::pair(repeated("(", 32) + yes + repeated(")", 32), 1U),
             std::pair(repeated("!(", 16) + yes + repeated(")", 16), 1U),
             std::pair(repeated("!(" + unknown + " || ", 16) + yes + repeated(")", 16), 1U),
             std::pair(repeated(yes + repeated(" && " + yes, 30) + " && (" + no + " || ", 31) + yes + repeated(")", 31),
                       1U),
             std::pair(
                 repeated(no + " || " + yes + " && (", 31) + yes + repeated(" && " + yes, 900) + repeated(")", 31), 1U),
             std::pair(repeated("!(" + no + " || " + yes + " && ", 16) + no + repeated(")", 16), 0U),
         }) {
        const auto filter = Filter::parse(text);
        ASSERT_TRUE(filter) << filter.error().message;
        UsageQuery sum;
        sum.filter = *filter;
        SqliteReader reader(options_.path);
        const auto report = reader.usage(sum);
        ASSERT_TRUE(report) << text.substr(0, 60) << ": " << report.error().message.substr(0, 200);
        EXPECT_EQ(report->total.requests, count) << text.substr(0, 60);
    }
    const auto refused = Filter::parse(no + repeated(" || " + no, 1024));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("1024 conditions"), std::string::npos) << refused.error().message;
    EXPECT_FALSE(Filter::parse(repeated("(", 33) + yes + repeated(")", 33)));
}

TEST_F(FilterSqlTest, WithoutRecordsAFieldThatHasNoColumnIsRefusedAndNotGuessed) {
    options_.keep_records = false;
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    EXPECT_EQ(usage("", "llm.provider == 'openai'").total.requests, 1U);
    SqliteReader reader(options_.path);
    const auto refused = reader.usage(query("", "llm.finish_reasons == 'stop'"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("store.keep_records"), std::string::npos);
    const auto page = reader.exchanges({});
    ASSERT_FALSE(page);
    EXPECT_NE(page.error().message.find("store.keep_records"), std::string::npos);
    const auto line = reader.exchange("01JD4Z0000000000000000100A");
    ASSERT_FALSE(line);
    EXPECT_NE(line.error().message.find("store.keep_records"), std::string::npos);
}

}  // namespace
}  // namespace llmsnoop::exporters::store
