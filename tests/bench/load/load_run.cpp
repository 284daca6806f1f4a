#include "tests/bench/load/load_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <latch>
#include <thread>

#include "tests/support/clients/model_call.h"
#include "tests/support/clients/response_reader.h"

namespace llmsnoop::bench {
namespace {

using Clock = std::chrono::steady_clock;
using support::ResponseReader;

constexpr std::size_t kReadSize = 16384;  // one TLS record at most
constexpr std::size_t kMarkSize = 24;     // "t003.r001.n0000000000000"

float milliseconds(Clock::duration time) {
    return std::chrono::duration<float, std::milli>(time).count();
}

// A request whose mark is patched in place, so that nothing is rendered while the clock runs.
class Request {
 public:
    Request(const LoadPlan& plan, unsigned run, unsigned thread) : run_(run), thread_(thread) {
        if (plan.mode == Mode::bulk) {
            text_ = "GET /bulk/" + plan.bulk_size + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
            return;
        }
        support::CallPlan call;
        call.stream = plan.mode != Mode::json;
        call.body_size = plan.prompt_bytes;
        call.query = "chunks=" + std::to_string(plan.mode == Mode::json ? 240 : plan.chunks);
        if (plan.mode == Mode::paced) call.query += "&gap_us=" + std::to_string(plan.gap_us);
        const std::string mark(kMarkSize, '#');
        const auto request = support::make_request(call, mark, thread);
        text_ = request.head + request.body;
        mark_ = text_.find(mark);
    }

    const std::string& next() {
        if (mark_ != std::string::npos) {
            char mark[kMarkSize + 1];
            fmt::format_to_n(mark, kMarkSize, "t{:03}.r{:03}.n{:013}", thread_ % 1000, run_ % 1000, ++number_);
            text_.replace(mark_, kMarkSize, mark, kMarkSize);
        }
        return text_;
    }

 private:
    const unsigned run_;
    const unsigned thread_;
    std::string text_;
    std::size_t mark_ = std::string::npos;
    std::uint64_t number_ = 0;
};

std::uint64_t number_after(std::string_view text, std::string_view key) {
    const std::size_t found = text.find(key);
    std::uint64_t number = 0;
    if (found != std::string_view::npos)
        std::from_chars(text.data() + found + key.size(), text.data() + text.size(), number);
    return number;
}

class Worker {
 public:
    Worker(const LoadPlan& plan, unsigned run, unsigned thread)
        : request_(plan, run, thread),
          reader_(plan.mode == Mode::bulk ? ResponseReader::Keep::size_only : ResponseReader::Keep::body) {}

    void work(const support::TlsClient& client, const LoadPlan& plan, std::latch& ready,
              const std::atomic<bool>& stop) {
        auto transport = support::Transport::connect(client, plan.transport);
        ready.arrive_and_wait();
        if (!transport) {
            result.failures = 1;
            return;
        }
        while (!stop.load(std::memory_order_relaxed)) {
            if (exchange(**transport)) continue;
            result.failures = 1;
            break;
        }
        result.calls = (*transport)->counts();
        (*transport)->shutdown();
    }

    LoadResult result;

 private:
    bool exchange(support::Transport& transport) {
        const auto began = Clock::now();
        auto first = began;
        if (!transport.write(request_.next())) return false;
        reader_.begin();
        bool started = false;
        while (!reader_.finished()) {
            const std::size_t got = transport.read(buffer_, sizeof buffer_);
            if (got == 0) return false;
            reader_.feed({buffer_, got});
            if (!started && reader_.body_started()) {
                first = Clock::now();
                started = true;
            }
        }
        if (!reader_.whole() || reader_.status() != 200) return false;
        result.latencies_ms.push_back(milliseconds(Clock::now() - began));
        result.first_ms.push_back(milliseconds(first - began));
        count_tokens();
        ++result.exchanges;
        return true;
    }

    // Quotes are escaped in JSON strings, so the last such mark is the usage object's.
    void count_tokens() {
        const std::size_t usage = reader_.body().rfind(R"("usage": {)");
        const std::size_t found = usage != std::string::npos ? usage : reader_.body().rfind(R"("usage":{)");
        if (found == std::string::npos) return;
        const std::string_view tail = std::string_view(reader_.body()).substr(found);
        result.input_tokens += number_after(tail, R"("prompt_tokens":)");
        result.output_tokens += number_after(tail, R"("completion_tokens":)");
    }

    Request request_;
    ResponseReader reader_;
    char buffer_[kReadSize];
};

void add(LoadResult& total, const LoadResult& part) {
    total.exchanges += part.exchanges;
    total.failures += part.failures;
    total.input_tokens += part.input_tokens;
    total.output_tokens += part.output_tokens;
    total.calls.reads += part.calls.reads;
    total.calls.writes += part.calls.writes;
    total.calls.read_bytes += part.calls.read_bytes;
    total.calls.written_bytes += part.calls.written_bytes;
    total.latencies_ms.insert(total.latencies_ms.end(), part.latencies_ms.begin(), part.latencies_ms.end());
    total.first_ms.insert(total.first_ms.end(), part.first_ms.begin(), part.first_ms.end());
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

float percentile(const std::vector<float>& sorted, double share) {
    if (sorted.empty()) return 0;
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

std::string_view name_of(Mode mode) {
    switch (mode) {
        case Mode::stream:
            return "stream";
        case Mode::json:
            return "json";
        case Mode::bulk:
            return "bulk";
        case Mode::paced:
            return "paced";
    }
    return "";
}

}  // namespace

LoadResult run_load(const support::TlsClient& client, const LoadPlan& plan, unsigned run) {
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    std::latch ready(plan.threads + 1);
    std::atomic<bool> stop{false};
    for (unsigned i = 0; i < plan.threads; ++i) {
        workers.push_back(std::make_unique<Worker>(plan, run, i));
        threads.emplace_back(&Worker::work, workers.back().get(), std::cref(client), std::cref(plan), std::ref(ready),
                             std::cref(stop));
    }
    rusage before{};
    rusage after{};
    ready.arrive_and_wait();
    getrusage(RUSAGE_SELF, &before);
    const auto began = Clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(plan.seconds));
    stop = true;
    for (std::thread& thread : threads)
        thread.join();
    LoadResult total;
    total.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    getrusage(RUSAGE_SELF, &after);
    for (const auto& worker : workers)
        add(total, worker->result);
    std::sort(total.latencies_ms.begin(), total.latencies_ms.end());
    std::sort(total.first_ms.begin(), total.first_ms.end());
    total.cpu_user_s = seconds(after.ru_utime) - seconds(before.ru_utime);
    total.cpu_system_s = seconds(after.ru_stime) - seconds(before.ru_stime);
    return total;
}

std::string to_json(const LoadPlan& plan, const LoadResult& result) {
    const support::CallCounts& calls = result.calls;
    return fmt::format(
        R"({{"mode":"{}","threads":{},"seconds":{:.3f},"exchanges":{},"failures":{},"exchanges_per_s":{:.1f},)"
        R"("ssl_reads":{},"ssl_writes":{},"ssl_calls_per_s":{:.0f},"read_bytes":{},"written_bytes":{},"mb_per_s":{:.1f},)"
        R"("input_tokens":{},"output_tokens":{},"p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},"first_p50_ms":{:.3f},)"
        R"("first_p99_ms":{:.3f},"cpu_user_s":{:.3f},"cpu_system_s":{:.3f}}})",
        name_of(plan.mode), plan.threads, result.seconds, result.exchanges, result.failures,
        static_cast<double>(result.exchanges) / result.seconds, calls.reads, calls.writes,
        static_cast<double>(calls.reads + calls.writes) / result.seconds, calls.read_bytes, calls.written_bytes,
        static_cast<double>(calls.read_bytes + calls.written_bytes) / 1e6 / result.seconds, result.input_tokens,
        result.output_tokens, percentile(result.latencies_ms, 0.5), percentile(result.latencies_ms, 0.99),
        percentile(result.latencies_ms, 1.0), percentile(result.first_ms, 0.5), percentile(result.first_ms, 0.99),
        result.cpu_user_s, result.cpu_system_s);
}

}  // namespace llmsnoop::bench
