// From the bytes of ring-buffer records to a counted exchange, on one core: a streamed OpenAI answer of 200 chunks,
// each in an HTTP/1.1 chunk and a TLS call of its own, as model servers send them. Beside it, on the same bytes, what
// less would cost: copying them, parsing the HTTP alone (http_parser), parsing the JSON of every event alone
// (simdjson).
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/attribution/process_table.h"
#include "agent/base/heap.h"
#include "agent/capture/record_decoder.h"
#include "agent/capture/source.h"
#include "agent/pipeline/engine.h"
#include "agent/policy/gate.h"
#include "bpf/shared/wire.h"

#ifdef LLMSNOOP_HTTP_PARSER
#include <http_parser.h>
#endif

namespace llmsnoop {
namespace {

constexpr int kChunks = 200;
constexpr int kExchanges = 50;
constexpr std::uint64_t kConnection = 7;
constexpr std::size_t kPiece = 16384;        // a TLS record, and what OpenSSL's users write at once
constexpr std::size_t kUploads = 16U << 20;  // bytes in all

std::string event(int index) {
    static const std::vector<std::string> words{" the", " quick", " brown", " fox", ",", " jumps", " over", "\\n\\n"};
    return R"({"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1730000000,)"
           R"("model":"gpt-4o-2024-08-06","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":")" +
           words[static_cast<std::size_t>(index) % words.size()] + R"("},"logprobs":null,"finish_reason":null}]})";
}

std::string http_chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

struct Call {
    model::Direction direction;
    std::string bytes;
};

// The TLS calls of one exchange. Each answer has an id of its own, or the second would be taken for a re-read.
std::vector<Call> calls_of_exchange(int number) {
    const std::string body =
        R"({"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":")" +
        std::string(1000, 'a') + R"("}]})";
    std::vector<Call> out;
    out.push_back({model::Direction::sent,
                   "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n"
                   "Content-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body});
    out.push_back({model::Direction::received,
                   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"});
    const auto push = [&](std::string text) {
        const std::string id = std::to_string(10'000'000 + number);
        if (const auto at = text.find("AbCdEfGh"); at != std::string::npos) text.replace(at, 8, id);
        out.push_back({model::Direction::received, http_chunk("data: " + text + "\n\n")});
    };
    for (int i = 0; i < kChunks; ++i)
        push(event(i));
    push(
        R"({"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1730000000,)"
        R"("model":"gpt-4o-2024-08-06","choices":[],"usage":{"prompt_tokens":250,"completion_tokens":200,"total_tokens":450}})");
    push("[DONE]");
    out.push_back({model::Direction::received, "0\r\n\r\n"});
    return out;
}

// One long request, as agents send that carry their whole history, and a short answer.
std::vector<Call> calls_of_upload(int number, std::size_t size) {
    std::string text;
    for (int word = 0; text.size() < size; ++word)
        text += word % 40 == 39 ? "end of it.\\n" : "word" + std::to_string(word * 7919 % 10'000) + " ";
    const std::string body = R"({"model":"gpt-4o","messages":[{"role":"user","content":")" + text + R"("}]})";
    const std::string answer =
        R"({"id":"chatcmpl-)" + std::to_string(number) +
        R"(","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},)"
        R"("finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":200,"total_tokens":209}})";
    std::vector<Call> out;
    out.push_back({model::Direction::sent,
                   "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n"
                   "Content-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n"});
    for (std::size_t at = 0; at < body.size(); at += kPiece)
        out.push_back({model::Direction::sent, body.substr(at, kPiece)});
    out.push_back({model::Direction::received, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                                                   std::to_string(answer.size()) + "\r\n\r\n" + answer});
    return out;
}

// The records of a connection that carries these exchanges, and what was received, a piece a TLS call, for the floors.
struct Traffic {
    void add(std::vector<Call> calls) {
        ++exchanges;
        for (Call& call : calls) {
            bytes += call.bytes.size();
            const bool sent = call.direction == model::Direction::sent;
            std::uint64_t& offset = offsets[sent ? WIRE_SENT : WIRE_RECEIVED];
            wire_data data{};
            data.header = {static_cast<__u32>(sizeof data + call.bytes.size()), LLMSNOOP_WIRE_VERSION, WIRE_DATA,
                           static_cast<__u8>(sent ? WIRE_SENT : WIRE_RECEIVED), 0};
            data.connection = kConnection;
            data.time_ns = time += 50'000;
            data.offset = offset;
            data.length = data.captured = static_cast<__u32>(call.bytes.size());
            offset += call.bytes.size();
            records.push_back(std::string(reinterpret_cast<const char*>(&data), sizeof data) + call.bytes);
            if (sent) continue;
            received_bytes += call.bytes.size();
            received.push_back(std::move(call.bytes));
        }
    }

    std::uint64_t offsets[2] = {0, 0};
    std::uint64_t time = 1'000'000'000;
    std::size_t exchanges = 0;
    std::size_t bytes = 0;
    std::size_t received_bytes = 0;
    std::vector<std::string> records;
    std::vector<std::string> received;
};

const Traffic& streams() {
    static const Traffic all = [] {
        Traffic out;
        for (int number = 0; number < kExchanges; ++number)
            out.add(calls_of_exchange(number));
        return out;
    }();
    return all;
}

Traffic uploads(std::size_t size) {
    Traffic out;
    for (int number = 0; out.bytes < kUploads; ++number)
        out.add(calls_of_upload(number, size));
    return out;
}

// What the live source does once records have been read from the ring.
class RecordSource final : public capture::Source {
 public:
    RecordSource(const Traffic& traffic, model::LossCounters& losses) : traffic_(traffic), decoder_(losses) {}

    base::Result<Status> poll(unsigned, base::Duration, capture::EventOut out) override {
        wire_connection_open open{};
        open.header = {sizeof open, LLMSNOOP_WIRE_VERSION, WIRE_CONNECTION_OPEN, 0, WIRE_OPEN_FROM_START};
        open.connection = kConnection;
        open.pid = 1;
        out(*decoder_.decode({reinterpret_cast<const std::uint8_t*>(&open), sizeof open}));
        for (const std::string& record : traffic_.records) {
            if (const auto event = decoder_.decode(base::as_bytes(record))) out(*event);
        }
        return Status::finished;
    }

 private:
    const Traffic& traffic_;
    capture::RecordDecoder decoder_;
};

void report(benchmark::State& state, std::size_t bytes, std::size_t chunks) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(chunks));  // TLS calls
}

void run_full_path(benchmark::State& state, const Traffic& traffic, pipeline::Settings settings) {
    base::keep_freed_memory();  // as the agent does
    std::size_t counted = 0;
    for (auto _ : state) {
        model::LossCounters losses;
        RecordSource source(traffic, losses);
        attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events, losses);
        policy::Gate gate({}, losses);
        pipeline::Services services{settings,
                                    source,
                                    losses,
                                    processes,
                                    {[](const model::ExchangeStarted&) {},
                                     [&](model::Exchange exchange) {
                                         const auto cleared = gate.clear(std::move(exchange));
                                         counted += cleared->usage.output.value_or(0);
                                     }},
                                    {},
                                    {},
                                    {}};
        pipeline::Engine engine(services);
        if (!engine.run()) state.SkipWithError("the engine failed");
    }
    if (counted != static_cast<std::size_t>(state.iterations()) * traffic.exchanges * 200)
        state.SkipWithError("tokens are missing");
    report(state, traffic.bytes, traffic.records.size());
}

void streams_to_counted_exchanges(benchmark::State& state) {
    run_full_path(state, streams(), {});
}
BENCHMARK(streams_to_counted_exchanges)->Unit(benchmark::kMillisecond);

void uploads_to_counted_exchanges(benchmark::State& state) {
    pipeline::Settings settings;
    if (state.range(1) != 0) settings.body_hash = pipeline::BodyHash::sha256;
    run_full_path(state, uploads(static_cast<std::size_t>(state.range(0))), settings);
}
BENCHMARK(uploads_to_counted_exchanges)
    ->ArgNames({"bytes", "body_hashes"})
    ->ArgsProduct({{64 << 10, 1 << 20, 8 << 20}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

void floor_memcpy(benchmark::State& state) {
    std::vector<char> room(1U << 20);
    for (auto _ : state) {
        for (const std::string& piece : streams().received) {
            std::memcpy(room.data(), piece.data(), piece.size());
            benchmark::DoNotOptimize(room.data());
            benchmark::ClobberMemory();
        }
    }
    report(state, streams().received_bytes, streams().received.size());
}
BENCHMARK(floor_memcpy)->Unit(benchmark::kMillisecond);

void floor_simdjson_of_every_event(benchmark::State& state) {
    std::vector<simdjson::padded_string> documents;
    std::size_t bytes = 0;
    for (const std::string& piece : streams().received) {
        const auto begin = piece.find('{'), end = piece.rfind('}');
        if (begin == std::string::npos) continue;
        documents.emplace_back(std::string_view(piece).substr(begin, end - begin + 1));
        bytes += documents.back().size();
    }
    simdjson::dom::parser parser;
    for (auto _ : state) {
        for (const simdjson::padded_string& document : documents) {
            simdjson::dom::element element;
            if (parser.parse(document).get(element) != simdjson::SUCCESS) state.SkipWithError("not JSON");
            benchmark::DoNotOptimize(element);
        }
    }
    report(state, bytes, documents.size());
}
BENCHMARK(floor_simdjson_of_every_event)->Unit(benchmark::kMillisecond);

#ifdef LLMSNOOP_HTTP_PARSER
void floor_http_parser(benchmark::State& state) {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    std::size_t body = 0;
    settings.on_body = [](http_parser* parser, const char*, std::size_t size) {
        *static_cast<std::size_t*>(parser->data) += size;
        return 0;
    };
    for (auto _ : state) {
        http_parser parser;
        http_parser_init(&parser, HTTP_RESPONSE);
        parser.data = &body;
        for (const std::string& piece : streams().received) {
            if (http_parser_execute(&parser, &settings, piece.data(), piece.size()) != piece.size())
                state.SkipWithError("not HTTP");
        }
    }
    benchmark::DoNotOptimize(body);
    report(state, streams().received_bytes, streams().received.size());
}
BENCHMARK(floor_http_parser)->Unit(benchmark::kMillisecond);
#endif

}  // namespace
}  // namespace llmsnoop
