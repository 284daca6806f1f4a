#pragma once
// The filter language, the same wherever records are selected:
//
//     llm.provider == "openai" && usage.input_tokens > 2048 && !(http.status < 400)
//
//   expression  or-expression of and-expressions of terms:  a && b || c,  !a,  (a)
//   term        FIELD OP VALUE  |  FIELD in [VALUE, ...]  |  has(FIELD)
//   OP          ==  !=  <  <=  >  >=  ~ (glob: * and ?, on the whole text)
//   FIELD       a field of the record (docs: record.schema.json), such as process.comm, llm.tool_calls, timing.ttft_ms
//   VALUE       "text" or 'text', number, true, false
//
// A comparison with a field that is absent is false, whatever the operator: unknown is not zero. For a list field it is
// true if it is for any element. Times compare as text, which RFC 3339 in UTC allows.
//
// Immutable and thread-safe after parsing.
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::exporters {

class Filter {
 public:
    // An empty text matches everything. Errors (kind usage) name the column and what was expected; a field that no
    // record has is an error too.
    static base::Result<Filter> parse(std::string_view text);

    bool matches(const nlohmann::json& record) const;
    // The same for a record in its text form; false if it is no JSON.
    bool matches_line(std::string_view line) const;
    bool matches_everything() const { return nodes_.empty(); }
    const std::string& text() const { return text_; }  // as it was parsed

    // The parsed expression, for those who put it into other words (exporters/store does, into SQL). A node comes after
    // its operands; the root is the last one, and no node at all matches everything.
    enum class Kind : std::uint8_t { both, either, negation, has, compare, among };
    enum class Op : std::uint8_t { equal, unequal, less, at_most, greater, at_least, like };
    struct Value {
        enum class Type : std::uint8_t { text, number, boolean } type = Type::text;
        std::string text;
        double number = 0;
        bool boolean = false;
    };
    struct Node {
        Kind kind = Kind::has;
        Op op = Op::equal;
        std::size_t left = 0;  // indices into nodes()
        std::size_t right = 0;
        std::vector<std::string> path;  // of the field
        std::vector<Value> values;
    };
    const std::vector<Node>& nodes() const { return nodes_; }
    // Whether the part of the expression that ends with this node holds.
    bool holds(std::size_t index, const nlohmann::json& record) const;

 private:
    friend class FilterParser;

    static bool holds_for(const nlohmann::json& value, Op op, const Value& wanted);

    std::vector<Node> nodes_;
    std::string text_;
};

// Does `text` match the pattern as a whole? `*` stands for any characters, `?` for one.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace llmsnoop::exporters
