#pragma once
// The files of an audit log: DIR/audit-YYYYMMDDTHHMMSSZ[-N].jsonl, named after the second in which they were begun
// (UTC); N tells those of one second apart.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/audit/chain.h"

namespace llmsnoop::exporters {

struct AuditFile {
    std::string path;
    std::string stamp;  // YYYYMMDDTHHMMSSZ
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;
    base::Time begun;  // as the stamp says
};

std::string audit_stamp(base::Time time);
std::string audit_path(std::string_view directory, std::string_view stamp, std::uint32_t number);

// Those in `directory`, by stamp and number: the oldest first. Other files are none of ours.
base::Result<std::vector<AuditFile>> list_audit_files(const std::string& directory);

// How a file ends.
struct AuditTail {
    std::optional<ChainLink> last;  // of the last line that is whole and says so; absent: there is none
    bool torn = false;              // bytes follow that line
};
base::Result<AuditTail> read_audit_tail(const std::string& path);

}  // namespace llmsnoop::exporters
