// A store and an API without an agent, for the tests and the bench.
//
//   store_tool write PATH COUNT [BATCH]   puts COUNT exchanges into the store; after each batch it says how many are
//   safe store_tool serve PATH ADDRESS [TOKEN_FILE CERTIFICATE KEY]
//                                         serves the API and says on which port; each line of stdin makes one exchange,
//                                         but "refusals" shows how many connections were refused; the end of it ends
//                                         the server. API_CLIENT_MS: the time that a client has
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "exporters/api/api_server.h"
#include "exporters/store/clickhouse.h"
#include "exporters/store/sqlite_reader.h"
#include "exporters/store/sqlite_writer.h"
#include "exporters/store/store_sink.h"
#include "tests/store/exchanges.h"

namespace {

using namespace llmsnoop;
using namespace llmsnoop::exporters;

// PATH may be a ClickHouse, http://HOST:PORT; STORE_SPOOL is its spool then.
base::Result<std::unique_ptr<store::StoreWriter>> open_writer(const std::string& path) {
    if (path.starts_with("http://")) {
        const char* const spool = std::getenv("STORE_SPOOL");
        const char* const most = std::getenv("STORE_MAX_BYTES");
        store::ClickhouseOptions clickhouse;
        clickhouse.url = path;
        store::SpoolOptions options{spool != nullptr ? spool : "spool", 1U << 30};
        if (most != nullptr) options.most_bytes = std::strtoull(most, nullptr, 10);
        auto writer = store::ClickhouseWriter::create(clickhouse, options);
        if (!writer) return writer.error();
        return std::unique_ptr<store::StoreWriter>(std::move(*writer));
    }
    store::SqliteOptions options;
    options.path = path;
    if (const char* most = std::getenv("STORE_MAX_BYTES")) options.max_bytes = std::strtoull(most, nullptr, 10);
    auto writer = store::SqliteWriter::create(options);
    if (!writer) return writer.error();
    return std::unique_ptr<store::StoreWriter>(std::move(*writer));
}

std::unique_ptr<store::StoreSink> open_sink(const std::string& path, std::size_t batch) {
    auto writer = open_writer(path);
    if (!writer) {
        fmt::print(stderr, "{}\n", writer.error().message);
        return nullptr;
    }
    store::StoreSinkOptions sink;
    sink.node = "node-1";
    sink.batch_records = batch;
    return std::make_unique<store::StoreSink>(sink, std::move(*writer));
}

int write(const std::string& path, std::uint64_t count, std::size_t batch) {
    const auto sink = open_sink(path, batch);
    if (!sink) return 1;
    // With a start that is given, the same exchanges each time.
    const char* const start = std::getenv("STORE_START_NS");
    const base::Time first = start != nullptr ? base::time_from_unix_ns(std::strtoll(start, nullptr, 10)) : base::now();
    tests::ExchangeMaker maker(1, first);
    std::uint64_t lost = 0;
    for (std::uint64_t i = 1; i <= count; ++i) {
        if (!sink->exchange(maker.next())) ++lost;
        if (i % batch != 0 && i != count) continue;
        static_cast<void>(sink->flush());
        fmt::print("{} {}\n", i - lost - sink->waiting(), lost);
        std::fflush(stdout);
    }
    return sink->waiting() == 0 ? 0 : 1;
}

int serve(int argc, char** argv) {
    const std::string path = argv[2];
    const auto sink = open_sink(path, 1000);
    if (!sink) return 1;
    auto stream = std::make_shared<api::RecordStream>(2);
    api::RecordStreamSink stream_sink(stream, "node-1");
    api::ApiOptions options;
    options.listen = argv[3];
    options.max_streams = 2;
    options.heartbeat = std::chrono::milliseconds(300);
    if (argc > 4) options.token_file = argv[4];
    if (argc > 6) {
        options.tls_certificate = argv[5];
        options.tls_key = argv[6];
    }
    options.refusals = std::make_shared<RefusalCounters>();
    if (const char* const time = std::getenv("API_CLIENT_MS"))
        options.client_time = std::chrono::milliseconds(std::strtoll(time, nullptr, 10));
    api::ApiSources sources;
    sources.store = std::make_shared<store::SqliteReader>(path);
    sources.stream = stream;
    sources.doctor = [] { return std::string("{\"can_trace\":true}"); };
    sources.blind = [] {
        return std::string(R"([{"pid":4711,"comm":"java","hosts":[{"host":"api.openai.com","reason":"no_library",)"
                           R"("since":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","connections":1}]}])");
    };
    const auto server = api::ApiServer::start(options, sources);
    if (!server) {
        fmt::print(stderr, "{}\n", server.error().message);
        return server.error().kind == base::Error::Kind::usage ? 2 : 1;
    }
    fmt::print("{}\n", (*server)->port());
    std::fflush(stdout);
    tests::ExchangeMaker maker(1, base::now());
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "refusals") {
            for (std::size_t i = 0; i < kRefusalCount; ++i) {
                const auto refusal = static_cast<Refusal>(i);
                fmt::print("{}={} ", name_of(refusal), options.refusals->get(refusal));
            }
            fmt::print("\n");
            std::fflush(stdout);
            continue;
        }
        const auto one = maker.next();
        static_cast<void>(sink->exchange(one));
        static_cast<void>(sink->flush());
        static_cast<void>(stream_sink.exchange(one));
        fmt::print("{}\n", one->id);
        std::fflush(stdout);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "write" && argc >= 4)
        return write(argv[2], std::strtoull(argv[3], nullptr, 10),
                     argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1000);
    if (command == "serve" && argc >= 4) return serve(argc, argv);
    fmt::print(stderr,
               "usage: store_tool write PATH COUNT [BATCH] | serve PATH ADDRESS [TOKEN_FILE CERTIFICATE KEY]\n");
    return 2;
}
