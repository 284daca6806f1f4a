#include "agent/app/command_line.h"

#include <algorithm>
#include <string_view>

#include "agent/app/units.h"

namespace llmsnoop::app {

namespace {

const ConfigKey& key_named(std::string_view name) {
    const auto& keys = config_keys();
    return *std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& one) { return one.name() == name; });
}

// Lists may be given several times; they add up, as do the two spellings of a selection.
void take(CommonOptions& options, const ConfigKey& key, const std::string& flag,
          const std::vector<std::string>& values) {
    const auto at = std::find_if(options.flags.begin(), options.flags.end(),
                                 [&](const ConfigFlag& one) { return one.key == &key; });
    if (at == options.flags.end()) {
        options.flags.push_back({&key, values, flag});
    } else if (key.takes_many()) {
        at->values.insert(at->values.end(), values.begin(), values.end());
        if (at->spelled.find(flag) == std::string::npos) at->spelled += " or " + flag;
    } else {
        at->values = values;
        at->spelled = flag;
    }
}

void add_flag(CLI::App& command, CommonOptions& options, const std::string& flag, const ConfigKey& key,
              const std::string& help, const std::string& group, const std::string& type) {
    command
        .add_option_function<std::vector<std::string>>(
            flag, [&options, &key, flag](const std::vector<std::string>& values) { take(options, key, flag, values); },
            help)
        ->type_name(type)
        ->group(group)
        ->expected(1)
        ->allow_extra_args(false)  // what follows may be a filter or a file
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

base::Result<std::optional<std::chrono::milliseconds>> TracingOptions::duration() const {
    if (stop_after.empty()) return std::optional<std::chrono::milliseconds>();
    const auto parsed = parse_duration(stop_after);
    if (!parsed) return base::error("--for: " + parsed.error().message, base::Error::Kind::usage);
    return std::optional(*parsed);
}

void add_store(CLI::App& command, StoreOptions& options) {
    command
        .add_option("--store", options.path,
                    "read this store instead of the configuration's; http(s)://HOST:PORT is a ClickHouse")
        ->type_name("PATH");
    command.add_option("--url", options.url, "ask the API of an agent instead, such as https://node:9465")
        ->type_name("URL");
    command.add_option("--token-file", options.token_file, "file with the token for --url")->type_name("FILE");
    command.add_option("--ca-file", options.ca_file, "trust these certificates (PEM) for --url")->type_name("FILE");
}

void add_duration(CLI::App& command, TracingOptions& options) {
    command.add_option("--for", options.stop_after, "stop after so long, such as 30s")->type_name("DURATION");
}

void add_config(CLI::App& command, CommonOptions& options, const std::vector<std::string>& sections) {
    command.add_option("--config", options.config_file, "read this file (see `llmsnoop config`)")->type_name("FILE");
    for (const ConfigKey& key : config_keys()) {
        const bool wanted =
            sections.empty() || std::find(sections.begin(), sections.end(), key.section) != sections.end();
        if (wanted) add_flag(command, options, key.flag(), key, key.help, "Configuration", key.type);
    }
}

void add_selection(CLI::App& command, CommonOptions& options) {
    const struct {
        const char *flag, *key, *help, *type;
    } all[] = {
        {"--pid", "select.pids", "this process", "PID"},
        {"--cgroup", "select.cgroups", "processes in this cgroup2 directory", "PATH"},
        {"--container", "select.containers", "this container, by id or its beginning", "ID"},
        {"--pod", "select.pods", "this pod", "NAMESPACE/NAME"},
        {"--comm", "select.comms", "processes of this name", "NAME"},
        {"--exe", "select.exes", "processes that run this executable", "PATH"},
        {"--uid", "select.uids", "processes of this user", "UID"},
    };
    constexpr const char* kGroup = "Selection (repeatable; none: the whole node)";
    for (const auto& one : all)
        add_flag(command, options, one.flag, key_named(one.key), one.help, kGroup, one.type);
    command
        .add_flag_callback(
            "--no-children", [&options] { take(options, key_named("select.children"), "--no-children", {"false"}); },
            "not the children of selected processes")
        ->group(kGroup);
}

}  // namespace llmsnoop::app
