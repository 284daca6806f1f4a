#include "exporters/record_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/base/clock.h"
#include "agent/base/printable.h"
#include "agent/base/utf8.h"
#include "exporters/record_timing.h"

namespace llmsnoop::exporters {

namespace {

using model::Exchange;

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string_view title;
    std::size_t width;
    Align align;
};

enum ColumnName : std::uint8_t {
    time,
    process,
    provider,
    model_name,
    operation,
    status,
    in,
    cached,
    generated,
    reason,
    ttft,
    took
};

constexpr Column kColumns[] = {
    {"TIME", 13, Align::left},   {"PROCESS", 22, Align::left},   {"PROVIDER", 12, Align::left},
    {"MODEL", 26, Align::left},  {"OPERATION", 12, Align::left}, {"STATUS", 11, Align::left},
    {"IN", 7, Align::right},     {"CACHED", 7, Align::right},    {"OUT", 7, Align::right},
    {"REASON", 7, Align::right}, {"TTFT", 7, Align::right},      {"TOOK", 7, Align::right},
};

constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";

// Characters, which is the width of most of what stands here.
std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        text.remove_prefix(base::decode_utf8(text).length);
        ++width;
    }
    return width;
}

class Line {
 public:
    Line(std::string& out, Colour colour) : out_(out), colour_(colour) {}

    void cell(ColumnName name, std::string_view given, std::string_view paint = {}) {
        const std::string text = given.empty() ? "-" : base::printable(given);
        const Column& column = kColumns[name];
        const std::size_t width = width_of(text);
        const std::size_t fill = width < column.width ? column.width - width : 0;
        if (column.align == Align::right) out_.append(fill, ' ');
        painted(text, paint);
        if (column.align == Align::left) out_.append(fill, ' ');
        out_.push_back(' ');
    }

    void note(std::string_view text, std::string_view paint = {}) {
        out_.push_back(' ');
        painted(base::printable(text), paint);
    }

    void end() {
        out_.erase(out_.find_last_not_of(' ') + 1);
        out_.push_back('\n');
    }

 private:
    void painted(std::string_view text, std::string_view paint) {
        const bool paints = colour_ == Colour::on && !paint.empty();
        if (paints) out_.append(paint);
        out_.append(text);
        if (paints) out_.append(kPlain);
    }

    std::string& out_;
    Colour colour_;
};

std::string address_of(const model::Endpoint& endpoint) {
    const std::string address = model::to_string(endpoint.address);
    if (address.find(':') != std::string::npos) return fmt::format("[{}]:{}", address, endpoint.port);
    return fmt::format("{}:{}", address, endpoint.port);
}

std::string who(const Exchange& exchange) {
    const model::Identity& identity = exchange.identity;
    if (identity.pod && !identity.pod->name.empty()) {
        return fmt::format("{}/{}", identity.pod->namespace_name, identity.pod->name);
    }
    if (identity.process.key.pid != 0) return fmt::format("{}[{}]", identity.process.comm, identity.process.key.pid);
    return exchange.net.local ? address_of(*exchange.net.local) : std::string();
}

std::string count_text(model::Count count, bool counted_here) {
    if (!count) return "-";
    return fmt::format("{}{}", counted_here ? "~" : "", *count);
}

std::string duration_text(std::optional<base::Duration> duration) {
    if (!duration) return "-";
    const double ms = base::milliseconds(*duration);
    if (ms < 1000) return fmt::format("{:.0f}ms", ms);
    if (ms < 100'000) return fmt::format("{:.2f}s", ms / 1000);
    return fmt::format("{:.0f}s", ms / 1000);
}

void write_status(Line& line, const Exchange& exchange) {
    const bool failed = exchange.http.status.value_or(0) >= 400 || exchange.llm.error;
    const std::string text = exchange.http.status ? std::to_string(*exchange.http.status) : "-";
    line.cell(status, text, failed ? kRed : kGreen);
}

void write_tokens(Line& line, const model::Usage& usage) {
    const bool estimated = usage.source == model::UsageSource::estimated;
    // `partial` does not say which of the two was counted here; either may be.
    const bool partial = usage.source == model::UsageSource::partial;
    line.cell(in, count_text(usage.input, estimated || partial));
    line.cell(cached, count_text(usage.cache_read, estimated));
    line.cell(generated, count_text(usage.output, estimated || partial));
    line.cell(reason, count_text(usage.reasoning, estimated));
}

void write_notes(Line& line, const Exchange& exchange) {
    if (exchange.role == model::Role::server) line.note("server");
    if (exchange.completeness != model::Completeness::complete) {
        line.note(model::name_of(exchange.completeness), kYellow);
    }
    if (exchange.llm.error) {
        const model::LlmError& error = *exchange.llm.error;
        const std::string& what = error.type.empty() ? error.code : error.type;
        line.note(what.empty() ? "error" : "error " + what, kRed);
    }
    if (exchange.http.retry.value_or(0) > 0) line.note(fmt::format("retry {}", *exchange.http.retry), kYellow);
    if (!exchange.findings.empty()) line.note(fmt::format("findings {}", exchange.findings.size()), kYellow);
    if (!exchange.llm.tool_calls.empty()) {
        std::string names;
        for (const model::ToolCall& tool : exchange.llm.tool_calls) {
            names.append(names.empty() ? "" : ",").append(tool.name);
            if (names.size() > 60) {
                names.append(",...");
                break;
            }
        }
        line.note("tools " + names, kDim);
    }
    if (exchange.cost) line.note(fmt::format("${:.6f}", exchange.cost->usd), kDim);
}

}  // namespace

void append_record_text(std::string& out, const model::Cleared<Exchange>& cleared, Colour colour) {
    const Exchange& exchange = *cleared;
    const model::LlmCall& call = exchange.llm;
    Line line(out, colour);
    const std::string stamp = base::rfc3339(exchange.timing.started);  // the time of day, to the millisecond
    line.cell(time, stamp.size() >= 23 ? stamp.substr(11, 12) + "Z" : stamp, kDim);
    line.cell(process, who(exchange));
    line.cell(provider, call.provider);
    line.cell(model_name, call.response_model.empty() ? call.request_model : call.response_model, kBold);
    line.cell(operation, call.operation);
    write_status(line, exchange);
    write_tokens(line, exchange.usage);
    line.cell(ttft, duration_text(time_to_first_token(exchange)));
    line.cell(took, duration_text(duration_of(exchange)));
    write_notes(line, exchange);
    line.end();
}

void append_record_text_header(std::string& out, Colour colour) {
    Line line(out, colour);
    for (std::size_t i = 0; i < std::size(kColumns); ++i) {
        line.cell(static_cast<ColumnName>(i), kColumns[i].title, kBold);
    }
    line.note("NOTES", kBold);
    line.end();
}

}  // namespace llmsnoop::exporters
