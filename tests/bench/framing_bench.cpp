// Bytes per second of the framing stage, beside memcpy of the same pieces. A typical piece is one SSE event of about
// 215 bytes, as a streaming model API sends it in an HTTP chunk of its own.
#include <benchmark/benchmark.h>
#include <zlib.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/framing/content_decoder.h"
#include "agent/framing/framer.h"

namespace llmsnoop {
namespace {

using model::Framing;

std::string chat_chunk(int number) {
    return R"({"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,)"
           R"("model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"content":" word)" +
           std::to_string(number % 10) + R"("},"finish_reason":null}]})";
}

std::string sse_event(int number) {
    return "data: " + chat_chunk(number) + "\n\n";
}

std::string named_event(int number) {
    return "event: content_block_delta\ndata: " + chat_chunk(number) + "\n\n";
}

std::string crlf_event(int number) {
    return "data: " + chat_chunk(number) + "\r\n\r\n";
}

std::string json_line(int number) {
    return chat_chunk(number) + "\n";
}

std::string element(int number) {
    return (number == 0 ? "[" : ",\n") + chat_chunk(number);
}

std::string message(int number) {
    const auto big_endian = [](std::uint32_t value) {
        std::string out;
        for (int shift = 24; shift >= 0; shift -= 8)
            out.push_back(static_cast<char>(value >> shift & 0xFF));
        return out;
    };
    const auto checksum = [&](const std::string& text) {
        return big_endian(
            static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size())));
    };
    const std::string headers = std::string("\x0b:event-type\x07\x00\x11", 15) + "contentBlockDelta" +
                                std::string("\x0d:message-type\x07\x00\x05", 17) + "event";
    const std::string payload = chat_chunk(number);
    std::string out = big_endian(static_cast<std::uint32_t>(16 + headers.size() + payload.size()));
    out += big_endian(static_cast<std::uint32_t>(headers.size()));
    out += checksum(out);
    out += headers + payload;
    return out + checksum(out);
}

using Unit = std::string (*)(int);

constexpr int kUnits = 1000;

std::vector<std::string> pieces_of(Unit unit) {
    std::vector<std::string> pieces;
    pieces.reserve(kUnits);
    for (int i = 0; i < kUnits; ++i)
        pieces.push_back(unit(i));
    return pieces;
}

// The same bytes, `size` at a time.
std::vector<std::string> regroup(const std::vector<std::string>& pieces, std::size_t size) {
    std::string all;
    for (const std::string& piece : pieces)
        all += piece;
    std::vector<std::string> out;
    for (std::size_t at = 0; at < all.size(); at += size)
        out.push_back(all.substr(at, size));
    return out;
}

std::int64_t size_of(const std::vector<std::string>& pieces) {
    std::int64_t size = 0;
    for (const std::string& piece : pieces)
        size += static_cast<std::int64_t>(piece.size());
    return size;
}

void report(benchmark::State& state, const std::vector<std::string>& pieces) {
    state.SetBytesProcessed(state.iterations() * size_of(pieces));
    state.counters["per_piece"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(pieces.size()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void run_framer(benchmark::State& state, Framing framing, const std::vector<std::string>& pieces) {
    model::LossCounters losses;
    std::size_t document_bytes = 0;
    const auto out = [&](const model::Frame& frame) { document_bytes += frame.document.size(); };
    for (auto _ : state) {
        framing::Framer framer(model::Part::response, framing, "", losses);
        for (const std::string& piece : pieces)
            framer.feed({}, base::as_bytes(piece), out);
        framer.end({}, true, out);
    }
    benchmark::DoNotOptimize(document_bytes);
    report(state, pieces);
}

void memcpy_floor(benchmark::State& state, Unit unit) {
    const std::vector<std::string> pieces = pieces_of(unit);
    std::vector<char> target(4096);
    for (auto _ : state) {
        for (const std::string& piece : pieces) {
            std::memcpy(target.data(), piece.data(), piece.size());
            benchmark::DoNotOptimize(target.data());
            benchmark::ClobberMemory();
        }
    }
    report(state, pieces);
}

void one_unit_a_piece(benchmark::State& state, Framing framing, Unit unit) {
    run_framer(state, framing, pieces_of(unit));
}

void large_pieces(benchmark::State& state, Framing framing, Unit unit) {
    run_framer(state, framing, regroup(pieces_of(unit), 16384));
}

// Every unit is cut, so that it has to be put together.
void small_pieces(benchmark::State& state, Framing framing, Unit unit) {
    run_framer(state, framing, regroup(pieces_of(unit), 100));
}

void gzip_flushed_per_event(benchmark::State& state) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::vector<std::string> pieces;
    const std::vector<std::string> events = pieces_of(sse_event);
    for (const std::string& event : events) {
        std::string block(4096, '\0');
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(event.data()));
        stream.avail_in = static_cast<uInt>(event.size());
        stream.next_out = reinterpret_cast<Bytef*>(block.data());
        stream.avail_out = static_cast<uInt>(block.size());
        deflate(&stream, Z_SYNC_FLUSH);
        block.resize(block.size() - stream.avail_out);
        pieces.push_back(block);
    }
    deflateEnd(&stream);
    std::size_t bytes = 0;
    for (auto _ : state) {
        framing::ContentDecoder decoder("gzip");
        for (const std::string& piece : pieces) {
            decoder.feed(base::as_bytes(piece), [&](base::Bytes decoded) { bytes += decoded.size(); });
        }
    }
    benchmark::DoNotOptimize(bytes);
    report(state, events);  // bytes after decoding
}

BENCHMARK_CAPTURE(memcpy_floor, sse, sse_event);
BENCHMARK_CAPTURE(one_unit_a_piece, sse, Framing::sse, sse_event);
BENCHMARK_CAPTURE(one_unit_a_piece, sse_named, Framing::sse, named_event);
BENCHMARK_CAPTURE(one_unit_a_piece, sse_crlf, Framing::sse, crlf_event);
BENCHMARK_CAPTURE(one_unit_a_piece, json_lines, Framing::json_lines, json_line);
BENCHMARK_CAPTURE(one_unit_a_piece, json_array, Framing::json_array, element);
BENCHMARK_CAPTURE(one_unit_a_piece, event_stream, Framing::event_stream, message);
BENCHMARK_CAPTURE(one_unit_a_piece, body, Framing::body, json_line);
BENCHMARK_CAPTURE(large_pieces, sse, Framing::sse, sse_event);
BENCHMARK_CAPTURE(large_pieces, sse_crlf, Framing::sse, crlf_event);
BENCHMARK_CAPTURE(large_pieces, json_lines, Framing::json_lines, json_line);
BENCHMARK_CAPTURE(large_pieces, json_array, Framing::json_array, element);
BENCHMARK_CAPTURE(large_pieces, event_stream, Framing::event_stream, message);
BENCHMARK_CAPTURE(small_pieces, sse, Framing::sse, sse_event);
BENCHMARK_CAPTURE(small_pieces, json_lines, Framing::json_lines, json_line);
BENCHMARK_CAPTURE(small_pieces, json_array, Framing::json_array, element);
BENCHMARK_CAPTURE(small_pieces, event_stream, Framing::event_stream, message);
BENCHMARK(gzip_flushed_per_event);

}  // namespace
}  // namespace llmsnoop
