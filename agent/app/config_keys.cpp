// The table of configuration keys.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

#include "agent/app/config.h"
#include "agent/app/units.h"
#include "agent/base/utf8.h"
#include "exporters/web/listen_address.h"

namespace llmsnoop::app {

namespace {

using base::Error;
using base::Result;
using Values = std::vector<std::string>;

Error unfit(std::string message) {
    return base::error(std::move(message), Error::Kind::usage);
}

// Quoted unless nobody could doubt it: what the emitter writes plain is not in all cases what the parser reads.
void emit(YAML::Emitter& out, const std::string& value) {
    constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:-";
    if (value.find_first_not_of(kPlain) != std::string::npos) out << YAML::DoubleQuoted;
    out << value;
}

// As it must stand in the file.
std::string yaml_text(const std::string& value) {
    YAML::Emitter out;
    emit(out, value);
    return out.c_str();
}

std::string yaml_list(const Values& values) {
    YAML::Emitter out;
    out << YAML::Flow << YAML::BeginSeq;
    for (const std::string& one : values)
        emit(out, one);
    out << YAML::EndSeq;
    return out.c_str();
}

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
        entry, "text", find, [](const std::string& value) { return Result<std::string>(value); }, yaml_text);
}

bool is_power_of_two(std::uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

// `parse`, and then `fits` must hold; `wanted` says what that is.
template <typename Parse, typename Fits>
auto parse_if(Parse parse, Fits fits, const char* wanted) {
    return [=](const std::string& value) {
        auto parsed = parse(value);
        if (parsed && !fits(*parsed)) parsed = unfit(fmt::format("{} is wanted", wanted));
        return parsed;
    };
}

template <typename Find, typename Parse = decltype(&parse_number)>
ConfigKey number(const Entry& entry, Find find, Parse parse = parse_number) {
    return make_key(entry, "number", find, parse, [](std::uint64_t value) { return std::to_string(value); });
}

template <typename Find, typename Parse = decltype(&parse_integer)>
ConfigKey integer(const Entry& entry, Find find, Parse parse = parse_integer) {
    return make_key(entry, "integer", find, parse, [](std::int64_t value) { return std::to_string(value); });
}

template <typename Find, typename Parse = decltype(&parse_bytes)>
ConfigKey bytes(const Entry& entry, Find find, Parse parse = parse_bytes) {
    return make_key(entry, "bytes", find, parse, show_bytes);
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
                return unfit(fmt::format("'{}' is none of {}", value, type));
            }
            return value;
        },
        yaml_text);
}

template <typename Find>
ConfigKey listen_address(const Entry& entry, Find find) {
    return make_key(
        entry, "text", find,
        [](const std::string& value) -> Result<std::string> {
            if (!exporters::is_listen_address(value))
                return unfit("'" + value + "' is no address: want 127.0.0.1:9464 or [::1]:9464");
            return value;
        },
        yaml_text);
}

Result<void> anything(const std::string& /*value*/) {
    return {};
}

template <typename Find>
ConfigKey list(const Entry& entry, Find find, Result<void> (*check)(const std::string&) = anything) {
    return {entry.section,
            entry.key,
            "list",
            entry.help,
            [=](Config& config, const Values& values) -> Result<void> {
                for (const std::string& one : values) {
                    if (auto fits = check(one); !fits) return fits;
                }
                find(config) = values;
                return {};
            },
            [=](const Config& config) { return yaml_list(find(const_cast<Config&>(config))); }};
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
        return all.empty() ? yaml_text("") : all.size() == 1 ? yaml_text(all.front()) : many(config);
    };
    return key;
}

Result<void> process_id(const std::string& value) {
    const auto number = parse_number(value);
    if (!number || *number == 0 || *number > INT32_MAX) return unfit("'" + value + "' is no process id");
    return {};
}

Result<void> user_id(const std::string& value) {
    const auto number = parse_number(value);
    if (!number || *number >= UINT32_MAX) return unfit("'" + value + "' is no user id");
    return {};
}

// TASK_COMM_LEN is 16 in every kernel, and the last byte is a zero.
Result<void> process_name(const std::string& value) {
    constexpr std::size_t kMost = 15;
    if (value.empty()) return unfit("a name is wanted");
    if (value.size() > kMost) {
        return unfit(
            fmt::format("'{}' is longer than {} bytes, and the kernel keeps no more of a name: '{}' would match", value,
                        kMost, base::utf8_prefix(value, kMost)));
    }
    return {};
}

Result<void> cgroup_path(const std::string& value) {
    if (value.empty() || value[0] != '/') return unfit("cgroup '" + value + "': an absolute path is wanted");
    return {};
}

Result<void> pod_name(const std::string& value) {
    const std::size_t slash = value.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == value.size())
        return unfit("pod '" + value + "': NAMESPACE/NAME is wanted");
    return {};
}

Result<void> root_directory(const std::string& value) {
    if (value.empty() || value[0] != '/') return unfit("directory '" + value + "': an absolute path is wanted");
    return {};
}

Result<void> host_pattern(const std::string& value) {
    const bool valid = value.size() <= 253 && value.find_first_not_of('.') != std::string::npos &&
                       value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
    if (!valid) return unfit("'" + value + "' is no host name in lower case, nor a dot and the end of one");
    return {};
}

Result<void> label_name(const std::string& value) {
    constexpr std::size_t kMost = 253 + 1 + 63;  // a DNS name, a slash, a name
    if (value.empty() || value.size() > kMost) return unfit("'" + value + "' is no name of a label");
    return {};
}

constexpr const char* kRingBytes = "a power of two of at least 4096";
constexpr const char* kRings = "a power of two up to 16, or 0,";
constexpr const char* kMemory = "at least 1MiB";
constexpr const char* kCallLimit = "between 1 and 32MiB";
constexpr const char* kStreams = "between 1 and 256";
constexpr const char* kNice = "between -20 and 19";

bool fits_ring_bytes(std::uint64_t value) {
    return is_power_of_two(value) && value >= 4096;
}
bool fits_rings(std::uint64_t value) {
    return value == 0 || (is_power_of_two(value) && value <= 16);
}
bool fits_memory(std::uint64_t value) {
    return value >= 1U << 20;
}
bool fits_call_limit(std::uint64_t value) {
    return value != 0 && value <= 32U << 20;
}
bool fits_streams(std::uint64_t value) {
    return value >= 1 && value <= 256;
}
bool fits_nice(std::int64_t value) {
    return value >= -20 && value <= 19;
}

#define MEMBER(path)               \
    [](Config & config) -> auto& { \
        return config.path;        \
    }

std::vector<ConfigKey> make_keys() {
    return {
        text({"node", "name", "what records say in `node`; empty: the host's name"}, MEMBER(node.name)),
        list({"select", "pids", "trace only these processes"}, MEMBER(select.pids), process_id),
        list({"select", "cgroups", "trace only processes in these cgroup2 directories"}, MEMBER(select.cgroups),
             cgroup_path),
        list({"select", "containers", "trace only these containers, by id, a unique beginning of it, or name"},
             MEMBER(select.containers)),
        list({"select", "pods", "trace only these pods, NAMESPACE/NAME"}, MEMBER(select.pods), pod_name),
        list({"select", "comms", "trace only processes of these names, at most 15 bytes each"}, MEMBER(select.comms),
             process_name),
        list({"select", "exes", "trace only these executables"}, MEMBER(select.exes)),
        list({"select", "uids", "trace only processes of these users"}, MEMBER(select.uids), user_id),
        on_off({"select", "children", "trace the children of selected processes too"}, MEMBER(select.children)),
        bytes({"capture", "ring_bytes", "size of all ring buffers together, a power of two"},
              MEMBER(capture.ring_bytes), parse_if(parse_bytes, fits_ring_bytes, kRingBytes)),
        number(
            {"capture", "rings", "ring buffers and worker threads, a power of two up to 16; 0: by the number of CPUs"},
            MEMBER(capture.rings), parse_if(parse_number, fits_rings, kRings)),
        bytes({"capture", "call_limit_bytes", "bytes captured of a single read or write; the rest is counted as lost"},
              MEMBER(capture.call_limit_bytes), parse_if(parse_bytes, fits_call_limit, kCallLimit)),
        on_off({"capture", "mute",
                "bytes that turn out to be of no interest are no longer copied; false: they are, which costs more"},
               MEMBER(capture.mute)),
        choice({"capture", "socket_hook",
                "how a TLS connection's socket is found; auto: the best way that this kernel has"},
               {"auto", "tracepoint", "fexit", "kprobe", "none"}, MEMBER(capture.socket_hook)),
        choice(
            {"capture", "plain_tcp",
             "how bytes that are sent and received over TCP without TLS are seen; auto: the best way that this kernel "
             "has; off: not at all"},
            {"auto", "fexit", "tracepoint", "kprobe", "syscall", "off"}, MEMBER(capture.plain_tcp)),
        integer({"capture", "nice",
                 "scheduling priority of the agent, -20 to 19: a reader that waits behind what it watches loses bytes"},
                MEMBER(capture.nice), parse_if(parse_integer, fits_nice, kNice)),
        list({"capture", "libraries", "TLS libraries to probe in any case, whether or not a process has them mapped"},
             MEMBER(capture.libraries)),
        duration({"blind", "after",
                  "a process that sends data to a model's host over TLS is a blind spot if none of its plaintext was "
                  "seen for so long, at least 1s"},
                 MEMBER(blind.after)),
        duration({"blind", "keep", "blind spots of processes that have ended are told of for so long"},
                 MEMBER(blind.keep)),
        list({"blind", "hosts",
              "hosts that serve models, besides those that are known: a name, or a dot and what the name ends in"},
             MEMBER(blind.hosts), host_pattern),
        list({"containers", "roots",
              "directories in which the host's root is mounted, where the names of containers are looked for in the "
              "files of their runtimes; none given: / and /proc/1/root"},
             MEMBER(containers.roots), root_directory),
        on_off({"containers", "api", "ask Docker's or Podman's API for the names of containers that no file tells"},
               MEMBER(containers.api)),
        list({"containers", "sockets",
              "Unix sockets of that API, as seen from the host's root; none given: run/docker.sock and "
              "run/podman/podman.sock"},
             MEMBER(containers.sockets)),
        choice({"kubernetes", "mode",
                "from whom the names of pods are learnt; auto: the API server, in a pod or where kubernetes.api_url "
                "is given"},
               {"auto", "api", "kubelet", "off"}, MEMBER(kubernetes.mode)),
        text({"kubernetes", "node_name",
              "this node, as Kubernetes knows it; empty: NODE_NAME of the environment, or else node.name"},
             MEMBER(kubernetes.node_name)),
        text({"kubernetes", "api_url", "the API server; empty: that of the cluster in which the agent is a pod"},
             MEMBER(kubernetes.api_url)),
        text({"kubernetes", "kubelet_url", "the kubelet of this node"}, MEMBER(kubernetes.kubelet_url)),
        text({"kubernetes", "token_file", "the token that is sent, read for each request; empty: none"},
             MEMBER(kubernetes.token_file)),
        text({"kubernetes", "ca_file", "the certificates that the server is checked against; empty: the system's"},
             MEMBER(kubernetes.ca_file)),
        on_off(
            {"kubernetes", "verify", "check the server's certificate; kubelets often have one that nobody has signed"},
            MEMBER(kubernetes.verify)),
        list({"kubernetes", "labels", "labels of pods to put into records"}, MEMBER(kubernetes.labels), label_name),
        list({"kubernetes", "annotations", "annotations of pods to put into records, among the labels"},
             MEMBER(kubernetes.annotations), label_name),
        duration({"kubernetes", "wait", "a record waits for so long until its pod is known"}, MEMBER(kubernetes.wait)),
        on_off({"http", "body_hashes", "put the SHA-256 of request and response bodies into records"},
               MEMBER(http.body_hashes)),
        bytes({"http", "memory_bytes",
               "memory for bodies and messages in progress, of all connections together; what goes beyond is cut"},
              MEMBER(http.memory_bytes), parse_if(parse_bytes, fits_memory, kMemory)),
        choice({"policy", "content", "what may leave of prompts and completions"}, {"none", "redacted"},
               MEMBER(policy.content)),
        on_off({"policy", "hashes", "put hashes of prompts and completions into records"}, MEMBER(policy.hashes)),
        on_off({"metrics", "enabled", "serve Prometheus metrics"}, MEMBER(metrics.enabled)),
        listen_address({"metrics", "listen", "address of the metrics endpoint"}, MEMBER(metrics.listen)),
        number({"metrics", "max_models", "values of the label `model`; further ones become `other`"},
               MEMBER(metrics.max_models)),
        number({"metrics", "max_processes", "values of the label `process`; further ones become `other`"},
               MEMBER(metrics.max_processes)),
        number({"metrics", "max_pods", "values of the label `pod`; further ones become `other`"},
               MEMBER(metrics.max_pods)),
        number({"metrics", "max_series",
                "different sets of identity labels, each of which has some sixty samples; in further ones all are "
                "`other`"},
               MEMBER(metrics.max_series)),
        duration({"metrics", "expire_after", "drop series that did not change for so long; 0s: the built-in default"},
                 MEMBER(metrics.expire_after)),
        on_off({"audit", "enabled", "write the audit log"}, MEMBER(audit.enabled)),
        text({"audit", "directory", "where audit-*.jsonl files go"}, MEMBER(audit.directory)),
        choice({"audit", "fsync", "when lines are forced to the disk"}, {"always", "interval", "never"},
               MEMBER(audit.fsync)),
        duration({"audit", "fsync_interval", "how often, with fsync: interval"}, MEMBER(audit.fsync_interval)),
        bytes({"audit", "rotate_bytes", "begin a new file after so many bytes; 0: never by size"},
              MEMBER(audit.rotate_bytes)),
        duration({"audit", "rotate_after", "begin a new file after so long; 0s: never by age"},
                 MEMBER(audit.rotate_after)),
        number({"audit", "keep_files", "files to keep; 0: all"}, MEMBER(audit.keep_files)),
        bytes({"audit", "keep_bytes", "bytes to keep in all files together; 0: no limit"}, MEMBER(audit.keep_bytes)),
        on_off({"store", "enabled", "keep exchanges in a data base on this machine, for `llmsnoop usage` and the API"},
               MEMBER(store.enabled)),
        text({"store", "path", "its file (SQLite)"}, MEMBER(store.path)),
        duration({"store", "keep_for", "delete exchanges that are older; 0s: never by age"}, MEMBER(store.keep_for)),
        bytes({"store", "max_bytes", "delete the oldest beyond that size; 0: no limit"}, MEMBER(store.max_bytes)),
        on_off({"store", "keep_records",
                "keep whole records too, not only their columns: `show` and the API tell of them"},
               MEMBER(store.keep_records)),
        text({"store", "clickhouse_url",
              "send exchanges to this ClickHouse too, such as https://host:8443; empty: to none"},
             MEMBER(store.clickhouse_url)),
        text({"store", "clickhouse_database", "its data base"}, MEMBER(store.clickhouse_database)),
        text({"store", "clickhouse_user", "its user; empty: the server's default"}, MEMBER(store.clickhouse_user)),
        text({"store", "clickhouse_password_file", "file with the user's password; empty: none"},
             MEMBER(store.clickhouse_password_file)),
        text({"store", "clickhouse_ca_file", "trust these certificates (PEM); empty: the machine's own"},
             MEMBER(store.clickhouse_ca_file)),
        text({"store", "spool_directory", "where exchanges wait while ClickHouse is away"},
             MEMBER(store.spool_directory)),
        bytes({"store", "spool_bytes", "size of that directory at most"}, MEMBER(store.spool_bytes)),
        on_off({"api", "enabled", "serve the HTTP API"}, MEMBER(api.enabled)),
        listen_address({"api", "listen", "its address; beyond loopback it wants a token and TLS"}, MEMBER(api.listen)),
        text({"api", "token_file", "file with the bearer token that requests must carry; empty: none"},
             MEMBER(api.token_file)),
        text({"api", "tls_certificate", "certificate chain for TLS (PEM); empty: no TLS"}, MEMBER(api.tls_certificate)),
        text({"api", "tls_key", "its private key (PEM)"}, MEMBER(api.tls_key)),
        on_off({"api", "insecure", "listen beyond loopback without token or TLS all the same"}, MEMBER(api.insecure)),
        number({"api", "max_streams", "clients of /api/v1/stream at a time"}, MEMBER(api.max_streams),
               parse_if(parse_number, fits_streams, kStreams)),
        on_off(
            {"tokens", "estimate", "count the tokens of calls whose provider reports none, where the model is known"},
            MEMBER(tokens.estimate)),
        choice({"tokens", "batch_results", "what becomes of the calls in files of batch results, when they are read"},
               {"ignored", "counted"}, MEMBER(tokens.batch_results)),
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
