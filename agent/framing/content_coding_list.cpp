#include "agent/framing/content_coding_list.h"

#include <algorithm>
#include <array>

#include "agent/framing/media_type.h"

namespace llmsnoop::framing {

namespace {

struct Name {
    std::string_view text;
    Coding coding;
};

// RFC 9110 section 8.4.1.3: x-gzip is equivalent to gzip. x-deflate is its unregistered sibling.
constexpr std::array<Name, 6> kNames{{{"gzip", Coding::gzip},
                                      {"x-gzip", Coding::gzip},
                                      {"deflate", Coding::deflate},
                                      {"x-deflate", Coding::deflate},
                                      {"br", Coding::brotli},
                                      {"zstd", Coding::zstd}}};

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t";
    const std::size_t first = text.find_first_not_of(kSpace);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

ContentCodingList read_content_codings(std::string_view value, std::size_t most) {
    ContentCodingList list;
    while (!value.empty()) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view token = trim(value.substr(0, comma));
        value.remove_prefix(std::min(comma + 1, value.size()));
        if (token.empty() || equals_ignoring_case(token, "identity")) continue;

        const auto is_named = [&](const Name& name) { return equals_ignoring_case(token, name.text); };
        const auto* const found = std::find_if(kNames.begin(), kNames.end(), is_named);
        if (found == kNames.end()) {
            list.refused = model::Loss::content_coding_unknown;
            return list;
        }
        if (list.undo.size() == most) {
            list.refused = model::Loss::content_coding_limit;
            return list;
        }
        list.undo.push_back(found->coding);
    }
    std::reverse(list.undo.begin(), list.undo.end());
    return list;
}

}  // namespace llmsnoop::framing
