#pragma once
// How far a record can be trusted. Every loss on an exchange's path lowers the verdict; nothing raises it.
#include <cstdint>
#include <string_view>

namespace llmsnoop::model {

// Ordered from best to worst: `worse` keeps the later of two.
enum class Completeness : std::uint8_t {
    complete,      // all of request and response was seen, to the end by their framing or to a stream's own last word
    in_progress,   // nothing is missing so far, but the exchange had not ended when the record was made
    headers_lost,  // bodies are whole, but a message head was not seen or could not be decoded
    truncated,     // something was cut off by one of our own limits, or stands in a document that could not be read
    gap,           // bytes are missing
    interrupted,   // the process, the peer or the network ended the exchange before its end
};

std::string_view name_of(Completeness value);

// Was all of both bodies seen, to an end in order?
inline bool has_whole_bodies(Completeness value) {
    return value == Completeness::complete || value == Completeness::headers_lost;
}

inline Completeness worse(Completeness a, Completeness b) {
    return a < b ? b : a;
}

}  // namespace llmsnoop::model
