#pragma once
// A request target (RFC 9112 section 3.2), taken apart: segments of the path, parameters of the query. Views into the
// target.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::llm {

class Target {
 public:
    explicit Target(std::string_view target);

    // True if the path ends in these segments. '*' stands for one segment, whatever it is; a last segment "*:verb" for
    // one that ends in that verb. Letter case matters, an extra slash at the end does not.
    bool ends_in(std::string_view pattern) const;
    // The segment that is `from_end` segments before the last one, percent-decoded; empty if there is none.
    std::string segment(std::size_t from_end) const;
    // The last segment's part before the verb (":generateContent"), percent-decoded.
    std::string before_verb() const;
    // What stands between `before` and the next slash, verb or end, percent-decoded: after("publishers/") is "google".
    std::string after(std::string_view before) const;
    std::optional<std::string> parameter(std::string_view name) const;

    std::string_view path() const { return path_; }

 private:
    static constexpr std::size_t kSegments = 8;  // from the end

    std::string_view path_;
    std::string_view query_;
    std::array<std::string_view, kSegments> segments_{};  // the last one first
    std::size_t count_ = 0;
    bool all_ = true;  // no segment beyond those kept
};

// RFC 3986 section 2.1. What is no valid escape stays as it is.
std::string percent_decode(std::string_view text);

}  // namespace llmsnoop::llm
