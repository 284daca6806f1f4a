// load_client: drives llm_server as hard as it goes and prints throughput, latency, SSL calls and CPU as a line of
// JSON.
//
//   llm_server --totals-only --port 8443 &
//   load_client --port 8443 --mode stream --threads 4 --seconds 5
//
// With --control it prints "READY PID" and then makes a run for each line on stdin, "run MODE SECONDS", until "quit" or
// the end of input: one process, so that a tracer can be attached and detached between the runs.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>

#include <unistd.h>

#include "tests/bench/load/load_run.h"

namespace {

using namespace llmsnoop;

const std::map<std::string, bench::Mode> kModes = {{"stream", bench::Mode::stream},
                                                   {"json", bench::Mode::json},
                                                   {"bulk", bench::Mode::bulk},
                                                   {"paced", bench::Mode::paced}};

bool run_once(const support::TlsClient& client, const bench::LoadPlan& plan, unsigned number) {
    const bench::LoadResult result = run_load(client, plan, number);
    std::puts(to_json(plan, result).c_str());
    std::fflush(stdout);
    return result.failures == 0;
}

bool obey(const support::TlsClient& client, bench::LoadPlan plan) {
    std::printf("READY %d\n", getpid());
    std::fflush(stdout);
    bool good = true;
    unsigned number = 0;
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
        std::istringstream words(line);
        std::string verb;
        std::string mode;
        if (!(words >> verb >> mode >> plan.seconds) || verb != "run" || !kModes.contains(mode)) {
            std::fprintf(stderr, "load_client: expected: run stream|json|bulk|paced SECONDS\n");
            return false;
        }
        plan.mode = kModes.at(mode);
        good = run_once(client, plan, ++number) && good;
    }
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Load on llm_server, measured.");
    bench::LoadPlan plan;
    bool control = false;
    app.add_option("--port", plan.transport.port, "port of llm_server")->required();
    app.add_option("--mode", plan.mode, "stream, json, bulk or paced")->transform(CLI::CheckedTransformer(kModes));
    app.add_option("--threads", plan.threads, "connections, each with a thread")->capture_default_str();
    app.add_option("--seconds", plan.seconds, "how long to begin exchanges")->capture_default_str();
    app.add_option("--chunks", plan.chunks, "events of a stream")->capture_default_str();
    app.add_option("--gap-us", plan.gap_us, "paced: pause before each event")->capture_default_str();
    app.add_option("--prompt-bytes", plan.prompt_bytes, "size of a request's body")->capture_default_str();
    app.add_option("--bulk-size", plan.bulk_size, "bulk: size of a download")->capture_default_str();
    app.add_flag_callback(
        "--plain", [&plan] { plan.transport.drive = support::Drive::plain; }, "no TLS");
    app.add_flag_callback(
        "--ex", [&plan] { plan.transport.calls = support::Calls::ex; }, "SSL_read_ex, SSL_write_ex");
    app.add_flag("--control", control, "take commands from stdin");
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);

    const auto api = support::ssl_api("");
    const auto client = support::TlsClient::create(*api, "");
    if (!client) {
        std::fprintf(stderr, "load_client: %s\n", client.error().message.c_str());
        return 1;
    }
    return (control ? obey(*client, plan) : run_once(*client, plan, 1)) ? 0 : 1;
}
