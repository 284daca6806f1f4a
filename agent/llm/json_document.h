#pragma once
// JSON text, parsed. What real peers send but the grammar forbids is repaired once: documents that are cut off, NaN and
// Infinity, bytes that are no UTF-8, lone surrogates, nesting without end (json_repair.h).
//
// Memory is borrowed from a small per-thread pool and returned on destruction, so documents may be nested (JSON within
// JSON) but should be short-lived. Not thread-safe.
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/llm/json.h"

namespace llmsnoop::llm {

class JsonDocument {
 public:
    enum class Ending : std::uint8_t { whole, cut };  // cut: the end of the text is known to be missing

    JsonDocument();
    ~JsonDocument();
    JsonDocument(const JsonDocument&) = delete;
    JsonDocument& operator=(const JsonDocument&) = delete;

    // The document's value; missing if the text is no JSON, even with goodwill, or is beyond a limit.
    // The text is copied; the value is valid until the next parse.
    Json parse(std::string_view text, Ending ending = Ending::whole);

    // The value came of a repaired text: bytes of the text are not bytes of the value.
    bool was_repaired() const { return repaired_; }
    // Something of the text is not in the value, which may be missing altogether.
    bool was_damaged() const { return damaged_; }
    // That is all: brackets are missing at its end. What was being sent may have gone on, unless its framing says that
    // this is all of it; some clients do forget them.
    bool lacks_brackets_only() const { return unclosed_; }

 private:
    struct Scratch;
    struct Pool;

    Json parse_strictly(std::string_view text);

    std::unique_ptr<Scratch> scratch_;
    bool repaired_ = false;
    bool damaged_ = false;
    bool unclosed_ = false;
};

}  // namespace llmsnoop::llm
