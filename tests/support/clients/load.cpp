// ssl_client --load: threads that make exchanges back to back. Everything is checked and reported, so this is a load
// for counting; tests/bench/load has the one for measuring.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include <unistd.h>

#include "tests/support/clients/behaviours.h"
#include "tests/support/clients/exchange.h"
#include "tests/support/net/append.h"

namespace llmsnoop::support {
namespace {

using Clock = std::chrono::steady_clock;

struct Share {
    std::vector<ExchangeReport> reports;
    CallCounts calls;
    std::string failure;
};

void work(const TlsClient& client, const ClientOptions& options, unsigned number, Clock::time_point until,
          Share& share) {
    auto transport = Transport::connect(client, options.transport);
    if (!transport) {
        share.failure = transport.error().message;
        return;
    }
    std::string early;
    for (unsigned i = 1; Clock::now() < until; ++i) {
        std::string mark;
        append(mark, "#", getpid(), ".", number, ".", i, " ");
        Exchange exchange(**transport, options.plan, mark, std::uint64_t{number} << 32 | i, options.write_size);
        const bool good = exchange.send() && exchange.receive_all(early);
        share.reports.push_back(exchange.report(number, i));
        if (!good) {
            share.failure = "an exchange was not whole";
            break;
        }
    }
    share.calls = (*transport)->counts();
    (*transport)->shutdown();
}

}  // namespace

int play_load(const TlsClient& client, const ClientOptions& options) {
    const auto [count, seconds] = options.load;
    std::vector<Share> shares(count);
    std::vector<std::thread> threads;
    const auto began = Clock::now();
    const auto until = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (unsigned i = 0; i < count; ++i)
        threads.emplace_back(work, std::cref(client), std::cref(options), i + 1, until, std::ref(shares[i]));
    for (std::thread& thread : threads)
        thread.join();
    const double took = std::chrono::duration<double>(Clock::now() - began).count();

    std::uint64_t exchanges = 0, input = 0, output = 0, reads = 0, writes = 0, failures = 0;
    for (const Share& share : shares) {
        exchanges += share.reports.size();
        reads += share.calls.reads;
        writes += share.calls.writes;
        if (!share.failure.empty()) {
            ++failures;
            std::fprintf(stderr, "ssl_client: %s\n", share.failure.c_str());
        }
        for (const ExchangeReport& report : share.reports) {
            input += report.facts.input.value_or(0);
            output += report.facts.output.value_or(0);
            if (!options.quiet) std::puts(to_json_line(report).c_str());
        }
    }
    std::printf(
        "{\"summary\":{\"pid\":%d,\"threads\":%u,\"seconds\":%.3f,\"exchanges\":%lu,\"failures\":%lu,"
        "\"input_tokens\":%lu,\"output_tokens\":%lu,\"ssl_reads\":%lu,\"ssl_writes\":%lu}}\n",
        getpid(), count, took, exchanges, failures, input, output, reads, writes);
    std::fflush(stdout);
    return failures == 0 ? 0 : 1;
}

}  // namespace llmsnoop::support
