// llm_server: a stand-in for OpenAI and Anthropic on 127.0.0.1, and the ground truth of what it answered.
//
//   llm_server --port 0 --cert-out cert.pem
//   READY port=41237
//   curl --cacert cert.pem https://localhost:41237/v1/chat/completions?chunks=5 -d '{"model":"gpt-4o","messages":[]}'
//   curl --cacert cert.pem https://localhost:41237/exchanges
//
// See tests/support/README.md for the paths and for what the query can ask.
#include <openssl/crypto.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <random>

#include "tests/support/servers/server.h"

namespace {

using namespace llmsnoop;

struct Options {
    std::uint16_t port = 0;
    bool plain = false;
    bool ex = false;
    bool totals_only = false;
    bool tls12 = false;
    std::vector<std::string> names;
    std::string certificate_file;
    std::string report_file;
    std::optional<std::uint64_t> seed;
};

void declare(CLI::App& app, Options& options) {
    app.add_option("--port", options.port, "port on 127.0.0.1; 0 takes a free one")->capture_default_str();
    app.add_flag("--plain", options.plain, "HTTP without TLS");
    app.add_flag("--ex", options.ex, "use SSL_read_ex and SSL_write_ex");
    app.add_flag("--tls12", options.tls12, "offer nothing above TLS 1.2");
    app.add_flag("--totals-only", options.totals_only, "neither keep nor hash single exchanges (for load tests)");
    app.add_option("--name", options.names, "one more host name for the certificate");
    app.add_option("--cert-out", options.certificate_file, "write the certificate here, in PEM");
    app.add_option("--seed", options.seed, "seed of the first answer; by default every run differs");
    app.add_option("--report", options.report_file, "write the statistics and exchanges here at the end, as JSON");
}

base::Fd block_and_watch_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return base::Fd(signalfd(-1, &signals, SFD_CLOEXEC));
}

int fail(const std::string& message) {
    std::fprintf(stderr, "llm_server: %s\n", message.c_str());
    return 1;
}

int run(const Options& options) {
    const base::Fd stop = block_and_watch_signals();
    support::TlsContext context;
    if (!options.plain) {
        auto made = support::make_server_context(options.names, options.certificate_file);
        if (!made) return fail(made.error().message);
        context = std::move(*made);
        if (options.tls12) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    }
    auto listener = support::listen_on_loopback(options.port);
    if (!listener) return fail(listener.error().message);
    std::printf("READY port=%u\n", listener->port);
    std::fflush(stdout);

    using support::Ledger;
    // Response ids follow the seeds, and must not come back when a server is started again.
    const std::uint64_t seed = options.seed ? *options.seed : std::uint64_t{std::random_device()()} << 24;
    support::Server server(std::move(*listener), std::move(context),
                           options.ex ? support::SslCalls::ex : support::SslCalls::classic,
                           options.totals_only ? Ledger::Keep::totals_only : Ledger::Keep::exchanges, seed);
    server.run(stop.get());
    if (options.report_file.empty()) return 0;
    std::ofstream report(options.report_file);
    report << R"({"stats":)" << server.ledger().stats_json() << R"(,"log":)"
           << server.ledger().exchanges_json(0, static_cast<std::size_t>(-1)) << "}\n";
    return report.flush() ? 0 : fail("cannot write " + options.report_file);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A local server that speaks the OpenAI and Anthropic APIs and keeps count of what it said.");
    Options options;
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    return run(options);
}
