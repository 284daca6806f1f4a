#pragma once
// The configuration: one table of keys, from which the file (YAML), the environment (LLMSNOOP_SECTION_KEY), the flags
// of `llmsnoop run` (--section-key) and the reference in the documentation all follow. Flags win over the environment,
// the environment over the file, the file over the defaults.
//
// An unknown key or a value that does not fit is an error that names where it stands: file, line and key; the variable;
// the flag.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::app {

struct Config {
    struct Node {
        std::string name;  // empty: the host's name
    } node;
    struct Select {
        std::vector<std::string> pids, cgroups, containers, pods, comms, exes, uids;
        bool children = true;
    } select;
    struct Capture {
        std::uint64_t ring_bytes = 64U << 20;
        std::uint64_t rings = 0;  // 0: by the number of CPUs
        std::uint64_t call_limit_bytes = 16U << 20;
        bool mute = true;
        std::int64_t nice = -10;
        std::string socket_hook = "auto";
        std::string plain_tcp = "auto";
        std::vector<std::string> libraries;
    } capture;
    struct Blind {
        std::chrono::milliseconds after{10'000};
        std::chrono::milliseconds keep{5 * 60 * 1000};
        std::vector<std::string> hosts;
    } blind;
    struct Containers {
        std::vector<std::string> roots;  // empty: this mount namespace's, and that of process 1
        bool api = true;
        std::vector<std::string> sockets;  // empty: Docker's and Podman's
    } containers;
    struct Kubernetes {
        std::string mode = "auto";
        std::string node_name;  // empty: NODE_NAME of the environment, or node.name
        std::string api_url;    // empty: the cluster's, by the environment of a pod
        std::string kubelet_url = "https://127.0.0.1:10250";
        std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        std::string ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
        bool verify = true;
        std::vector<std::string> labels, annotations;
        std::chrono::milliseconds wait{5000};
    } kubernetes;
    struct Http {
        bool body_hashes = false;
        std::uint64_t memory_bytes = 256U << 20;
    } http;
    struct Policy {
        std::string content = "none";
        bool hashes = true;
    } policy;
    struct Metrics {
        bool enabled = true;
        std::string listen = "127.0.0.1:9464";
        std::uint64_t max_models = 200;
        std::uint64_t max_processes = 1000;
        std::uint64_t max_pods = 1000;
        std::uint64_t max_series = 2000;
        std::chrono::milliseconds expire_after{0};  // 0: the exporter's default
    } metrics;
    struct Audit {
        bool enabled = true;
        std::string directory = "/var/log/llmsnoop";
        std::string fsync = "interval";
        std::chrono::milliseconds fsync_interval{1000};
        std::uint64_t rotate_bytes = 256U << 20;
        std::chrono::milliseconds rotate_after{24 * 3600 * 1000};
        std::uint64_t keep_files = 30;
        std::uint64_t keep_bytes = 10ULL << 30;
    } audit;
    struct Store {
        bool enabled = true;
        std::string path = "/var/lib/llmsnoop/store.db";
        std::chrono::milliseconds keep_for{30LL * 24 * 3600 * 1000};
        std::uint64_t max_bytes = 4ULL << 30;
        bool keep_records = true;
        std::string clickhouse_url;
        std::string clickhouse_database = "default";
        std::string clickhouse_user;
        std::string clickhouse_password_file;
        std::string clickhouse_ca_file;
        std::string spool_directory = "/var/lib/llmsnoop/spool";
        std::uint64_t spool_bytes = 1ULL << 30;
    } store;
    struct Api {
        bool enabled = true;
        std::string listen = "127.0.0.1:9465";
        std::string token_file;
        std::string tls_certificate;
        std::string tls_key;
        bool insecure = false;
        std::uint64_t max_streams = 16;
    } api;
    struct Tokens {
        bool estimate = true;
        std::string batch_results = "ignored";
    } tokens;
    struct Prices {
        std::vector<std::string> files;
    } prices;
    struct Log {
        std::string level = "info";
    } log;

    // Where the values stand that are no defaults, by key: "FILE:LINE: section.key", the variable, the flag. So that an
    // error that shows later, such as a file that is not there, can say so too.
    std::map<std::string, std::string> origins;
    const std::string& origin_of(const std::string& key) const;  // the key itself, if it has its default
};

// One key of the table.
struct ConfigKey {
    std::string section;
    std::string key;
    std::string type;  // text, number, integer, bytes, duration, switch, list, paths (one or a list), or "a|b|c"
    std::string help;
    std::function<base::Result<void>(Config&, const std::vector<std::string>&)>
        set;                                         // lists take all, others exactly one
    std::function<std::string(const Config&)> show;  // as it would stand in the file

    std::string name() const { return section + "." + key; }
    bool takes_many() const { return type == "list" || type == "paths"; }
    std::string environment() const;  // LLMSNOOP_SECTION_KEY
    std::string flag() const;         // --section-key
};

const std::vector<ConfigKey>& config_keys();

// A value given on the command line.
struct ConfigFlag {
    const ConfigKey* key = nullptr;
    std::vector<std::string> values;
    std::string spelled = {};  // as the user wrote it: --pid for --select-pids; empty: key->flag()
};

// Reads the file (if `path` is not empty), then the environment, then the flags.
base::Result<Config> load_config(const std::string& path, const std::vector<ConfigFlag>& flags);

}  // namespace llmsnoop::app
