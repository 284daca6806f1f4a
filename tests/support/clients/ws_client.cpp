// ws_client: OpenAI's Responses API over a WebSocket, turn after turn, and a JSON line per turn.
//
//   ws_client --port 41237 --ca cert.pem --api responses --keep-alive 5 --query 'chunks=40&deflate=no-takeover'
//
// --keep-alive is the number of turns; --query goes into the handshake, where the server takes its options from.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>

#include "tests/support/clients/client_options.h"
#include "tests/support/clients/exchange.h"
#include "tests/support/net/append.h"
#include "tests/support/net/websocket_frames.h"

namespace {

using namespace llmsnoop;
using support::Deflate;

struct WsOptions {
    support::ClientOptions common;
    std::size_t fragment = 0;
    bool offer_deflate = true;
};

// A client's end of the socket, after the handshake.
struct Socket {
    support::Transport& transport;
    support::FrameReader reader;
    support::FrameWriter writer;
};

std::string handshake_of(const WsOptions& options) {
    std::string head;
    support::append(head, "GET /v1/responses", options.common.plan.query.empty() ? "" : "?", options.common.plan.query,
                    " HTTP/1.1\r\nHost: ", options.common.plan.host,
                    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: bGxtc25vb3AgdGVzdHMhIQ==\r\nAuthorization: Bearer sk-test-0000\r\n");
    if (options.offer_deflate) head += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    return head + "\r\n";
}

// Reads up to the end of the head; what came behind it goes to `early`.
std::string read_head(support::Transport& transport, std::string& early) {
    std::string bytes;
    char block[4096];
    for (;;) {
        const std::size_t end = bytes.find("\r\n\r\n");
        if (end != std::string::npos) {
            early = bytes.substr(end + 4);
            return bytes.substr(0, end + 4);
        }
        const std::size_t got = transport.read(block, sizeof block);
        if (got == 0) return {};
        bytes.append(block, got);
    }
}

Deflate agreed(std::string_view head) {
    if (head.find("permessage-deflate") == std::string_view::npos) return Deflate::none;
    return head.find("no_context_takeover") == std::string_view::npos ? Deflate::takeover : Deflate::no_takeover;
}

// One turn: the request, and the events up to the one that ends the response. Events are gathered as the text of the
// HTTP stream, so that one reader knows what is in either.
bool run_turn(Socket& socket, const WsOptions& options, unsigned turn) {
    std::string mark;
    support::append(mark, "#", getpid(), ".", turn, " ");
    support::CallPlan plan = options.common.plan;
    plan.api = support::ClientApi::responses;
    const support::RequestText request = support::make_request(plan, mark, turn);
    std::string message = R"({"type":"response.create",)" + request.json.substr(1);
    std::string out;
    socket.writer.text(out, message, options.fragment);
    if (!socket.transport.write(out)) return false;

    support::ExchangeReport report;
    report.api = plan.api;
    report.request_model = support::model_of(plan);
    report.local_port = socket.transport.port();
    report.connection = 1;
    report.exchange = turn;
    report.status = 101;
    report.stream = true;
    report.request_bytes = message.size();
    std::string events;
    char block[16384];
    while (!report.whole) {
        const auto answer = socket.reader.next();
        if (!answer) {
            const std::size_t got = socket.reader.failed() ? 0 : socket.transport.read(block, sizeof block);
            if (got == 0) break;
            socket.reader.feed({block, got});
            continue;
        }
        if (answer->opcode == support::Opcode::ping) {
            out.clear();
            socket.writer.control(out, support::Opcode::pong, answer->payload);
            if (!socket.transport.write(out)) break;
        }
        if (answer->opcode != support::Opcode::text) continue;
        report.response_bytes += answer->payload.size();
        support::append(events, "data: ", answer->payload, "\n\n");
        for (const char* last : {"response.completed", "response.failed", "response.incomplete"})
            report.whole = report.whole || answer->payload.find(last) != std::string::npos;
    }
    report.facts = support::read_answer(events);
    std::puts(support::to_json_line(report).c_str());
    std::fflush(stdout);
    return report.whole;
}

bool run(support::Transport& transport, const WsOptions& options) {
    std::string early;
    if (!transport.write(handshake_of(options))) return false;
    const std::string head = read_head(transport, early);
    if (!head.starts_with("HTTP/1.1 101 ")) return false;
    const Deflate deflate = agreed(head);
    Socket socket{transport, support::FrameReader(deflate), support::FrameWriter(support::Masking::masked, deflate)};
    socket.reader.feed(early);
    bool good = true;
    for (unsigned turn = 1; turn <= options.common.exchanges && good; ++turn) {
        good = run_turn(socket, options, turn);
        if (options.common.hold && turn == 1) {
            std::printf("READY %d\n", getpid());
            std::fflush(stdout);
            std::string go;
            std::getline(std::cin, go);
        }
    }
    std::string out;
    socket.writer.control(out, support::Opcode::close, std::string_view("\x03\xe8", 2));  // 1000: normal
    transport.write(out);
    transport.shutdown();
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A WebSocket client, for tests.");
    WsOptions options;
    declare_options(app, options.common);
    app.add_option("--fragment", options.fragment, "messages in frames of so many bytes");
    app.add_flag("!--no-deflate", options.offer_deflate, "do not offer permessage-deflate");
    CLI11_PARSE(app, argc, argv);
    options.common.transport.server_name = options.common.plan.host;
    std::signal(SIGPIPE, SIG_IGN);

    const auto api = support::ssl_api("");
    const auto client = support::TlsClient::create(*api, options.common.authority);
    const auto transport = client ? support::Transport::connect(*client, options.common.transport)
                                  : base::Result<std::unique_ptr<support::Transport>>(client.error());
    if (!transport) {
        std::fprintf(stderr, "ws_client: %s\n", transport.error().message.c_str());
        return 2;
    }
    return run(**transport, options) ? 0 : 1;
}
