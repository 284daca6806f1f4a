// h2_client: many exchanges at once on one HTTP/2 connection, in rounds, and a JSON line per exchange.
//
//   h2_client --port 41237 --ca cert.pem --streams 20 --keep-alive 3 --mix --query 'chunks=40&gap_us=300'
//
// --keep-alive is the number of rounds; a round begins when all streams of the one before are over.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>

#include "tests/support/clients/client_options.h"
#include "tests/support/clients/http2_streams.h"
#include "tests/support/net/append.h"

namespace {

using namespace llmsnoop;

struct Http2Options {
    support::ClientOptions common;
    unsigned streams = 20;
    std::optional<unsigned> reset_after;
    bool mix = false;
};

// The `index`th of a mixture: each API that names its answers, as a stream and as a document.
support::CallPlan mixed(support::CallPlan plan, unsigned index) {
    constexpr std::array kApis{support::ClientApi::openai, support::ClientApi::anthropic,
                               support::ClientApi::responses};
    plan.api = kApis[index % kApis.size()];
    plan.stream = index / kApis.size() % 2 == 0;
    return plan;
}

bool run_round(support::Http2Streams& streams, const Http2Options& options, unsigned connection, unsigned round) {
    bool good = true;
    for (unsigned i = 0; i < options.streams; ++i) {
        std::string mark;
        support::append(mark, "#", getpid(), ".", connection, ".", round, ".", i, " ");
        const std::uint64_t seed = std::uint64_t{connection} << 40 | std::uint64_t{round} << 20 | i;
        const support::CallPlan& plan = options.common.plan;
        // The first of a round is the one that is cancelled.
        good =
            streams.add(options.mix ? mixed(plan, i) : plan, mark, seed, i == 0 ? options.reset_after : std::nullopt) &&
            good;
    }
    good = streams.run() && good;
    for (const support::ExchangeReport& report : streams.take_reports()) {
        std::puts(support::to_json_line(report).c_str());
        good = good && (report.whole || options.reset_after);
    }
    std::fflush(stdout);
    return good;
}

bool run_connection(const support::TlsClient& client, const Http2Options& options, unsigned connection) {
    auto transport = support::Transport::connect(client, options.common.transport);
    if (!transport) {
        std::fprintf(stderr, "h2_client: %s\n", transport.error().message.c_str());
        return false;
    }
    support::Http2Streams streams(**transport, connection);
    bool good = true;
    for (unsigned round = 1; round <= options.common.exchanges && good; ++round) {
        good = run_round(streams, options, connection, round);
        if (options.common.hold && connection == 1 && round == 1) {
            std::printf("READY %d\n", getpid());
            std::fflush(stdout);
            std::string go;
            std::getline(std::cin, go);
        }
    }
    streams.say_goodbye();
    (*transport)->shutdown();
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("An HTTP/2 client with interleaved streams, for tests.");
    Http2Options options;
    declare_options(app, options.common);
    app.add_option("--streams", options.streams, "streams at once")->capture_default_str();
    app.add_option("--reset-after", options.reset_after, "cancel each round's first stream after so many DATA frames");
    app.add_flag("--mix", options.mix, "different APIs, streaming and not, side by side");
    CLI11_PARSE(app, argc, argv);
    options.common.transport.server_name = options.common.plan.host;
    options.common.transport.protocol = "h2";
    std::signal(SIGPIPE, SIG_IGN);

    const auto api = support::ssl_api("");
    const auto client = support::TlsClient::create(*api, options.common.authority);
    if (!client) {
        std::fprintf(stderr, "h2_client: %s\n", client.error().message.c_str());
        return 2;
    }
    bool good = true;
    for (unsigned connection = 1; connection <= options.common.connections; ++connection)
        good = run_connection(*client, options, connection) && good;
    return good ? 0 : 1;
}
