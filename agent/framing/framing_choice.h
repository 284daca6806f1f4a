#pragma once
// Decides how a body is cut where nobody said so: by its content type, and by its first bytes where the type says
// nothing or is known to be used wrongly.
//
// clang-format off
//   text/event-stream,                      as named, unless JSON begins at once (an error, mislabelled)
//   application/vnd.amazon.eventstream
//   application/x-ndjson and its synonyms   JSON lines
//   multipart/form-data with a boundary     form fields
//   JSON (application/json, +json)          one document, unless it begins like SSE (gateways mislabel)
//   image, audio, video, font, other        one document
//   multipart
//   anything else, and no type at all       by the first bytes
// clang-format on
//
// By the first bytes: a field or comment line is SSE, a prelude with the right checksum an event stream. '{' is one
// document unless an object that fills one line is followed by a line that begins another: then it is JSON lines.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/framing/json_nesting.h"
#include "agent/model/frame.h"

namespace llmsnoop::framing {

class FramingChoice {
 public:
    explicit FramingChoice(std::string_view content_type);

    // The framing, if the content type alone decides.
    std::optional<model::Framing> by_type() const;

    // Looks at the next bytes of the body. Returns the framing once it is known, and is not called any more then.
    std::optional<model::Framing> look(base::Bytes bytes);

    // The framing of a body of which no more will be seen.
    model::Framing at_end() const;

 private:
    enum class Hint : std::uint8_t { none, body, json, sse, json_lines, event_stream, multipart };
    enum class Verdict : std::uint8_t { undecided, body, sse, event_stream, object };

    static Hint hint_of(std::string_view content_type);
    Verdict judge_head() const;
    Verdict judge_text(std::string_view text) const;
    std::optional<model::Framing> look_at_object(base::Bytes bytes);

    Hint hint_;
    std::string head_;        // the first bytes, up to a limit
    bool in_object_ = false;  // the first bytes begin an object, which is being followed
    JsonNesting nesting_;
    bool after_object_ = false;
    bool after_line_ = false;  // and a line break stands behind it
};

}  // namespace llmsnoop::framing
