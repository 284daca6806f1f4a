#pragma once
// Checks the hash chain of audit files: `llmsnoop audit verify FILE...`.
//
// Files are taken in the order of their numbers, whatever their names. The first may begin anywhere in the chain (older
// files are deleted by rule); from there on every line must link to the one before. Bytes after the last line feed of a
// file are no break: the agent was killed while it wrote them, and a new file begins after it.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::exporters {

struct AuditReport {
    struct File {
        std::string path;
        std::uint64_t records = 0;
        std::uint64_t first_seq = 0;  // 0: it holds no record
        std::uint64_t last_seq = 0;
        std::uint64_t torn_bytes = 0;  // after its last line feed
    };
    struct Break {
        std::string path;
        std::uint64_t line = 0;  // from 1
        std::string reason;
    };

    std::vector<File> files;  // as far as they were read, in the chain's order
    std::uint64_t records = 0;
    std::uint64_t lost = 0;       // numbers that the agent itself left out because it could not write the records
    std::string last_hash;        // of the last line: to be compared with one kept elsewhere
    std::optional<Break> broken;  // the first; nothing is read beyond it
};

// An error is a file that cannot be read; a chain that does not hold is a report with `broken`.
base::Result<AuditReport> verify_audit(const std::vector<std::string>& paths);

}  // namespace llmsnoop::exporters
