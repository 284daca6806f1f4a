// What the HTTP stage costs for each piece of a streamed answer: one SSE event of 215 bytes in an HTTP/1.1 chunk, an
// HTTP/2 DATA frame or a WebSocket message of its own, as model servers flush them. memcpy of the same bytes is the
// floor.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/http/connection_parser.h"

namespace llmsnoop {
namespace {

constexpr std::size_t kEvent = 215;

struct Sink {
    std::size_t bytes = 0;
    void operator()(const model::HttpEvent& event) {
        if (const auto* body = std::get_if<model::BodyBytes>(&event)) bytes += body->bytes.size();
        if (const auto* message = std::get_if<model::WebSocketMessage>(&event)) bytes += message->bytes.size();
    }
};

class Answer {
 public:
    explicit Answer(std::string_view request, std::string_view response_head) {
        feed(model::Direction::sent, request);
        feed(model::Direction::received, response_head);
    }
    void feed(model::Direction direction, std::string_view bytes) {
        std::uint64_t& offset = offsets_[static_cast<std::size_t>(direction)];
        parser_.feed(direction, model::StreamBytes{offset, {}, base::as_bytes(bytes)}, sink_);
        offset += bytes.size();
    }
    std::size_t seen() const { return sink_.bytes; }

 private:
    model::LossCounters losses_;
    http::ConnectionParser parser_{true, losses_};
    Sink sink_;
    std::uint64_t offsets_[2] = {0, 0};
};

void run(benchmark::State& state, Answer& answer, const std::string& piece) {
    for (auto _ : state)
        answer.feed(model::Direction::received, piece);
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(piece.size()));
    if (answer.seen() != state.iterations() * kEvent) state.SkipWithError("bytes are missing");
}

void chunk_of_http1(benchmark::State& state) {
    Answer answer("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    run(state, answer, "d7\r\n" + std::string(kEvent, 'x') + "\r\n");
}
BENCHMARK(chunk_of_http1);

std::string http2_frame(char type, char flags, char stream, std::string_view payload) {
    std::string bytes{
        0, static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size()), type, flags, 0, 0, 0, stream};
    return bytes.append(payload);
}

void data_of_http2(benchmark::State& state) {
    // :method POST, :scheme https, :path /; then :status 200 (RFC 7541 appendix A).
    Answer answer("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0, "") + http2_frame(1, 5, 1, "\x83\x87\x84"),
                  http2_frame(4, 0, 0, "") + http2_frame(1, 4, 1, "\x88"));
    run(state, answer, http2_frame(0, 0, 1, std::string(kEvent, 'x')));
}
BENCHMARK(data_of_http2);

void message_of_websocket(benchmark::State& state) {
    Answer answer("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
    run(state, answer, std::string("\x81\x7e\x00\xd7", 4) + std::string(kEvent, 'x'));
}
BENCHMARK(message_of_websocket);

void masked_message_of_websocket(benchmark::State& state) {
    Answer answer("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
    const std::string piece = std::string("\x81\xfe\x00\xd7\x37\xfa\x21\x3d", 8) + std::string(kEvent, 'x');
    for (auto _ : state)
        answer.feed(model::Direction::sent, piece);
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(piece.size()));
}
BENCHMARK(masked_message_of_websocket);

// A whole exchange on a connection that is kept alive: two heads, no body.
void exchange_of_http1(benchmark::State& state) {
    const std::string request =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: api.example\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nUser-Agent: client/1.0\r\nContent-Length: 0\r\n\r\n";
    const std::string response =
        "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/json\r\n"
        "Content-Length: 0\r\nServer: example\r\n\r\n";
    Answer answer("", "");
    for (auto _ : state) {
        answer.feed(model::Direction::sent, request);
        answer.feed(model::Direction::received, response);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(request.size() + response.size()));
}
BENCHMARK(exchange_of_http1);

void floor_memcpy(benchmark::State& state) {
    const std::string from(kEvent + 6, 'x');
    std::vector<char> to(from.size());
    for (auto _ : state) {
        std::memcpy(to.data(), from.data(), from.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(from.size()));
}
BENCHMARK(floor_memcpy);

}  // namespace
}  // namespace llmsnoop

BENCHMARK_MAIN();
