#include "exporters/store/usage_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "agent/base/printable.h"
#include "agent/base/utf8.h"

namespace llmsnoop::exporters::store {

namespace {

using Cells = std::vector<std::string>;

constexpr std::size_t kWidest = 48;  // of a group's text; a longer one is cut

// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t value) {
    std::string out = std::to_string(value);
    for (std::size_t at = out.size(); at > 3; at -= 3)
        out.insert(at - 3, ",");
    return out;
}

std::string count_text(const Sum& sum, bool estimated) {
    if (sum.known == 0) return "-";
    return (estimated ? "~" : "") + grouped(sum.sum) + (sum.unknown > 0 ? "+" : "");
}

std::string duration_text(const Distribution& distribution, double Distribution::*which) {
    if (distribution.count == 0) return "-";
    const double ms = distribution.*which;
    if (ms < 999.5) return fmt::format("{:.0f}ms", ms);
    if (ms < 59'950) return fmt::format("{:.2f}s", ms / 1000);
    if (ms < 3'599'500)
        return fmt::format("{:.0f}m{:02.0f}s", std::floor(ms / 60'000), std::floor(std::fmod(ms, 60'000) / 1000));
    return fmt::format("{:.0f}h{:02.0f}m", std::floor(ms / 3'600'000), std::floor(std::fmod(ms, 3'600'000) / 60'000));
}

std::string cost_text(const UsageValues& values) {
    if (!values.cost_usd) return "-";
    const double usd = *values.cost_usd;
    const std::string text = std::abs(usd) < 1 ? fmt::format("${:.6f}", usd) : fmt::format("${:.2f}", usd);
    return text + (values.unpriced > 0 ? "+" : "");
}

std::string upper(std::string text) {
    if (const std::size_t colon = text.find(':'); colon != std::string::npos) return text.substr(colon + 1);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return text;
}

const Cells& value_headers() {
    static const Cells kHeaders{"REQUESTS", "ERRORS", "INPUT", "CACHE_READ", "CACHE_WRITE", "OUTPUT", "REASONING",
                                "COST",     "AVG",    "P50",   "P95",        "P99",         "TTFT"};
    return kHeaders;
}

Cells value_cells(const UsageValues& values) {
    const bool estimated = values.estimated > 0;
    return {grouped(values.requests),
            grouped(values.errors),
            count_text(values.input, estimated),
            count_text(values.cache_read, false),
            count_text(values.cache_write, false),
            count_text(values.output, estimated),
            count_text(values.reasoning, false),
            cost_text(values),
            duration_text(values.duration_ms, &Distribution::average),
            duration_text(values.duration_ms, &Distribution::p50),
            duration_text(values.duration_ms, &Distribution::p95),
            duration_text(values.duration_ms, &Distribution::p99),
            duration_text(values.ttft_ms, &Distribution::p50)};
}

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string group_text(const std::optional<std::string>& value) {
    if (!value) return "-";
    std::string text = base::printable(*value);
    if (text.size() > kWidest) text = std::string(base::utf8_prefix(text, kWidest - 1)) + "…";
    return text;
}

// Columns as wide as their widest cell; the first `left` are texts.
std::string aligned(const std::vector<Cells>& lines, std::size_t left) {
    std::vector<std::size_t> widths(lines.front().size(), 0);
    for (const Cells& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], width_of(line[i]));
    }
    std::string out;
    for (const Cells& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string padding(widths[i] - width_of(line[i]), ' ');
            if (i > 0) text += "  ";
            text += i < left ? line[i] + padding : padding + line[i];
        }
        text.resize(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    }
    return out;
}

std::string notes(const UsageReport& report) {
    std::string out;
    const UsageValues& total = report.total;
    if (report.groups > report.rows.size())
        out += fmt::format("{} of {} groups; the total is of all\n", report.rows.size(), report.groups);
    if (total.estimated > 0) out += fmt::format("~ holds estimates, of {} requests\n", total.estimated);
    if (total.input.unknown > 0 || total.output.unknown > 0) {
        out += fmt::format("+ more: input is unknown of {} requests, output of {}\n", total.input.unknown,
                           total.output.unknown);
    }
    if (total.unpriced > 0) out += fmt::format("no cost is known of {} requests that used tokens\n", total.unpriced);
    return out;
}

// RFC 4180, and no formula: CWE-1236.
std::string csv_text(const std::string& text) {
    std::string out = text;
    if (!out.empty() && std::string_view("=+-@\t\r").find(out[0]) != std::string_view::npos) out.insert(0, "'");
    if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
    std::string quoted = "\"";
    for (const char c : out)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csv_sum(const Sum& sum) {
    return sum.known > 0 ? std::to_string(sum.sum) : "";
}

}  // namespace

base::Result<UsageFormat> parse_usage_format(std::string_view text) {
    if (text == "table") return UsageFormat::table;
    if (text == "json") return UsageFormat::json;
    if (text == "csv") return UsageFormat::csv;
    return base::error("'" + std::string(text) + "' is no format: want table, json or csv", base::Error::Kind::usage);
}

std::string usage_table(const UsageReport& report) {
    std::vector<Cells> lines(1);
    for (const std::string& dimension : report.dimensions)
        lines[0].push_back(upper(dimension));
    lines[0].insert(lines[0].end(), value_headers().begin(), value_headers().end());
    const auto add = [&](Cells group, const UsageValues& values) {
        const Cells cells = value_cells(values);
        group.insert(group.end(), cells.begin(), cells.end());
        lines.push_back(std::move(group));
    };
    for (const UsageRow& row : report.rows) {
        Cells group;
        for (const auto& value : row.group)
            group.push_back(group_text(value));
        add(std::move(group), row.values);
    }
    if (!report.dimensions.empty()) {
        Cells group(report.dimensions.size());
        group[0] = "TOTAL";
        add(std::move(group), report.total);
    } else if (report.rows.empty()) {
        add({}, report.total);
    }
    return aligned(lines, report.dimensions.size()) + notes(report);
}

std::string usage_csv(const UsageReport& report) {
    std::string out;
    for (const std::string& dimension : report.dimensions)
        out += csv_text(dimension) + ",";
    out +=
        "requests,errors,input_tokens,input_unknown,output_tokens,output_unknown,cache_read_tokens,cache_write_tokens,"
        "reasoning_tokens,estimated,cost_usd,unpriced,duration_avg_ms,duration_p50_ms,duration_p95_ms,duration_p99_ms,"
        "ttft_avg_ms,ttft_p50_ms,ttft_p95_ms,ttft_p99_ms\r\n";
    for (const UsageRow& row : report.rows) {
        for (const auto& value : row.group)
            out += (value ? csv_text(*value) : "") + ",";
        const UsageValues& v = row.values;
        out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}", v.requests, v.errors, csv_sum(v.input),
                           v.input.unknown, csv_sum(v.output), v.output.unknown, csv_sum(v.cache_read),
                           csv_sum(v.cache_write), csv_sum(v.reasoning), v.estimated,
                           v.cost_usd ? fmt::format("{}", *v.cost_usd) : "", v.unpriced);
        for (const Distribution* one : {&v.duration_ms, &v.ttft_ms}) {
            out += one->count > 0 ? fmt::format(",{},{},{},{}", one->average, one->p50, one->p95, one->p99) : ",,,,";
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace llmsnoop::exporters::store
