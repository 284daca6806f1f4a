#pragma once
// Where the scalar values of a JSON text stand in it. For texts that a parser has accepted; of others it says that it
// does not know.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::llm {

struct JsonLeaf {
    std::string path;        // member names, joined by '.'; every array index is '#': "choices.#.delta.content"
    std::size_t begin = 0;   // of a string: the first byte after the quote
    std::size_t length = 0;  // of a string: without the quotes, still escaped
    bool is_string = false;
};

// All leaves in order, or none if there are more than `limit`, if nesting is deeper than eight or an object has more
// than 64 members, if a member name is written with an escape or occurs twice in its object, or if the text is no JSON
// that this simple scanner follows.
std::vector<JsonLeaf> json_leaves(std::string_view text, std::size_t limit = 64);

}  // namespace llmsnoop::llm
