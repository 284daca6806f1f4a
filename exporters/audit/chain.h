#pragma once
// The hash chain of the audit log: each line names the hash of the line before and its own.
//
// A line is the record's JSON object with one more member, always the last one and always spelled
//
//     ,"chain":{"seq":SEQ,"prev":"PREV","hash":"HASH"}}
//
// SEQ counts from 1. PREV is the HASH of the line before; for the first line, 64 zeros. HASH is SHA-256, in lower-case
// hexadecimal, of the line's own bytes without `,"hash":"HASH"` and without the line feed; so it covers SEQ and PREV.
// Any tool can check it:
//
//     sed 's/,"hash":"[0-9a-f]*"}}$/}}/' | tr -d '\n' | sha256sum
//
// SEQ rises by more than one where records could not be written: the chain is whole there, and the jump says how many.
// Whoever can rewrite all lines can make a new chain; keep a HASH elsewhere now and then to notice that too.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::exporters {

struct ChainLink {
    std::uint64_t seq = 0;
    std::string prev;
    std::string hash;

    friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

// What the first line of all links to.
std::string chain_start();

// Adds the member to `record`, a JSON object that is not empty, and returns what it says. No line feed.
ChainLink seal(std::string& record, std::uint64_t seq, std::string_view prev);

// What a line (without its line feed) says about itself; nothing if it does not end in that member, spelled as above.
std::optional<ChainLink> read_link(std::string_view line);

// What its HASH should be. Only for lines that `read_link` could read.
std::string hash_of_line(std::string_view line);

}  // namespace llmsnoop::exporters
