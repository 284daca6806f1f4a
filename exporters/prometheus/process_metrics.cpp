// The process_* families of agent_metrics.h: facts about this process from /proc (proc(5)).
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/prometheus/agent_metrics.h"

namespace llmsnoop::exporters {

namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

struct Stat {
    double cpu_ticks = 0;
    double start_ticks = 0;  // after boot
    double virtual_bytes = 0;
    double resident_pages = 0;
};

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc()) return std::nullopt;
    return value;
}

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::optional<Stat> read_stat() {
    const std::string line = first_line("/proc/self/stat");
    const std::size_t name_end = line.rfind(')');  // the name in parentheses may hold anything
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view(line).substr(name_end + 1);
    Stat stat;
    int seen = 0;
    // Fields are numbered from 1, and the name is the second.
    for (int field = 3; !rest.empty(); ++field) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const std::string_view word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(word.size());
        double* wanted = field == 14 || field == 15 ? &stat.cpu_ticks
                         : field == 22              ? &stat.start_ticks
                         : field == 23              ? &stat.virtual_bytes
                         : field == 24              ? &stat.resident_pages
                                                    : nullptr;
        if (wanted == nullptr) continue;
        const auto value = number(word);
        if (!value) return std::nullopt;
        *wanted += *value;
        ++seen;
    }
    return seen == 5 ? std::optional(stat) : std::nullopt;
}

std::optional<double> boot_time() {
    static constexpr std::string_view kKey = "btime ";
    std::ifstream file("/proc/stat");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(kKey)) return number(std::string_view(line).substr(kKey.size()));
    }
    return std::nullopt;
}

std::optional<double> open_descriptors() {
    std::error_code problem;
    double count = 0;
    std::filesystem::directory_iterator at("/proc/self/fd", problem);
    for (; !problem && at != std::filesystem::directory_iterator(); at.increment(problem))
        ++count;
    if (problem) return std::nullopt;
    return count - 1;  // without the one that reads the directory
}

void add(std::vector<MetricFamily>& families, const char* name, const char* help, MetricType type,
         std::optional<double> value) {
    if (!value) return;
    ClientMetric sample;
    (type == MetricType::Counter ? sample.counter.value : sample.gauge.value) = *value;
    families.push_back({name, help, type, {std::move(sample)}});
}

}  // namespace

void add_process_families(std::vector<MetricFamily>& families) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (const auto stat = read_stat()) {
        add(families, "process_cpu_seconds_total", "CPU time of the agent, user and system.", MetricType::Counter,
            stat->cpu_ticks / ticks);
        add(families, "process_resident_memory_bytes", "Memory of the agent that is resident.", MetricType::Gauge,
            stat->resident_pages * page);
        add(families, "process_virtual_memory_bytes", "Address space of the agent.", MetricType::Gauge,
            stat->virtual_bytes);
        if (const auto boot = boot_time()) {
            add(families, "process_start_time_seconds", "When the agent began, seconds since the epoch.",
                MetricType::Gauge, *boot + stat->start_ticks / ticks);
        }
    }
    add(families, "process_open_fds", "Open file descriptors of the agent.", MetricType::Gauge, open_descriptors());
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        add(families, "process_max_fds", "Most file descriptors that the agent may open.", MetricType::Gauge,
            static_cast<double>(limit.rlim_cur));
    }
}

}  // namespace llmsnoop::exporters
