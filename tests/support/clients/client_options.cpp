#include "tests/support/clients/client_options.h"

#include <map>

namespace llmsnoop::support {
namespace {

template <typename Enum>
void switch_flag(CLI::App& app, const std::string& name, Enum& value, Enum when_set, const std::string& text) {
    app.add_flag_callback(
        name, [&value, when_set] { value = when_set; }, text);
}

}  // namespace

void declare_options(CLI::App& app, ClientOptions& options) {
    TransportOptions& transport = options.transport;
    CallPlan& plan = options.plan;
    app.add_option("--port", transport.port, "port of the server on 127.0.0.1")->required();
    app.add_option("--ca", options.authority, "verify the server by the certificates in this file");
    app.add_option("--libssl", options.libssl, "load this libssl (ssl_client_dlopen only)");
    app.add_option("--host", plan.host, "Host header and TLS server name")->capture_default_str();

    app.add_option("--api", plan.api, "openai, responses, embeddings or anthropic")
        ->transform(CLI::CheckedTransformer(std::map<std::string, ClientApi>{{"openai", ClientApi::openai},
                                                                             {"responses", ClientApi::responses},
                                                                             {"embeddings", ClientApi::embeddings},
                                                                             {"anthropic", ClientApi::anthropic}}));
    app.add_option("--model", plan.model, "model to ask for");
    app.add_flag("--stream", plan.stream, "ask for a stream");
    app.add_flag("!--no-usage", plan.include_usage, "do not ask for usage in a stream");
    app.add_flag("--tools", plan.tools, "offer tools");
    app.add_option("--n", plan.choices, "choices to ask for");
    app.add_option("--body", plan.body_size, "size of the request's JSON: 100, 64KB, 1MB, 8MB")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--prompt", plan.prompt, "start of the prompt (JSON string content)");
    app.add_option("--query", plan.query, "query string for llm_server, such as chunks=200&gap_us=100");
    app.add_option("--header", plan.headers, "one more header, as 'Name: value'")->take_all();
    switch_flag(app, "--gzip-request", plan.coding, BodyCoding::gzip, "compress the request's body");
    switch_flag(app, "--chunked-request", plan.framing, BodyFraming::chunked, "send the body in chunks");
    app.add_flag("--expect-continue", plan.expect_continue, "send the body only after a 100 (Continue)");
    app.add_option("--write", options.write_size, "cut the request into writes of so many bytes");

    switch_flag(app, "--plain", transport.drive, Drive::plain, "no TLS");
    switch_flag(app, "--vectors", transport.drive, Drive::vectors,
                "no TLS; calls with several buffers, reads after a peek");
    switch_flag(app, "--nonblocking", transport.drive, Drive::non_blocking,
                "non-blocking socket, WANT_READ/WANT_WRITE");
    switch_flag(app, "--memory-bio", transport.drive, Drive::memory_bio, "SSL over memory BIOs");
    switch_flag(app, "--ex", transport.calls, Calls::ex, "SSL_read_ex and SSL_write_ex");
    switch_flag(app, "--two-threads", transport.threads, Threads::alternating,
                "make each call from the other of two threads");

    app.add_option("--keep-alive", options.exchanges, "exchanges on each connection")->capture_default_str();
    app.add_option("--connections", options.connections, "connections, one after the other")->capture_default_str();
    app.add_flag("--interleave", options.interleave, "two connections in one thread, read alternately");
    app.add_flag("--pipeline", options.pipeline, "send all requests of a connection before reading");
    app.add_flag("--hold", options.hold, "after the first exchange print READY PID and wait for a line on stdin");
    app.add_flag("--die-mid-stream", options.die_mid_stream, "print READY PID in mid-stream and wait to be killed");
    app.add_option("--die-after", options.die_after_reads, "reads before that")->capture_default_str();
    app.add_flag("--short", options.leave_at_once, "leave at once after the exchange: no shutdown, no cleaning up");
    app.add_option("--load", options.load, "THREADS SECONDS: as fast as it goes, each thread with a connection");
    app.add_option("--storm", options.storm, "RATE SECONDS: so many processes a second, each of which does the rest");
    app.add_option("--storm-exec", options.storm_exec, "one in so many of them is executed anew; 0: all are forks");
    app.add_option("--crowd", options.crowd, "so many connections at once, --keep-alive exchanges on each");
    app.add_flag("--quiet", options.quiet, "with --load and --crowd: only the summary");
}

}  // namespace llmsnoop::support
