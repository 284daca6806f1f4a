#pragma once
// Go's table of functions (.gopclntab), which is in every Go program, stripped or not: names, entries, and so sizes.
//
// Reads the headers of Go 1.16 to 1.17, 1.18 to 1.19 and 1.20 and later on little-endian 64-bit machines. The bytes may
// be anybody's and are not trusted. A pure view: the bytes must stay. Not thread-safe by itself, immutable.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/bytes.h"

namespace llmsnoop::capture::live {

class GoPclntab {
 public:
    struct Function {
        std::uint64_t address = 0;  // virtual
        std::uint64_t size = 0;     // up to the next function, padding included
    };

    // The table that `bytes` begin with, or nothing if they do not begin with one.
    static std::optional<GoPclntab> parse(base::Bytes bytes);

    // The offset of the next place in `bytes`, from `from` on, where a table may begin: 8-byte aligned, with a header
    // that can be parsed.
    static std::optional<std::size_t> search(base::Bytes bytes, std::size_t from = 0);

    // Where the program's Go code begins; entries count from here. 0 where the header does not tell (Go 1.26), and
    // where entries are absolute (before 1.18).
    std::uint64_t text_start() const { return text_start_; }
    bool entries_are_relative() const { return relative_; }
    // Where the names begin, from the beginning of the table: a number to recognise what points at this table.
    std::uint64_t names_offset() const { return names_offset_; }

    // Those of the wanted functions that the program has. `text_start` replaces the header's.
    std::map<std::string, Function> functions(const std::vector<std::string>& wanted, std::uint64_t text_start) const;

 private:
    struct Entry {
        std::uint64_t pc = 0;
        std::uint64_t function = 0;  // offset of what is told of it
    };
    std::optional<Entry> entry(std::uint64_t index) const;
    std::map<std::uint32_t, std::string> offsets_of(const std::vector<std::string>& wanted) const;

    base::Bytes names_, table_;  // the table holds the entries, and then what is told of each function
    std::uint64_t count_ = 0, text_start_ = 0, names_offset_ = 0;
    bool relative_ = true;
};

}  // namespace llmsnoop::capture::live
