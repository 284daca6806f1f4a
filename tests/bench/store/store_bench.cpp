// A store of COUNT exchanges over 30 days: how fast they go in, how large they are, and how long each of the ten
// questions of exporters/store/README.md takes; the same in a ClickHouse, if there is one.
//
//   store_bench DIRECTORY [COUNT [CLICKHOUSE_URL PID]]      beside_clickhouse.py starts a server for it
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporters/store/clickhouse.h"
#include "exporters/store/sqlite_reader.h"
#include "exporters/store/sqlite_writer.h"
#include "exporters/store/store_sink.h"
#include "tests/store/exchanges.h"

namespace {

using namespace llmsnoop;
using namespace llmsnoop::exporters::store;
using Clock = std::chrono::steady_clock;
using std::chrono::hours;

struct Question {
    const char* by;
    const char* filter;
    hours since;
};
constexpr hours kAll(24 * 31);
constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr Question kQuestions[] = {
    {"namespace,pod,model", "", hours(24)},
    {"label:team", "", kAll},
    {"hour", "", hours(24)},
    {"day,provider", "", kAll},
    {"model,operation", "", hours(24 * 7)},
    {"namespace,workload,error_type", "has(llm.error)", hours(24)},
    {"process,user", "!has(k8s.pod)", hours(24 * 7)},
    {"pod,process", "usage.input_tokens > 4096", kAll},
    {"provider,model", "usage.cache_read_tokens > 0", kAll},
    {"", "", kAll},
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Of this process: a machine that others use too says more by this than by the time that passed.
double cpu_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// Of another one, to the hundredth: proc(5), the fourteenth and fifteenth field of its stat.
double cpu_seconds_of(const std::string& pid) {
    std::ifstream stat("/proc/" + pid + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
    std::istringstream rest(text.substr(std::min(text.rfind(')') + 1, text.size())));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        rest >> skipped;
    double user = 0;
    double system = 0;
    rest >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Target {
    const char* name;
    std::function<base::Result<std::unique_ptr<StoreWriter>>()> writer;
    std::unique_ptr<StoreReader> reader;
    std::function<std::uint64_t()> bytes;
    std::function<double()> cpu;  // seconds, of the agent and the server
};

bool insert_into(const Target& target, std::uint64_t count, base::Duration apart, base::Time start) {
    auto writer = target.writer();
    if (!writer) {
        fmt::print(stderr, "{}\n", writer.error().message);
        return false;
    }
    StoreSink sink({.node = "node-1"}, std::move(*writer));
    tests::ExchangeMaker dry(1, start, apart);
    const double before_dry = cpu_seconds();
    for (std::uint64_t i = 0; i < count / 10; ++i)
        static_cast<void>(dry.next());
    const double making = (cpu_seconds() - before_dry) * 10;
    const double before = target.cpu();
    tests::ExchangeMaker maker(1, start, apart);
    const auto begin = Clock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!sink.exchange(maker.next())) return false;
    }
    if (!sink.flush()) return false;
    const double took = seconds_since(begin);
    const double cpu = target.cpu() - before - making;
    const auto bytes = static_cast<double>(target.bytes());
    fmt::print(
        "{}: {} exchanges, {:.0f}/s with making them, {:.1f} us of CPU each without; {:.0f} MiB, {:.0f} "
        "bytes each\n",
        target.name, count, static_cast<double>(count) / took, cpu * 1e6 / static_cast<double>(count),
        bytes / (1 << 20), bytes / static_cast<double>(count));
    return true;
}

Target sqlite(const std::string& path) {
    return {"SQLite",
            [=]() -> base::Result<std::unique_ptr<StoreWriter>> {
                SqliteOptions options;
                options.path = path;
                auto writer = SqliteWriter::create(options);
                if (!writer) return writer.error();
                return std::unique_ptr<StoreWriter>(std::move(*writer));
            },
            std::make_unique<SqliteReader>(path), [=] { return std::filesystem::file_size(path); }, cpu_seconds};
}

std::uint64_t number(const ClickhouseOptions& options, std::string_view question) {
    const auto client = ClickhouseClient::create(options);
    const auto answer = client ? client->run(question) : client.error();
    return answer ? std::strtoull(answer->c_str(), nullptr, 10) : 0;
}

Target clickhouse(const std::string& url, const std::string& spool, const std::string& pid) {
    ClickhouseOptions options;
    options.url = url;
    auto reader = ClickhouseReader::create(options);
    return {"ClickHouse",
            [=]() -> base::Result<std::unique_ptr<StoreWriter>> {
                auto writer = ClickhouseWriter::create(options, {spool, std::uint64_t{8} << 30});
                if (!writer) return writer.error();
                return std::unique_ptr<StoreWriter>(std::move(*writer));
            },
            reader ? std::move(*reader) : nullptr,
            [=] { return number(options, "SELECT sum(bytes) FROM system.parts WHERE active AND table = 'exchange'"); },
            [=] { return cpu_seconds() + cpu_seconds_of(pid); }};
}

struct Measured {
    double seconds = 1e9;
    double cpu = 1e9;
    UsageReport report;
};

// The best of three.
bool measure(const Target& target, const UsageQuery& query, Measured& out) {
    for (int turn = 0; turn < 3; ++turn) {
        const auto begin = Clock::now();
        const double cpu = target.cpu();
        auto answer = target.reader->usage(query);
        if (!answer) {
            fmt::print(stderr, "{}\n", answer.error().message);
            return false;
        }
        out.seconds = std::min(out.seconds, seconds_since(begin));
        out.cpu = std::min(out.cpu, target.cpu() - cpu);
        out.report = std::move(*answer);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: store_bench DIRECTORY [COUNT [CLICKHOUSE_URL PID]]\n");
        return 2;
    }
    const std::string directory = argv[1];
    const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
    // Midnight, so that the same exchanges are asked for again where the stores are there already.
    const base::Time end = base::time_from_unix_ns(base::unix_ns(base::now()) / kDayNs * kDayNs);
    const base::Duration apart = base::Duration(hours(24 * 30)) / static_cast<std::int64_t>(count);
    std::vector<Target> targets;
    targets.push_back(sqlite(directory + "/bench.db"));
    if (!std::filesystem::exists(directory + "/bench.db") &&
        !insert_into(targets[0], count, apart, end - hours(24 * 30)))
        return 1;
    if (argc > 4) {
        targets.push_back(clickhouse(argv[3], directory + "/spool", argv[4]));
        ClickhouseOptions options;
        options.url = argv[3];
        if (number(options, "SELECT count() FROM exchange") == 0 &&
            !insert_into(targets[1], count, apart, end - hours(24 * 30)))
            return 1;
    }
    for (const Question& question : kQuestions) {
        UsageQuery query;
        query.dimensions = *parse_dimensions(question.by);
        query.filter = *exporters::Filter::parse(question.filter);
        if (question.since != kAll) query.since = end - question.since;
        std::string line;
        for (const Target& target : targets) {
            Measured measured;
            if (!measure(target, query, measured)) return 1;
            line += fmt::format("{:>8.0f} ms ({:.0f} of CPU)", measured.seconds * 1000, measured.cpu * 1000);
            if (&target == &targets.back()) {
                line += fmt::format(" {:>8} exchanges, {:>4} groups", measured.report.total.requests,
                                    measured.report.groups);
            }
        }
        fmt::print("{}  --by {} {}\n", line, question.by[0] != '\0' ? question.by : "\"\"", question.filter);
    }
    return 0;
}
