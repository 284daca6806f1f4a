#include "tests/support/clients/exchange.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include "agent/base/sha256.h"
#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kReadSize = 16384;  // one TLS record at most
constexpr std::size_t kMaxDecoded = std::size_t{256} << 20;

double milliseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Exchange::Exchange(Transport& transport, const CallPlan& plan, std::string_view mark, std::uint64_t seed,
                   std::size_t write_size)
    : transport_(transport), plan_(plan), request_(make_request(plan, mark, seed)), write_size_(write_size) {
    reader_.begin();
}

bool Exchange::send() {
    began_ = ended_ = Clock::now();
    if (plan_.expect_continue) return write_cut(request_.head) && wait_for_continue() && write_cut(request_.body);
    return write_cut(request_.head + request_.body);
}

bool Exchange::write_cut(std::string_view bytes) {
    if (write_size_ == 0) return transport_.write(bytes);
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, write_size_);
        if (!transport_.write(part)) return false;
        bytes.remove_prefix(part.size());
    }
    return true;
}

bool Exchange::wait_for_continue() {
    char block[kReadSize];
    while (!reader_.continued() && !reader_.finished()) {
        const std::size_t got = transport_.read(block, sizeof block);
        if (got == 0) return false;
        reader_.feed({block, got});
    }
    return reader_.continued();
}

bool Exchange::receive_some(std::string& early) {
    if (!early.empty()) {
        early.erase(0, reader_.feed(early));
    } else {
        char block[kReadSize];
        const std::size_t got = transport_.read(block, sizeof block);
        if (got == 0) {
            reader_.feed_end();
        } else {
            const std::size_t used = reader_.feed({block, got});
            early.assign(block + used, got - used);
        }
    }
    if (reader_.body_started() && !first_) first_ = Clock::now();
    if (!reader_.finished()) return true;
    ended_ = Clock::now();
    return false;
}

bool Exchange::receive_all(std::string& early) {
    while (receive_some(early)) {
    }
    return reader_.whole();
}

ExchangeReport Exchange::report(unsigned connection, unsigned number) const {
    ExchangeReport report;
    report.api = plan_.api;
    report.request_model = model_of(plan_);
    report.local_port = transport_.port();
    report.connection = connection;
    report.exchange = number;
    report.status = reader_.status();
    report.stream = plan_.stream;
    report.whole = reader_.whole();
    const Coding coding = coding_named(reader_.encoding()).value_or(Coding::identity);
    const Decompressed body = decompress(coding, reader_.body(), kMaxDecoded);
    report.facts = read_answer(body.bytes);
    report.request_bytes = request_.body_bytes;
    report.response_bytes = reader_.body_bytes();
    report.request_sha256 = base::sha256_hex(request_.json);
    report.response_sha256 = base::sha256_hex(body.bytes);
    report.milliseconds = milliseconds(ended_ - began_);
    if (first_) report.first_milliseconds = milliseconds(*first_ - began_);
    return report;
}

std::string to_json_line(const ExchangeReport& report) {
    nlohmann::ordered_json line;
    const auto set = [&line](const char* name, const std::optional<std::uint64_t>& value) {
        line[name] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
    };
    line["pid"] = getpid();
    line["api"] = name_of(report.api);
    line["connection"] = report.connection;
    line["exchange"] = report.exchange;
    line["local_port"] = report.local_port;
    line["status"] = report.status;
    line["stream"] = report.stream;
    line["whole"] = report.whole;
    line["id"] = report.facts.id.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(report.facts.id);
    line["request_model"] = report.request_model;
    line["model"] = report.facts.model;
    if (!report.facts.error_type.empty()) line["error_type"] = report.facts.error_type;
    set("input_tokens", report.facts.input);
    set("output_tokens", report.facts.output);
    set("cache_read_tokens", report.facts.cache_read);
    set("cache_write_tokens", report.facts.cache_write);
    set("reasoning_tokens", report.facts.reasoning);
    line["events"] = report.facts.events;
    line["request_bytes"] = report.request_bytes;
    line["response_bytes"] = report.response_bytes;
    line["request_body_sha256"] = report.request_sha256;
    line["response_body_sha256"] = report.response_sha256;
    line["ms"] = report.milliseconds;
    line["first_ms"] = report.first_milliseconds;
    return line.dump();
}

}  // namespace llmsnoop::support
