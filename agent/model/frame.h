#pragma once
// One document of a body or message stream, with its arrival time: what a dialect reads.
#include <cstdint>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/http_event.h"

namespace llmsnoop::model {

// How a body is cut into frames. `automatic` goes by the content type and, where that says nothing, by the first bytes.
enum class Framing : std::uint8_t { automatic, body, sse, json_lines, json_array, event_stream, multipart };

// Views are valid only during the call that delivers the frame.
struct Frame {
    enum class Kind : std::uint8_t {
        body,     // the whole body as one document, delivered at its end
        event,    // one of a series: an SSE event, a JSON line, an element of a growing array, an event-stream message
        message,  // a WebSocket message
        field,    // a field of a multipart form; `name` is the field's name, files are cut to nothing
    };

    Part part = Part::response;
    Kind kind = Kind::body;
    base::Time time;         // arrival of the last byte
    std::string_view name;   // SSE event, event-stream :event-type or :exception-type, form field
    bool exception = false;  // event stream: :message-type is exception or error
    bool truncated = false;  // the end of the document is missing (a limit, a gap or an interrupted body)
    base::Bytes document;
};

}  // namespace llmsnoop::model
