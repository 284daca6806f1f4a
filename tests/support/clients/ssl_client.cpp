// ssl_client: talks to llm_server in one of the ways in which real programs use OpenSSL, and prints a JSON line per
// exchange with what it sent and received. ssl_client is linked with libssl; ssl_client_dlopen loads the one it is
// given.
//
//   ssl_client --port 41237 --api anthropic --stream --query 'chunks=50&gap_us=200' --nonblocking
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tests/support/clients/behaviours.h"

namespace {

using namespace llmsnoop;

int play(const support::TlsClient& client, const support::ClientOptions& options) {
    if (options.load.first > 0) return play_load(client, options);
    if (options.storm.first > 0) return play_storm(client, options);
    if (options.crowd > 0) return play_crowd(client, options);
    if (options.die_mid_stream) return play_die_mid_stream(client, options);
    if (options.interleave) return play_interleave(client, options);
    return play_sequence(client, options);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A TLS client with scripted behaviours, for tests.");
    support::ClientOptions options;
    declare_options(app, options);
    CLI11_PARSE(app, argc, argv);
    options.transport.server_name = options.plan.host;
    options.arguments = argv;
    if (std::getenv(support::kStormChild) != nullptr) options.storm = {0, 0};
    std::signal(SIGPIPE, SIG_IGN);

    const auto api = support::ssl_api(options.libssl);
    if (!api) {
        std::fprintf(stderr, "ssl_client: %s\n", api.error().message.c_str());
        return 2;
    }
    const auto client = support::TlsClient::create(*api, options.authority);
    if (!client) {
        std::fprintf(stderr, "ssl_client: %s\n", client.error().message.c_str());
        return 2;
    }
    return play(*client, options);
}
