#pragma once
// An answer before it is put on the wire, together with the truth about it that the ledger keeps.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/net/append.h"

namespace llmsnoop::support {

// Canonical counts, as llmsnoop's records define them: `input` is every prompt token with cache included, `output`
// everything generated with reasoning included, the rest are subsets. Absent where the answer does not say.
struct TokenCounts {
    std::optional<std::uint64_t> input;
    std::optional<std::uint64_t> output;
    std::optional<std::uint64_t> cache_read;
    std::optional<std::uint64_t> cache_write;
    std::optional<std::uint64_t> reasoning;
};

struct Truth {
    std::string_view api;  // a dialect's name, static
    std::string id;        // the response id; empty where the answer has none (errors)
    std::string request_model;
    std::string model;  // as the answer names it
    bool stream = false;
    std::vector<std::string> finish_reasons;
    std::vector<std::string> tool_calls;
    std::string error_type;    // empty where nothing went wrong
    TokenCounts counts;        // what a reader of the whole answer knows
    TokenCounts first_counts;  // what it knows after the first piece (Anthropic's message_start)
};

struct Answer {
    static constexpr std::size_t kNever = static_cast<std::size_t>(-1);

    int status = 200;
    std::string_view content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;                     // decoded, all pieces joined
    std::vector<std::size_t> piece_ends;  // offsets into `body`: a stream's events, or a document cut at random
    std::size_t counts_piece = kNever;    // index of the piece that carries `counts`
    std::size_t finish_piece = kNever;    // index of the last piece that carries a finish reason
    std::size_t id_piece = 0;             // index of the first piece that carries the response id
    Truth truth;

    void end_piece() { piece_ends.push_back(body.size()); }
    std::size_t pieces() const { return piece_ends.size(); }
    std::string_view piece(std::size_t index) const {
        const std::size_t begin = index == 0 ? 0 : piece_ends[index - 1];
        return std::string_view(body).substr(begin, piece_ends[index] - begin);
    }
};

// How much of an answer has been sent.
struct SentBody {
    bool whole = false;            // up to and including the framing's end
    std::size_t pieces = 0;        // written in full
    std::uint64_t body_bytes = 0;  // of the content as encoded, without chunk framing
};

}  // namespace llmsnoop::support
