#include "tests/store/exchanges.h"

#include <array>
#include <cmath>

namespace llmsnoop::tests {

namespace {

struct Model {
    const char* provider;
    const char* asked;
    const char* answered;
    double dollars;  // a token, or thereabouts
};
constexpr std::array<Model, 6> kModels{{{"openai", "gpt-4o", "gpt-4o-2024-08-06", 5e-6},
                                        {"openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 3e-7},
                                        {"anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 6e-6},
                                        {"gcp.gemini", "gemini-2.5-flash", "", 5e-7},
                                        {"aws.bedrock", "anthropic.claude-3-haiku", "", 0},
                                        {"self_hosted", "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct", 0}}};
constexpr std::array<const char*, 5> kNamespaces{"shop", "search", "support", "batch", "default"};
constexpr std::array<const char*, 4> kProcesses{"python3", "node", "java", "worker"};
constexpr std::uint64_t kPods = 60;

}  // namespace

ExchangeMaker::ExchangeMaker(std::uint64_t seed, base::Time start, base::Duration apart)
    : random_(seed), time_(start), apart_(apart), gate_({}, losses_) {}

// 48 bits of milliseconds, 80 of chance, in Crockford's base 32.
std::string ExchangeMaker::id_of(base::Time time) {
    static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string id(26, '0');
    auto ms = static_cast<std::uint64_t>(base::unix_ns(time) / 1'000'000);
    for (std::size_t i = 10; i-- > 0; ms /= 32)
        id[i] = kDigits[ms % 32];
    for (std::size_t i = 10; i < id.size(); ++i)
        id[i] = kDigits[random_() % 32];
    return id;
}

model::Cleared<model::Exchange> ExchangeMaker::next() {
    const auto below = [this](std::uint64_t limit) { return random_() % limit; };
    model::Exchange out;
    time_ += apart_;
    out.timing.started = time_;
    out.id = id_of(time_);
    const Model& model = kModels[below(kModels.size())];
    const std::uint64_t pod = below(kPods);
    const std::string workload = "app-" + std::to_string(pod / 3);
    model::Identity& identity = out.identity;
    identity.process.key = {static_cast<std::uint32_t>(1000 + pod * 7 + below(3)), 1};
    identity.process.comm = kProcesses[pod % kProcesses.size()];
    identity.process.exe = "/usr/bin/" + identity.process.comm;
    identity.process.uid = 1000 + static_cast<std::uint32_t>(pod % 4);
    identity.process.cgroup = "/kubepods.slice/kubepods-burstable.slice/pod" + std::to_string(pod);
    if (pod % 10 != 0) {
        identity.container = model::Container{std::string(60, 'a') + std::to_string(1000 + pod), "containerd", "main",
                                              "registry.example/" + workload + ":1.4.2"};
        identity.pod = model::Pod{kNamespaces[pod % kNamespaces.size()],
                                  workload + "-7c9d8f6b5-x" + std::to_string(pod),
                                  "0b0f5d3e-6a3c-4a51-9a52-0000000000" + std::to_string(10 + pod),
                                  "main",
                                  "node-1",
                                  "Deployment",
                                  workload};
    }
    out.net = {model::Transport::tls, model::Library::openssl, model::Protocol::http1, {}, {}, "api.example.com"};
    out.http.method = "POST";
    out.http.path = "/v1/chat/completions";
    out.http.authority = "api.example.com";
    out.http.request_bytes = 500 + below(20'000);
    out.http.response_bytes = 300 + below(8000);
    model::LlmCall& call = out.llm;
    call.provider = model.provider;
    call.dialect = "openai.chat";
    call.operation = below(12) == 0 ? "embeddings" : "chat";
    call.request_model = model.asked;
    call.response_model = model.answered;
    call.response_id = "chatcmpl-" + out.id;
    call.stream = below(2) == 0;
    const double seconds = std::exp(std::normal_distribution<double>(0.3, 0.9)(random_));
    out.timing.ended = time_ + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
    if (*call.stream) {
        call.timing.first = time_ + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 2e8));
        call.timing.last = out.timing.ended;
    }
    if (below(40) == 0) {
        out.http.status = below(2) == 0 ? 429 : 500;
        call.error = model::LlmError{"rate_limit_exceeded", "429", {}};
        return gate_.clear(std::move(out));
    }
    out.http.status = 200;
    call.finish_reasons = {"stop"};
    model::Usage& usage = out.usage;
    if (below(50) != 0) {
        usage.input = 50 + below(6000);
        usage.output = 1 + below(900);
        usage.total = *usage.input + *usage.output;
        if (below(3) == 0) usage.cache_read = *usage.input / 2;
        if (below(4) == 0) usage.reasoning = *usage.output / 3;
        usage.source = below(30) == 0 ? model::UsageSource::estimated : model::UsageSource::reported;
        if (model.dollars > 0)
            out.cost =
                model::Cost{static_cast<double>(*usage.total) * model.dollars, model::Cost::Source::table, "example"};
    }
    return gate_.clear(std::move(out));
}

}  // namespace llmsnoop::tests
