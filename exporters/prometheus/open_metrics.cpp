#include "exporters/prometheus/open_metrics.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace llmsnoop::exporters {

namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// A bucket's bound is a float and must look like one, so that all exposers write the same label.
std::string bound(double value) {
    std::string text = number(value);
    if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
    return text;
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char byte : text) {
        if (byte == '\n') {
            out.append("\\n");
            continue;
        }
        if (byte == '\\' || byte == '"') out.push_back('\\');
        out.push_back(byte);
    }
}

class Text {
 public:
    void describe(const MetricFamily& family, std::string_view name) {
        const char* type = family.type == MetricType::Counter     ? "counter"
                           : family.type == MetricType::Histogram ? "histogram"
                                                                  : "gauge";
        out_.append("# TYPE ").append(name).append(" ").append(type).append("\n# HELP ").append(name).append(" ");
        append_escaped(out_, family.help);
        out_.push_back('\n');
    }

    void sample(std::string_view name, std::string_view suffix, const ClientMetric& metric, const std::string& value,
                std::string_view le = {}) {
        out_.append(name).append(suffix);
        char before = '{';
        for (const ClientMetric::Label& label : metric.label) {
            add_label(before, label.name, label.value);
            before = ',';
        }
        if (!le.empty()) {
            add_label(before, "le", le);
            before = ',';
        }
        if (before == ',') out_.push_back('}');
        out_.append(" ").append(value).push_back('\n');
    }

    std::string finish() {
        out_.append("# EOF\n");
        return std::move(out_);
    }

 private:
    void add_label(char before, std::string_view name, std::string_view value) {
        out_.push_back(before);
        out_.append(name).append("=\"");
        append_escaped(out_, value);
        out_.push_back('"');
    }

    std::string out_;
};

void add_histogram(Text& text, std::string_view name, const ClientMetric& metric) {
    bool has_infinite = false;
    for (const ClientMetric::Bucket& bucket : metric.histogram.bucket) {
        has_infinite = has_infinite || std::isinf(bucket.upper_bound);
        text.sample(name, "_bucket", metric, std::to_string(bucket.cumulative_count), bound(bucket.upper_bound));
    }
    const std::string count = std::to_string(metric.histogram.sample_count);
    if (!has_infinite) text.sample(name, "_bucket", metric, count, "+Inf");
    text.sample(name, "_count", metric, count);
    text.sample(name, "_sum", metric, number(metric.histogram.sample_sum));
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// Takes what stands before `mark` off the head of `text`.
std::string_view take_until(std::string_view& text, char mark) {
    const std::string_view head = text.substr(0, text.find(mark));
    text.remove_prefix(head.size() == text.size() ? text.size() : head.size() + 1);
    return trimmed(head);
}

}  // namespace

std::string open_metrics_text(const std::vector<MetricFamily>& families) {
    Text text;
    for (const MetricFamily& family : families) {
        std::string_view name = family.name;
        // A counter's family goes by the name without the suffix that its samples have.
        if (family.type == MetricType::Counter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
        text.describe(family, name);
        for (const ClientMetric& metric : family.metric) {
            if (family.type == MetricType::Histogram) {
                add_histogram(text, name, metric);
            } else if (family.type == MetricType::Counter) {
                text.sample(name, kTotal, metric, number(metric.counter.value));
            } else {
                text.sample(name, {}, metric, number(metric.gauge.value));
            }
        }
    }
    return text.finish();
}

bool prefers_open_metrics(const char* accept) {
    double open_metrics = 0;
    double plain = 0;
    std::string_view rest = accept == nullptr ? std::string_view() : std::string_view(accept);
    while (!rest.empty()) {
        std::string_view range = take_until(rest, ',');
        const std::string_view type = take_until(range, ';');
        double quality = 1;
        while (!range.empty()) {
            const std::string_view parameter = take_until(range, ';');
            if (!parameter.starts_with("q=")) continue;
            const std::string_view digits = parameter.substr(2);
            std::from_chars(digits.data(), digits.data() + digits.size(), quality);
        }
        if (type == "application/openmetrics-text") open_metrics = std::max(open_metrics, quality);
        if (type == "text/plain" || type == "*/*" || type == "text/*") plain = std::max(plain, quality);
    }
    return open_metrics > 0 && open_metrics >= plain;
}

}  // namespace llmsnoop::exporters
