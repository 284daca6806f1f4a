#pragma once
// The command line as a whole: which command, with which options. Parsing only; the commands do the work.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/config.h"

namespace llmsnoop::app {

// Options that several commands share.
struct CommonOptions {
    std::string config_file;
    std::vector<ConfigFlag> flags;  // --section-key, in the order of the table

    base::Result<Config> config() const { return load_config(config_file, flags); }
};

// Of the commands that trace until they are told to stop.
struct TracingOptions : CommonOptions {
    std::string stop_after;  // --for, as written; empty: until a signal

    base::Result<std::optional<std::chrono::milliseconds>> duration() const;
};

struct TraceOptions : TracingOptions {
    std::string filter;
    bool json = false;
    std::optional<std::uint64_t> count;
};

struct RecordOptions : TracingOptions {
    std::string file;
    bool keep_credentials = false;
};

struct ReplayOptions : CommonOptions {
    std::vector<std::string> files;
    std::string filter;
    bool json = false;
};

struct DoctorOptions : CommonOptions {
    bool json = false;
};

// Of the commands that ask the store.
struct StoreOptions : CommonOptions {
    std::string path;  // --store; empty: store.path
    std::string url;   // of an agent's API; empty: the file
    std::string token_file;
    std::string ca_file;
};

struct UsageOptions : StoreOptions {
    std::string by = "model";
    std::string since, until;  // as written; empty: no bound
    std::string filter;
    std::string format = "table";
    std::string order;
    std::uint64_t limit = 0;
};

struct ShowOptions : StoreOptions {
    std::string id;
    bool json = false;
};

// Adds --store, --url, --token-file and --ca-file.
void add_store(CLI::App& command, StoreOptions& options);

// Adds --for.
void add_duration(CLI::App& command, TracingOptions& options);

// Adds --config and the flags of those sections of the table (all of them if empty).
void add_config(CLI::App& command, CommonOptions& options, const std::vector<std::string>& sections);

// Adds the SELECT options: --pid, --cgroup, --container, --pod, --comm, --exe, --uid, --no-children.
void add_selection(CLI::App& command, CommonOptions& options);

}  // namespace llmsnoop::app
