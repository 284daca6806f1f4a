#pragma once
// A value in a parsed JSON document, or its absence: asking a missing value, or one of another type, for anything gives
// nothing, so that readers of hostile documents need no checks between the steps of a path.
//
// A Json is a view of two words into its JsonDocument (json_document.h) and must not outlive it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/function_ref.h"

namespace llmsnoop::llm {

class Json {
 public:
    enum class Kind : std::uint8_t { missing, null, truth, number, text, array, object };

    Json() = default;

    Kind kind() const;
    // Present and not null.
    explicit operator bool() const { return kind() > Kind::null; }
    bool is_object() const { return kind() == Kind::object; }
    bool is_array() const { return kind() == Kind::array; }

    // The member of that name; where a name occurs twice, the last one (as most parsers do).
    Json operator[](std::string_view key) const;
    // Several members in one pass: picked[i] is what (*this)[names[i]] would be.
    template <std::size_t kCount>
    std::array<Json, kCount> pick(const std::string_view (&names)[kCount]) const {
        std::array<Json, kCount> picked;
        pick(names, picked.data(), kCount);
        return picked;
    }
    // An element of an array.
    Json at(std::size_t index) const;
    // Number of elements or members.
    std::size_t size() const;
    bool has(std::string_view key) const { return static_cast<bool>((*this)[key]); }

    std::optional<std::string_view> text() const;
    std::string_view text_or_empty() const { return text().value_or(std::string_view{}); }
    // A number that is a count: not negative, without a fraction, below 2^53.
    std::optional<std::uint64_t> count() const;
    std::optional<double> number() const;
    std::optional<bool> truth() const;

    void each(base::FunctionRef<void(Json)> visit) const;                           // elements of an array
    void each_member(base::FunctionRef<void(std::string_view, Json)> visit) const;  // members of an object, as written

    // Appends the value as compact JSON text; stops (and says false) where `out` would grow beyond `limit` bytes.
    bool write(std::string& out, std::size_t limit) const;

 private:
    friend class JsonDocument;
    using Handle = std::array<std::uint64_t, 2>;  // a simdjson::dom::element

    explicit Json(Handle handle) : handle_(handle) {}
    void pick(const std::string_view* names, Json* picked, std::size_t count) const;

    Handle handle_{};
};

}  // namespace llmsnoop::llm
