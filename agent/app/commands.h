#pragma once
// The commands. Each returns the process's exit code: 0 success, 1 the thing asked for did not hold, 2 wrong usage or
// configuration. Data goes to stdout, everything else to stderr.
#include <string>
#include <vector>

#include "agent/app/command_line.h"
#include "agent/base/result.h"
#include "exporters/store/clickhouse.h"

namespace llmsnoop::app {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;

int run_command(const CommonOptions& options);
int trace_command(const TraceOptions& options);
int record_command(const RecordOptions& options);
int replay_command(const ReplayOptions& options);
int doctor_command(const DoctorOptions& options);
int usage_command(const UsageOptions& options);
int show_command(const ShowOptions& options);
// Where store.clickhouse_... leads.
exporters::store::ClickhouseOptions clickhouse_options(const Config& config);

// What `doctor --json` prints, on one line.
std::string doctor_json(const Config& config);
int audit_verify_command(const std::vector<std::string>& files);
int schema_command();
int config_command(const CommonOptions& options);

// Writes out what stdout still buffers. A success becomes a failure, with a message, if that cannot be written.
int flush_output(int code);

// Says what is wrong on stderr and returns the exit code that fits.
int report(const base::Error& error);

}  // namespace llmsnoop::app
