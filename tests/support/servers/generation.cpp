#include "tests/support/servers/generation.h"

#include <algorithm>
#include <array>

namespace llmsnoop::support {
namespace {

constexpr std::size_t kDocumentPiece = 512;

struct Alias {
    std::string_view requested;
    std::string_view answered;
};
constexpr std::array<Alias, 7> kAliases = {{
    {"gpt-4o-mini", "gpt-4o-mini-2024-07-18"},
    {"gpt-4o", "gpt-4o-2024-08-06"},
    {"gpt-4.1", "gpt-4.1-2025-04-14"},
    {"gpt-5-mini", "gpt-5-mini-2025-08-07"},
    {"o3-mini", "o3-mini-2025-01-31"},
    {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929"},
    {"claude-haiku-4-5", "claude-haiku-4-5-20251001"},
}};

std::vector<std::string> fragments_of(std::string_view arguments) {
    std::vector<std::string> fragments;
    for (std::size_t begin = 0; begin < arguments.size();) {
        std::size_t size = std::min<std::size_t>(3 + fragments.size() % 5, arguments.size() - begin);
        // A JSON escape or a UTF-8 sequence is never cut by the real APIs: tokens are decoded to text first.
        while (begin + size < arguments.size() &&
               (arguments[begin + size - 1] == '\\' || (arguments[begin + size] & 0xc0) == 0x80))
            ++size;
        fragments.emplace_back(arguments.substr(begin, size));
        begin += size;
    }
    return fragments;
}

}  // namespace

Generation::Generation(const Call& call)
    : wording_(call.seed), delta_bytes_(call.options.chunk_bytes), deltas_(call.options.chunks) {
    make_tool_calls(call);
    make_counts(call);
}

std::string_view Generation::delta() {
    if (delta_bytes_ == 0) return wording_.next();
    delta_ = wording_.exactly(delta_bytes_);
    return delta_;
}

void Generation::make_tool_calls(const Call& call) {
    const auto& offered = call.request.tools;
    if (offered.empty()) return;
    const unsigned wanted = call.options.tool_calls.value_or(1);
    static constexpr std::array<std::string_view, 4> kPlaces = {"Z\xc3\xbcrich", "S\xc3\xa3o Paulo", "Reykjav\xc3\xadk",
                                                                "Oslo \\\"centre\\\""};
    for (unsigned i = 0; i < wanted; ++i) {
        GeneratedCall made;
        made.name = offered[(call.seed + i) % offered.size()];
        made.id_suffix = wording_.identifier(24);
        append(made.arguments, R"({"location":")", kPlaces[(call.seed + i) % kPlaces.size()], R"(","days":)",
               1 + (call.seed + i) % 9, R"(,"units":["metric","imperial"],"detailed":)",
               (call.seed + i) % 2 == 0 ? "true" : "false", "}");
        made.fragments = fragments_of(made.arguments);
        tool_calls_.push_back(std::move(made));
    }
}

// Numbers that differ from request to request, so that a count given to the wrong exchange is noticed.
void Generation::make_counts(const Call& call) {
    const AnswerOptions& options = call.options;
    const std::uint64_t fresh = options.input.value_or(call.request_bytes / 4 + 7 + call.seed % 97);
    const bool cache_by_seed = call.seed % 3 == 0 && call.request.api != Api::openai_embeddings;
    counts_.cache_read = options.cached.value_or(cache_by_seed ? fresh / 3 : 0);
    counts_.cache_write = options.cache_write.value_or(cache_by_seed ? fresh / 5 : 0);
    counts_.input = std::max(fresh, *counts_.cache_read + *counts_.cache_write);
    counts_.reasoning = options.reasoning.value_or(call.request.thinks ? 16 + call.seed % 64 : 0);
    std::uint64_t generated = std::uint64_t{deltas_} * call.request.choices + *counts_.reasoning + call.seed % 3;
    for (const GeneratedCall& made : tool_calls_)
        generated += made.fragments.size() + 5;
    counts_.output = std::max(options.output.value_or(generated), *counts_.reasoning);
}

void append_escaped(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += byte;
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            append(out, "\\u00", std::string_view(&kHex[byte >> 4], 1), std::string_view(&kHex[byte & 15], 1));
        } else {
            out += byte;
        }
    }
}

std::string_view answered_model(std::string_view requested) {
    for (const Alias& alias : kAliases)
        if (alias.requested == requested) return alias.answered;
    return requested;
}

void cut_document(Answer& answer) {
    for (std::size_t end = kDocumentPiece; end < answer.body.size(); end += kDocumentPiece)
        answer.piece_ends.push_back(end);
    answer.end_piece();
    answer.counts_piece = answer.finish_piece = answer.pieces() - 1;
}

}  // namespace llmsnoop::support
