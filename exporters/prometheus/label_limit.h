#pragma once
// Bounds how many values a label takes, because each one costs memory here and in every Prometheus that reads. A value
// takes a place as long as some series uses it. Not thread-safe.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace llmsnoop::exporters {

// What stands for the values that found no place.
inline constexpr std::string_view kOther = "other";

// Lets a map of strings be searched by a view.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

class LabelLimit {
 public:
    explicit LabelLimit(std::size_t places) : places_(places) {}

    // Whether a series may use the value: it is in use, or a place is free. The empty value and `other` need none.
    bool admits(std::string_view value) const;

    // A series begins, or ceases, to use a value that was admitted.
    void acquire(std::string_view value);
    void release(std::string_view value);

 private:
    static bool is_free(std::string_view value) { return value.empty() || value == kOther; }

    std::size_t places_;
    std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> users_;
};

}  // namespace llmsnoop::exporters
