// The table of configuration keys.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "agent/app/config.h"
#include "agent/app/units.h"

namespace llmsnoop::app {

namespace {

using base::Result;
using Values = std::vector<std::string>;

// A key whose value `member` finds in the configuration; the overloads of make() know the types.
struct Entry {
    std::string section, key, help;
};

template <typename Find, typename Parse, typename Show>
ConfigKey make_key(const Entry& entry, const std::string& type, Find find, Parse parse, Show show) {
    return {entry.section,
            entry.key,
            type,
            entry.help,
            [=](Config& config, const Values& values) -> Result<void> {
                auto parsed = parse(values.at(0));
                if (!parsed) return parsed.error();
                find(config) = *parsed;
                return {};
            },
            [=](const Config& config) { return show(find(const_cast<Config&>(config))); }};
}

template <typename Find>
ConfigKey text(const Entry& entry, Find find) {
    return make_key(
        entry, "text", find, [](const std::string& value) { return Result<std::string>(value); },
        [](const std::string& value) { return value; });
}

template <typename Find>
ConfigKey number(const Entry& entry, Find find) {
    return make_key(entry, "number", find, parse_number, [](std::uint64_t value) { return std::to_string(value); });
}

template <typename Find>
ConfigKey integer(const Entry& entry, Find find) {
    return make_key(entry, "integer", find, parse_integer, [](std::int64_t value) { return std::to_string(value); });
}

template <typename Find>
ConfigKey bytes(const Entry& entry, Find find) {
    return make_key(entry, "bytes", find, parse_bytes, show_bytes);
}

template <typename Find>
ConfigKey duration(const Entry& entry, Find find) {
    return make_key(entry, "duration", find, parse_duration, show_duration);
}

template <typename Find>
ConfigKey on_off(const Entry& entry, Find find) {
    return make_key(entry, "switch", find, parse_switch,
                    [](bool value) { return std::string(value ? "true" : "false"); });
}

template <typename Find>
ConfigKey choice(const Entry& entry, const Values& allowed, Find find) {
    std::string type;
    for (const std::string& one : allowed)
        type += (type.empty() ? "" : "|") + one;
    return make_key(
        entry, type, find,
        [allowed, type](const std::string& value) -> Result<std::string> {
            if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
                return base::error(fmt::format("'{}' is none of {}", value, type), base::Error::Kind::usage);
            }
            return value;
        },
        [](const std::string& value) { return value; });
}

template <typename Find>
ConfigKey list(const Entry& entry, Find find) {
    return {entry.section,
            entry.key,
            "list",
            entry.help,
            [=](Config& config, const Values& values) -> Result<void> {
                find(config) = values;
                return {};
            },
            [=](const Config& config) {
                std::string out;
                for (const std::string& one : find(const_cast<Config&>(config)))
                    out += (out.empty() ? "" : ", ") + one;
                return "[" + out + "]";
            }};
}

// One file or several; an empty value is none.
template <typename Find>
ConfigKey paths(const Entry& entry, Find find) {
    ConfigKey key = list(entry, find);
    key.type = "paths";
    key.set = [=](Config& config, const Values& values) -> Result<void> {
        find(config) = values;
        std::erase(find(config), "");
        return {};
    };
    key.show = [=, many = key.show](const Config& config) {
        const Values& all = find(const_cast<Config&>(config));
        return all.empty() ? "" : all.size() == 1 ? all.front() : many(config);
    };
    return key;
}

#define MEMBER(path)               \
    [](Config & config) -> auto& { \
        return config.path;        \
    }

std::vector<ConfigKey> make_keys() {
    return {
        text({"node", "name", "what records say in `node`; empty: the host's name"}, MEMBER(node.name)),
        list({"select", "pids", "trace only these processes"}, MEMBER(select.pids)),
        list({"select", "cgroups", "trace only processes in these cgroup2 directories"}, MEMBER(select.cgroups)),
        list({"select", "containers", "trace only these containers, by id or a unique beginning of it"},
             MEMBER(select.containers)),
        list({"select", "pods", "trace only these pods, NAMESPACE/NAME"}, MEMBER(select.pods)),
        list({"select", "comms", "trace only processes of these names"}, MEMBER(select.comms)),
        list({"select", "exes", "trace only these executables"}, MEMBER(select.exes)),
        list({"select", "uids", "trace only processes of these users"}, MEMBER(select.uids)),
        on_off({"select", "children", "trace the children of selected processes too"}, MEMBER(select.children)),
        bytes({"capture", "ring_bytes", "size of all ring buffers together, a power of two"},
              MEMBER(capture.ring_bytes)),
        number(
            {"capture", "rings", "ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs"},
            MEMBER(capture.rings)),
        bytes({"capture", "call_limit_bytes", "bytes captured of a single read or write; the rest is counted as lost"},
              MEMBER(capture.call_limit_bytes)),
        choice({"capture", "socket_hook",
                "how a TLS connection's socket is found; auto: the best way that this kernel has"},
               {"auto", "tracepoint", "fexit", "kprobe", "none"}, MEMBER(capture.socket_hook)),
        integer({"capture", "nice",
                 "scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes"},
                MEMBER(capture.nice)),
        list({"capture", "libraries", "TLS libraries to probe in any case, whether or not a process has them mapped"},
             MEMBER(capture.libraries)),
        on_off({"http", "body_hashes", "put the SHA-256 of request and response bodies into records"},
               MEMBER(http.body_hashes)),
        choice({"policy", "content", "what may leave of prompts and completions"}, {"none", "redacted"},
               MEMBER(policy.content)),
        on_off({"policy", "hashes", "put hashes of prompts and completions into records"}, MEMBER(policy.hashes)),
        on_off({"metrics", "enabled", "serve Prometheus metrics"}, MEMBER(metrics.enabled)),
        text({"metrics", "listen", "address of the metrics endpoint"}, MEMBER(metrics.listen)),
        number({"metrics", "max_models", "values of the label `model`; further ones become `other`"},
               MEMBER(metrics.max_models)),
        number({"metrics", "max_processes", "values of the label `process`; further ones become `other`"},
               MEMBER(metrics.max_processes)),
        duration({"metrics", "expire_after", "drop series that did not change for so long; 0s: the built-in default"},
                 MEMBER(metrics.expire_after)),
        on_off({"audit", "enabled", "write the audit log"}, MEMBER(audit.enabled)),
        text({"audit", "directory", "where audit-*.jsonl files go"}, MEMBER(audit.directory)),
        choice({"audit", "fsync", "when lines are forced to the disk"}, {"always", "interval", "never"},
               MEMBER(audit.fsync)),
        duration({"audit", "fsync_interval", "how often, with fsync: interval"}, MEMBER(audit.fsync_interval)),
        bytes({"audit", "rotate_bytes", "begin a new file after so many bytes"}, MEMBER(audit.rotate_bytes)),
        duration({"audit", "rotate_after", "begin a new file after so long"}, MEMBER(audit.rotate_after)),
        number({"audit", "keep_files", "files to keep; 0: all"}, MEMBER(audit.keep_files)),
        bytes({"audit", "keep_bytes", "bytes to keep in all files together; 0: no limit"}, MEMBER(audit.keep_bytes)),
        on_off(
            {"tokens", "estimate", "count the tokens of calls whose provider reports none, where the model is known"},
            MEMBER(tokens.estimate)),
        paths({"prices", "file", "price tables of your own, asked in order and before the built-in one"},
              MEMBER(prices.files)),
        choice({"log", "level", "how much the agent says on stderr"}, {"error", "warn", "info", "debug"},
               MEMBER(log.level)),
    };
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

}  // namespace

std::string ConfigKey::environment() const {
    return "LLMSNOOP_" + upper(section) + "_" + upper(key);
}

std::string ConfigKey::flag() const {
    std::string out = "--" + section + "-" + key;
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> keys = make_keys();
    return keys;
}

}  // namespace llmsnoop::app
