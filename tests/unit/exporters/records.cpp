#include "tests/unit/exporters/records.h"

#include <array>
#include <limits>

namespace llmsnoop::exporters {

namespace {

using model::Content;
using model::Exchange;
using std::chrono::milliseconds;

model::LossCounters g_losses;

std::string hex(char digit) {
    return std::string(64, digit);
}

std::string ulid(std::mt19937& random) {
    static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string id;
    for (int i = 0; i < 26; ++i)
        id.push_back(kDigits[random() % 32]);
    return id;
}

std::string text(std::mt19937& random) {
    static const std::array<std::string, 12> kTexts{"",
                                                    "plain",
                                                    "quote \" backslash \\ slash /",
                                                    "line\nfeed\ttab\r\x01\x1f\x7f",
                                                    "r\u00e9sum\u00e9 \u65e5\u672c \U0001F600",
                                                    "ill\xff\xc0\xaf-formed\xed\xa0\x80",
                                                    "cut \xe2\x82",
                                                    std::string("nul\0nul", 7),
                                                    "\u0085\u202e\u2028",
                                                    "{\"json\":[1,2]}",
                                                    std::string(5000, 'x'),
                                                    "</script>"};
    return kTexts[random() % kTexts.size()];
}

bool maybe(std::mt19937& random) {
    return random() % 2 == 0;
}

model::Count count(std::mt19937& random) {
    static constexpr std::array<std::uint64_t, 5> kCounts{0, 1, 1234, 1ULL << 53,
                                                          std::numeric_limits<std::uint64_t>::max()};
    return maybe(random) ? model::Count(kCounts[random() % kCounts.size()]) : std::nullopt;
}

double amount(std::mt19937& random) {
    static constexpr std::array<double, 7> kAmounts{0,
                                                    1,
                                                    0.1,
                                                    1e-12,
                                                    123456789.125,
                                                    std::numeric_limits<double>::infinity(),
                                                    std::numeric_limits<double>::quiet_NaN()};
    return kAmounts[random() % kAmounts.size()];
}

model::Endpoint endpoint(std::initializer_list<std::uint8_t> bytes, std::uint16_t port) {
    model::Endpoint out;
    out.address.family = bytes.size() == 4 ? model::Address::Family::ipv4 : model::Address::Family::ipv6;
    std::copy(bytes.begin(), bytes.end(), out.address.bytes.begin());
    out.port = port;
    return out;
}

}  // namespace

model::Cleared<Exchange> cleared(Exchange exchange, policy::ContentMode content) {
    policy::Policy policy;
    policy.content = content;
    return policy::Gate(policy, g_losses).clear(std::move(exchange));
}

model::Cleared<model::ExchangeStarted> cleared(model::ExchangeStarted started) {
    return policy::Gate({}, g_losses).clear(std::move(started));
}

Exchange bare_exchange() {
    Exchange exchange;
    exchange.id = "01JD4Z0000000000000000000A";
    exchange.timing.started = kStarted;
    return exchange;
}

Exchange full_exchange() {
    Exchange exchange = bare_exchange();
    exchange.pair = "01JD4Z0000000000000000000B";
    exchange.role = model::Role::client;
    exchange.net = {model::Transport::tls,
                    model::Library::openssl,
                    model::Protocol::http1,
                    endpoint({10, 0, 0, 2}, 40000),
                    endpoint({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 443),
                    "api.openai.com"};
    exchange.http.method = "POST";
    exchange.http.path = "/v1/chat/completions?beta=1";
    exchange.http.authority = "api.openai.com";
    exchange.http.status = 200;
    exchange.http.request_bytes = 311;
    exchange.http.response_bytes = 4096;
    exchange.http.retry = 1;
    exchange.http.request_sha256 = hex('a');
    exchange.http.response_sha256 = hex('b');
    model::LlmCall& call = exchange.llm;
    call.provider = "openai";
    call.dialect = "openai.chat";
    call.operation = "chat";
    call.request_model = "gpt-4o";
    call.response_model = "gpt-4o-2024-08-06";
    call.response_id = "chatcmpl-1";
    call.service_tier = "default";
    call.stream = true;
    call.choices = 1;
    call.finish_reasons = {"tool_calls"};
    call.tool_calls = {{"look_up", "call_1", Content(std::string(R"({"q":"x"})"))}};
    call.error = model::LlmError{"server_error", "500", Content(std::string("later"))};
    call.prompt = {{"user", Content(std::string("Hello")), 1}};
    call.completion = {{"assistant", Content(std::string("Hi.")), 0}};
    call.reasoning = Content(std::string("A greeting."));
    call.tool_definitions = Content(std::string(R"([{"name":"look_up"}])"));
    call.timing.first = kStarted + milliseconds(312);
    call.timing.last = kStarted + milliseconds(1500);
    call.timing.gaps_us = {10'000, 20'000, 30'000, 40'000};
    exchange.usage = {
        1234, 56, 1000, 10, 20, 1290, model::UsageSource::adjusted, "reasoning_outside", {{"audio_tokens", 3}}};
    exchange.cost = model::Cost{0.0125, model::Cost::Source::table, "genai-prices 2026-11-01"};
    exchange.timing.request_ended = kStarted + milliseconds(5);
    exchange.timing.response_started = kStarted + milliseconds(300);
    exchange.timing.ended = kStarted + milliseconds(1520);
    model::Process& process = exchange.identity.process;
    process.key = {4711, 99};
    process.ppid = 1;
    process.comm = "python3";
    process.exe = "/usr/bin/python3.11";
    process.uid = 1000;
    process.start_time = kStarted - std::chrono::seconds(60);
    process.cgroup = "/system.slice/app.service";
    process.args_sha256 = hex('c');
    exchange.identity.container = model::Container{hex('d'), "containerd", "app", "registry.example/app:1"};
    exchange.identity.pod =
        model::Pod{"prod",   "app-7c9",    "8d3c", "app",
                   "node-1", "Deployment", "app",  {{"team", "search"}, {"example.com/cost-centre", "4711"}}};
    exchange.findings = {{"budget.near", "low", "usage", 1}};
    return exchange;
}

Exchange chat_exchange(const std::string& comm, const std::string& model, std::uint64_t input, std::uint64_t output) {
    Exchange exchange = bare_exchange();
    exchange.identity.process.key = {4711, 99};
    exchange.identity.process.comm = comm;
    exchange.http.method = "POST";
    exchange.http.path = "/v1/chat/completions";
    exchange.http.status = 200;
    exchange.llm.provider = "openai";
    exchange.llm.dialect = "openai.chat";
    exchange.llm.operation = "chat";
    exchange.llm.request_model = model;
    exchange.llm.stream = true;
    exchange.llm.timing.first = kStarted + milliseconds(300);
    exchange.llm.timing.last = kStarted + milliseconds(900);
    exchange.usage.input = input;
    exchange.usage.output = output;
    exchange.usage.source = model::UsageSource::reported;
    exchange.timing.ended = kStarted + milliseconds(1000);
    return exchange;
}

Exchange random_exchange(std::mt19937& random) {
    Exchange exchange;
    exchange.id = ulid(random);
    if (maybe(random)) exchange.pair = ulid(random);
    exchange.role = maybe(random) ? model::Role::client : model::Role::server;
    exchange.net.transport = maybe(random) ? model::Transport::tls : model::Transport::plain;
    exchange.net.library = static_cast<model::Library>(random() % 6);
    exchange.net.protocol = static_cast<model::Protocol>(random() % 4);
    if (maybe(random)) exchange.net.local = endpoint({127, 0, 0, 1}, 0);
    if (maybe(random)) exchange.net.peer = endpoint({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}, 65535);
    exchange.net.server_name = text(random);
    exchange.http.method = text(random);
    exchange.http.path = "/" + text(random) + "?k=" + text(random);
    exchange.http.authority = text(random);
    if (maybe(random)) exchange.http.status = maybe(random) ? 200 : 429;
    exchange.http.request_bytes = count(random).value_or(0);
    if (maybe(random)) exchange.http.retry = random() % 3;

    model::LlmCall& call = exchange.llm;
    for (std::string* field : {&call.provider, &call.dialect, &call.operation, &call.request_model,
                               &call.response_model, &call.response_id, &call.service_tier}) {
        *field = text(random);
    }
    if (maybe(random)) call.stream = maybe(random);
    if (maybe(random)) call.choices = random() % 4;
    for (unsigned n = random() % 3; n > 0; --n)
        call.finish_reasons.push_back(text(random));
    for (unsigned n = random() % 3; n > 0; --n)
        call.tool_calls.push_back({text(random), text(random), Content(text(random))});
    if (maybe(random)) call.error = model::LlmError{text(random), text(random), Content(text(random))};
    for (unsigned n = random() % 3; n > 0; --n) {
        call.prompt.push_back({text(random), Content(text(random)), static_cast<std::uint32_t>(random() % 2)});
        call.completion.push_back({text(random), Content(text(random)), 0});
    }
    call.reasoning = Content(text(random));
    call.tool_definitions = Content(text(random));
    call.prompt_cut = maybe(random);
    if (maybe(random)) call.timing.first = kStarted + milliseconds(random() % 5000);
    if (maybe(random)) call.timing.last = kStarted + milliseconds(random() % 5000);
    for (unsigned n = random() % 5; n > 0; --n)
        call.timing.gaps_us.push_back(static_cast<std::uint32_t>(random()));

    model::Usage& usage = exchange.usage;
    for (model::Count* field :
         {&usage.input, &usage.output, &usage.cache_read, &usage.cache_write, &usage.reasoning, &usage.total}) {
        *field = count(random);
    }
    usage.source = static_cast<model::UsageSource>(random() % 5);
    usage.adjusted_by = text(random);
    for (unsigned n = random() % 4; n > 0; --n)
        usage.details.emplace_back(text(random), amount(random));
    if (maybe(random)) exchange.cost = model::Cost{amount(random), model::Cost::Source::provider, text(random)};

    exchange.timing.started = kStarted + std::chrono::nanoseconds(random());
    if (maybe(random)) exchange.timing.request_ended = kStarted + milliseconds(random() % 9000);
    if (maybe(random)) exchange.timing.ended = kStarted + milliseconds(random() % 9000);

    model::Process& process = exchange.identity.process;
    if (maybe(random)) process.key.pid = 1 + random() % 4'000'000;
    if (maybe(random)) process.ppid = 0;
    if (maybe(random)) process.uid = 4'294'967'295U;
    if (maybe(random)) process.start_time = base::Time{};
    process.comm = text(random);
    process.exe = text(random);
    process.cgroup = text(random);
    if (maybe(random))
        exchange.identity.container = model::Container{text(random), text(random), text(random), text(random)};
    if (maybe(random)) {
        exchange.identity.pod = model::Pod{text(random), text(random), text(random), text(random),
                                           text(random), text(random), text(random)};
        if (maybe(random)) exchange.identity.pod->labels = {{"a", text(random)}, {"a/b", "x"}};
    }
    if (maybe(random)) exchange.identity.systemd_unit = text(random);
    exchange.completeness = static_cast<model::Completeness>(random() % 6);
    return exchange;
}

}  // namespace llmsnoop::exporters
