#pragma once
// Turns text that is nearly JSON into JSON (RFC 8259), in one pass, for documents that real peers send or that reach us
// cut:
//
//   cut off            open strings, arrays and objects are closed; a member without a value, and a number or literal
//   that may
//                      go on beyond the cut, are dropped: a cut number is another number
//   NaN, Infinity, None, undefined, True, False      null, true, false
//   numbers of other grammars or sizes               null, or a number that a double can hold
//   bytes that are no UTF-8, lone surrogates         U+FFFD
//   control characters in strings                    escaped
//   nesting deeper than limits::kRepairedDepth       null
//   commas too many, text after the value            dropped
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::llm {

enum class Repaired : std::uint8_t {
    not_at_all,  // there is no JSON value to be found
    unclosed,    // brackets are missing at its end, after a whole member, and nothing else that can be told
    in_part,     // something of it is missing: what was cut off, too deep, or made no sense where it stood
    wholly,      // written in another way, it says the same
};

// Appends the repaired text to `out`, which grows to at most six times the input.
Repaired repair_json(std::string_view text, std::string& out);

// Appends `text`, with every byte that is no part of well-formed UTF-8 replaced by U+FFFD.
void append_utf8(std::string& out, std::string_view text);

}  // namespace llmsnoop::llm
