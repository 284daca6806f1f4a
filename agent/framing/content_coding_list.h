#pragma once
// The value of Content-Encoding (RFC 9110 section 8.4): codings in the order in which they were applied.
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/framing/text_probe.h"
#include "agent/model/loss.h"

namespace llmsnoop::framing {

struct ContentCodingList {
    std::vector<Coding> undo;            // in the order in which they are undone: the last one applied first
    std::optional<model::Loss> refused;  // an unknown coding, or more than `most`; `undo` is then of no use
};

ContentCodingList read_content_codings(std::string_view value, std::size_t most);

}  // namespace llmsnoop::framing
