#pragma once
// Varied text from a seed: the same seed gives the same words on every machine. The words are JSON string content,
// ready to be put between quotes, and include what JSON must escape, escapes that need not be there, and several
// scripts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::support {

// A small deterministic generator (splitmix64). Not thread-safe; copy it for an independent stream.
class Random {
 public:
    explicit Random(std::uint64_t seed);

    std::uint64_t next();
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }

 private:
    std::uint64_t state_;
};

class Wording {
 public:
    explicit Wording(std::uint64_t seed) : random_(seed) {}

    // One word with its leading space, already escaped for a JSON string. 1 to 24 bytes.
    std::string_view next();

    // As many words as fit in `bytes`, filled up with full stops: exactly `bytes` bytes of JSON string content.
    std::string exactly(std::size_t bytes);

    // `count` characters out of 0-9A-Za-z, as identifiers use them.
    std::string identifier(std::size_t count);

 private:
    Random random_;
};

}  // namespace llmsnoop::support
