// The commands that look at no traffic.
#include <fmt/format.h>

#include <cstdio>

#include "agent/app/commands.h"
#include "exporters/audit/verify.h"
#include "exporters/filter/record_fields.h"

namespace llmsnoop::app {

int report(const base::Error& error) {
    fmt::print(stderr, "llmsnoop: {}\n", error.message);
    return error.kind == base::Error::Kind::usage ? kUsage : kFailure;
}

int schema_command() {
    fmt::print("{}\n", exporters::record_schema());
    return kSuccess;
}

int config_command(const CommonOptions& options) {
    const auto config = options.config();
    if (!config) return report(config.error());
    std::string section;
    for (const ConfigKey& key : config_keys()) {
        if (key.section != section) fmt::print("{}{}:\n", section.empty() ? "" : "\n", key.section);
        section = key.section;
        const std::string value = key.show(*config);
        fmt::print("  # {} ({}; {} or {})\n", key.help, key.type, key.environment(), key.flag());
        fmt::print("  {}: {}\n", key.key, value.empty() ? "\"\"" : value);
    }
    return kSuccess;
}

int audit_verify_command(const std::vector<std::string>& files) {
    const auto checked = exporters::verify_audit(files);
    if (!checked) return report(checked.error());
    for (const auto& file : checked->files) {
        fmt::print("{}: {} records", file.path, file.records);
        if (file.records > 0) fmt::print(" ({} to {})", file.first_seq, file.last_seq);
        if (file.torn_bytes > 0) fmt::print(", and {} bytes of a line that was never finished", file.torn_bytes);
        fmt::print("\n");
    }
    if (checked->lost > 0) fmt::print("{} records are missing that the agent could not write\n", checked->lost);
    if (checked->broken) {
        fmt::print("BROKEN at {}:{}: {}\n", checked->broken->path, checked->broken->line, checked->broken->reason);
        return kFailure;
    }
    fmt::print("the chain holds: {} records, last hash {}\n", checked->records, checked->last_hash);
    return kSuccess;
}

}  // namespace llmsnoop::app
