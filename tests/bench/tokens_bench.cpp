// The token stage: counting text of several kinds in bytes per second beside memcpy of the same bytes (the reference's
// figures are printed by tests/corpus/tokenizer_reference.mjs), and what one exchange costs to resolve, estimate and
// price.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "agent/tokens/estimator.h"
#include "agent/tokens/pricing.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/tokenizer.h"

namespace llmsnoop::tokens {
namespace {

constexpr std::size_t kSize = 1 << 20;

std::string filled(const std::vector<std::string>& words, std::size_t size = kSize) {
    std::mt19937 random(1);
    std::string text;
    while (text.size() < size)
        text += words[random() % words.size()];
    return text;
}

std::string english() {
    return filled({"The ",
                   "agent ",
                   "reads ",
                   "what ",
                   "a ",
                   "program ",
                   "sends ",
                   "to ",
                   "the ",
                   "language ",
                   "model, ",
                   "counts ",
                   "tokens ",
                   "of ",
                   "request ",
                   "and ",
                   "answer. ",
                   "It ",
                   "doesn't ",
                   "keep ",
                   "text; ",
                   "misconfiguration ",
                   "interoperability ",
                   "Kubernetes ",
                   "\n\n"});
}

std::string json() {
    return filled({R"({"id": "call_x1Yz", "type": "function", )", R"("arguments": "{\"city\": \"Oslo\"}"}, )",
                   R"("getTemperatureInCelsius": -12.75, )", "\n    ", "true, ", "null, ", "[1, 2, 3], "});
}

std::string chinese() {
    return filled({"\u4f60\u597d\uff0c", "\u4e16\u754c", "\u8bed\u8a00\u6a21\u578b", "\u7684",
                   "\u662f\u4ec0\u4e48\uff1f", "\u4eba\u5de5\u667a\u80fd", "\u3002"});
}

std::string noise() {
    std::vector<std::string> digits;
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
        digits.emplace_back(1, c);
    return filled(digits);
}

void copy(benchmark::State& state) {
    const std::string text = english();
    std::string out(text.size(), ' ');
    for (auto _ : state) {
        std::memcpy(out.data(), text.data(), text.size());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void count(benchmark::State& state, Encoding encoding, const std::string& text) {
    std::size_t tokens = count_tokens(encoding, text);
    for (auto _ : state)
        benchmark::DoNotOptimize(tokens = count_tokens(encoding, text));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
    state.counters["bytes/token"] = static_cast<double>(text.size()) / static_cast<double>(tokens);
}

BENCHMARK(copy)->Name("memcpy");
BENCHMARK_CAPTURE(count, o200k_english, Encoding::o200k_base, english());
BENCHMARK_CAPTURE(count, cl100k_english, Encoding::cl100k_base, english());
BENCHMARK_CAPTURE(count, o200k_json, Encoding::o200k_base, json());
BENCHMARK_CAPTURE(count, o200k_chinese, Encoding::o200k_base, chinese());
BENCHMARK_CAPTURE(count, o200k_base64, Encoding::o200k_base, noise());
BENCHMARK_CAPTURE(count, o200k_one_letter, Encoding::o200k_base, std::string(kSize, 'a'));
BENCHMARK_CAPTURE(count, o200k_blanks, Encoding::o200k_base, std::string(kSize, ' '));
BENCHMARK_CAPTURE(count, o200k_hello, Encoding::o200k_base, "hello world");

model::ReportedUsage reported() {
    model::ReportedUsage usage;
    usage.rule = model::UsageRule::openai;
    usage.input = 1200;
    usage.output = 300;
    usage.total = 1500;
    usage.cache_read = 1024;
    return usage;
}

void resolving(benchmark::State& state) {
    model::LossCounters losses;
    const model::ReportedUsage usage = reported();
    for (auto _ : state)
        benchmark::DoNotOptimize(resolve(usage, losses));
}
BENCHMARK(resolving)->Name("resolve");

model::Exchange exchange() {
    model::Exchange made;
    made.llm.provider = "openai";
    made.llm.dialect = "openai.chat";
    made.llm.operation = "chat";
    made.llm.request_model = "gpt-4o";
    made.llm.response_model = "gpt-4o-2024-08-06";
    made.llm.response_id = "r";
    const std::string text = english();
    made.llm.prompt.push_back({"user", model::Content(text.substr(0, 4000)), 0});
    made.llm.completion.push_back({"assistant", model::Content(text.substr(4000, 1000)), 0});
    return made;
}

void estimating(benchmark::State& state) {
    const model::LlmCall call = exchange().llm;
    for (auto _ : state)
        benchmark::DoNotOptimize(estimate(call, {}));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * 5000));
}
BENCHMARK(estimating)->Name("estimate_5KB");

void pricing(benchmark::State& state) {
    auto table = shipped_price_table();
    if (!table) return state.SkipWithError("the shipped table cannot be read");
    std::vector<PriceTable> tables;
    tables.push_back(std::move(*table));
    const Pricing prices(std::move(tables));
    model::Exchange call = exchange();
    model::LossCounters losses;
    call.usage = resolve(reported(), losses);
    for (auto _ : state)
        benchmark::DoNotOptimize(prices.cost(call));
}
BENCHMARK(pricing)->Name("cost");

void loading_prices(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(shipped_price_table());
}
BENCHMARK(loading_prices)->Name("load_price_table")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmsnoop::tokens

BENCHMARK_MAIN();
