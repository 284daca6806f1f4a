#pragma once
// Batches that wait on the disk for a server that is away: a file each, written whole or not at all, sent in their
// order. Bounded: what finds no room is refused, and stays with whoever has it.
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/base/result.h"

namespace llmsnoop::exporters::store {

struct SpoolOptions {
    std::string directory;
    std::uint64_t most_bytes = 1ULL << 30;
};

class Spool {
 public:
    // Makes the directory (mode 0750), and finds what an agent before left there.
    static base::Result<Spool> open(SpoolOptions options);

    base::Result<void> add(const std::string& batch);
    bool empty() const { return files_.empty(); }
    std::uint64_t bytes() const { return bytes_; }
    base::Result<std::optional<std::string>> oldest() const;
    void remove_oldest();

 private:
    struct File {
        std::string name;  // its number, with leading zeros
        std::uint64_t bytes = 0;
    };

    SpoolOptions options_;
    std::deque<File> files_;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_ = 0;  // number
};

}  // namespace llmsnoop::exporters::store
