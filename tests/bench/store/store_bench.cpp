// A store of COUNT exchanges over 30 days: how fast they go in, how large they are, and how long each of the ten
// questions of exporters/store/README.md takes.
//
//   store_bench DIRECTORY [COUNT]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>

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

bool insert(const std::string& path, std::uint64_t count, base::Duration apart, base::Time start) {
    SqliteOptions options;
    options.path = path;
    auto writer = SqliteWriter::create(options);
    if (!writer) return false;
    StoreSink sink({.node = "node-1"}, std::move(*writer));
    tests::ExchangeMaker dry(1, start, apart);
    const double before_dry = cpu_seconds();
    for (std::uint64_t i = 0; i < count / 10; ++i)
        static_cast<void>(dry.next());
    const double before = cpu_seconds();
    const double making = (before - before_dry) * 10;
    tests::ExchangeMaker maker(1, start, apart);
    const auto begin = Clock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!sink.exchange(maker.next())) return false;
    }
    if (!sink.flush()) return false;
    const double took = seconds_since(begin);
    const double cpu = cpu_seconds() - before - making;
    const auto bytes = std::filesystem::file_size(path);
    fmt::print(
        "{} exchanges: {:.0f}/s with making them, {:.1f} us of CPU each without; {:.0f} MiB, {:.0f} bytes each\n",
        count, static_cast<double>(count) / took, cpu * 1e6 / static_cast<double>(count),
        static_cast<double>(bytes) / (1 << 20), static_cast<double>(bytes) / static_cast<double>(count));
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: store_bench DIRECTORY [COUNT]\n");
        return 2;
    }
    const std::string path = std::string(argv[1]) + "/bench.db";
    const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
    const base::Time end = base::now();
    const base::Duration apart = base::Duration(hours(24 * 30)) / static_cast<std::int64_t>(count);
    if (!std::filesystem::exists(path) && !insert(path, count, apart, end - hours(24 * 30))) return 1;
    SqliteReader reader(path);
    for (const Question& question : kQuestions) {
        UsageQuery query;
        query.dimensions = *parse_dimensions(question.by);
        query.filter = *exporters::Filter::parse(question.filter);
        if (question.since != kAll) query.since = end - question.since;
        double best = 1e9;
        double cpu = 1e9;
        UsageReport report;
        for (int turn = 0; turn < 3; ++turn) {
            const auto begin = Clock::now();
            const double cpu_before = cpu_seconds();
            auto answer = reader.usage(query);
            if (!answer) return 1;
            best = std::min(best, seconds_since(begin));
            cpu = std::min(cpu, cpu_seconds() - cpu_before);
            report = std::move(*answer);
        }
        fmt::print("{:>8.1f} ms ({:.1f} of CPU)  {:>8} exchanges, {:>4} groups  --by {} {}\n", best * 1000, cpu * 1000,
                   report.total.requests, report.groups, question.by[0] != '\0' ? question.by : "\"\"",
                   question.filter);
    }
    return 0;
}
