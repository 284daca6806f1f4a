#include "tests/support/servers/ledger.h"

#include <sys/resource.h>

#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

// Writes members one after the other, with the commas between them.
class Members {
 public:
    explicit Members(std::string& out) : out_(out) { out_ += '{'; }

    void text(std::string_view name, std::string_view value) {
        key(name);
        out_ += '"';
        append_escaped(out_, value);
        out_ += '"';
    }
    template <std::integral Number>
    void number(std::string_view name, Number value) {
        key(name);
        append(out_, value);
    }
    void number(std::string_view name, std::optional<std::uint64_t> value) {
        if (value) {
            number(name, *value);
        } else {
            raw(name, "null");
        }
    }
    void raw(std::string_view name, std::string_view json) {
        key(name);
        out_ += json;
    }
    void flag(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
    void texts(std::string_view name, const std::vector<std::string>& values) {
        key(name);
        out_ += '[';
        std::string_view separator;
        for (const std::string& value : values) {
            append(out_, separator, "\"");
            append_escaped(out_, value);
            out_ += '"';
            separator = ",";
        }
        out_ += ']';
    }
    void end() { out_ += '}'; }

 private:
    void key(std::string_view name) {
        append(out_, first_ ? "\"" : ",\"", name, "\":");
        first_ = false;
    }

    std::string& out_;
    bool first_ = true;
};

std::string_view name_of(ExchangeState state) {
    switch (state) {
        case ExchangeState::open:
            return "open";
        case ExchangeState::whole:
            return "whole";
        case ExchangeState::cut:
            return "cut";
    }
    return "";
}

void append_entry(std::string& out, std::uint64_t number, const LedgerEntry& entry) {
    Members members(out);
    members.number("number", number);
    if (entry.truth.id.empty()) {
        members.raw("id", "null");
    } else {
        members.text("id", entry.truth.id);
    }
    members.text("api", entry.truth.api);
    members.text("request_model", entry.truth.request_model);
    members.text("model", entry.truth.model);
    members.text("path", entry.path);
    members.number("status", entry.status);
    members.text("state", name_of(entry.state));
    members.flag("stream", entry.truth.stream);
    members.number("input_tokens", entry.truth.counts.input);
    members.number("output_tokens", entry.truth.counts.output);
    members.number("cache_read_tokens", entry.truth.counts.cache_read);
    members.number("cache_write_tokens", entry.truth.counts.cache_write);
    members.number("reasoning_tokens", entry.truth.counts.reasoning);
    members.texts("finish_reasons", entry.truth.finish_reasons);
    members.texts("tool_calls", entry.truth.tool_calls);
    if (!entry.truth.error_type.empty()) members.text("error_type", entry.truth.error_type);
    members.number("request_bytes", entry.request_bytes);
    members.number("response_bytes", entry.response_bytes);
    members.text("request_body_sha256", entry.request_body_sha256);
    members.text("response_body_sha256", entry.response_body_sha256);
    members.number("client_port", entry.client_port);
    members.number("connection", entry.connection);
    members.end();
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::uint64_t Ledger::open(LedgerEntry entry) {
    const std::lock_guard lock(mutex_);
    if (keep_ == Keep::exchanges) entries_.push_back(std::move(entry));
    return ++opened_;
}

void Ledger::close(std::uint64_t number, LedgerEntry entry) {
    const std::lock_guard lock(mutex_);
    if (keep_ == Keep::totals_only) {
        // Nothing is kept to take back, so a second thought about an exchange that broke at its very end is ignored.
        if (entry.state == ExchangeState::whole) count(entry, true);
        return;
    }
    LedgerEntry& kept = entries_[number - 1];
    if (kept.state != ExchangeState::open) count(kept, false);
    kept = std::move(entry);
    count(kept, true);
}

void Ledger::count(const LedgerEntry& entry, bool add) {
    const auto step = [add](std::uint64_t& total, std::uint64_t value) { total = add ? total + value : total - value; };
    step(entry.state == ExchangeState::whole ? whole_ : cut_, 1);
    if (!entry.truth.error_type.empty()) step(errors_, 1);
    const std::string& model = entry.truth.model.empty() ? entry.truth.request_model : entry.truth.model;
    Totals& totals = totals_[{std::string(entry.truth.api), model}];
    step(totals.exchanges, 1);
    step(totals.input, entry.truth.counts.input.value_or(0));
    step(totals.output, entry.truth.counts.output.value_or(0));
    step(totals.cache_read, entry.truth.counts.cache_read.value_or(0));
    step(totals.cache_write, entry.truth.counts.cache_write.value_or(0));
    step(totals.reasoning, entry.truth.counts.reasoning.value_or(0));
}

void Ledger::count_connection() {
    const std::lock_guard lock(mutex_);
    ++connections_;
}

void Ledger::add_io(const IoCounts& counts) {
    const std::lock_guard lock(mutex_);
    io_.reads += counts.reads;
    io_.writes += counts.writes;
    io_.read_bytes += counts.read_bytes;
    io_.written_bytes += counts.written_bytes;
}

std::string Ledger::stats_json() const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const std::lock_guard lock(mutex_);
    std::string out;
    Members members(out);
    members.number("requests", opened_);
    members.number("whole", whole_);
    members.number("cut", cut_);
    members.number("errors", errors_);
    members.number("connections", connections_);
    members.number("ssl_reads", io_.reads);
    members.number("ssl_writes", io_.writes);
    members.number("read_bytes", io_.read_bytes);
    members.number("written_bytes", io_.written_bytes);
    members.raw("cpu_s", std::to_string(seconds(usage.ru_utime) + seconds(usage.ru_stime)));
    members.raw("tokens", "[");
    std::string_view separator;
    for (const auto& [key, totals] : totals_) {
        out += separator;
        Members row(out);
        row.text("api", key.first);
        row.text("model", key.second);
        row.number("exchanges", totals.exchanges);
        row.number("input_tokens", totals.input);
        row.number("output_tokens", totals.output);
        row.number("cache_read_tokens", totals.cache_read);
        row.number("cache_write_tokens", totals.cache_write);
        row.number("reasoning_tokens", totals.reasoning);
        row.end();
        separator = ",";
    }
    out += ']';
    members.end();
    return out;
}

std::string Ledger::exchanges_json(std::uint64_t since, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::string out = R"({"exchanges":[)";
    std::uint64_t number = since;
    while (number < entries_.size() && number - since < limit) {
        if (number > since) out += ",\n";
        append_entry(out, number + 1, entries_[number]);
        ++number;
    }
    append(out, R"(],"last":)", number, R"(,"more":)", number < entries_.size() ? "true" : "false", "}");
    return out;
}

}  // namespace llmsnoop::support
