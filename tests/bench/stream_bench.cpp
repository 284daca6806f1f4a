// What putting chunks into order costs: in order, and with every second pair of segments swapped.
#include <benchmark/benchmark.h>

#include <string>

#include "agent/stream/byte_stream.h"

namespace llmsnoop {
namespace {

void feed(benchmark::State& state, model::Ordering ordering, bool swapped) {
    model::LossCounters losses;
    stream::ByteStream stream(ordering, losses);
    const std::string bytes(221, 'x');
    std::uint64_t seen = 0;
    const auto out = [&](const model::StreamItem& item) { seen += std::get<model::StreamBytes>(item).bytes.size(); };
    std::uint64_t number = 0;
    for (auto _ : state) {
        const std::uint64_t place = swapped ? number ^ 1 : number;
        stream.feed(
            model::Chunk{
                1, model::Direction::received, place * bytes.size(), {}, bytes.size(), base::as_bytes(bytes), {}},
            out);
        ++number;
    }
    benchmark::DoNotOptimize(seen);
    state.SetBytesProcessed(static_cast<std::int64_t>(number * bytes.size()));
}

void in_order(benchmark::State& state) {
    feed(state, model::Ordering::in_order, false);
}
BENCHMARK(in_order);

void packets_in_order(benchmark::State& state) {
    feed(state, model::Ordering::may_reorder, false);
}
BENCHMARK(packets_in_order);

void packets_swapped(benchmark::State& state) {
    feed(state, model::Ordering::may_reorder, true);
}
BENCHMARK(packets_swapped);

}  // namespace
}  // namespace llmsnoop

BENCHMARK_MAIN();
