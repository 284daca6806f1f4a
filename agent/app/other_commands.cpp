// The commands that look at no traffic.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "agent/app/commands.h"
#include "agent/base/printable.h"
#include "exporters/audit/verify.h"
#include "exporters/filter/record_fields.h"

namespace llmsnoop::app {

int report(const base::Error& error) {
    fmt::print(stderr, "llmsnoop: {}\n", base::printable(error.message));
    return error.kind == base::Error::Kind::usage ? kUsage : kFailure;
}

int flush_output(int code) {
    if (std::fflush(stdout) == 0 || errno == EPIPE) return code;  // `llmsnoop schema | head` is no error
    const int told = report(base::system_error("standard output"));
    return code == kSuccess ? told : code;
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
        fmt::print("  {}: {}\n", key.key, value);
    }
    return kSuccess;
}

int audit_verify_command(const std::vector<std::string>& files) {
    const auto checked = exporters::verify_audit(files);
    if (!checked) return report(checked.error());
    for (const auto& file : checked->files) {
        fmt::print("{}: {} records", base::printable(file.path), file.records);
        if (file.records > 0) fmt::print(" ({} to {})", file.first_seq, file.last_seq);
        if (file.torn_bytes > 0) fmt::print(", and {} bytes of a line that was never finished", file.torn_bytes);
        fmt::print("\n");
    }
    if (checked->lost > 0) fmt::print("{} records are missing that the agent could not write\n", checked->lost);
    if (checked->broken) {
        fmt::print("BROKEN at {}:{}: {}\n", base::printable(checked->broken->path), checked->broken->line,
                   checked->broken->reason);
        return kFailure;
    }
    if (checked->records == 0) {
        fmt::print("0 records: there is no chain to check\n");
        return kFailure;
    }
    fmt::print("the chain holds: {} records, last hash {}\n", checked->records, checked->last_hash);
    return kSuccess;
}

}  // namespace llmsnoop::app
