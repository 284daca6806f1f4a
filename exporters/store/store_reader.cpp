#include "exporters/store/store_reader.h"

#include <algorithm>
#include <charconv>

namespace llmsnoop::exporters::store {

std::string to_string(const Cursor& cursor) {
    return std::to_string(cursor.time_ns) + "-" + cursor.id;
}

base::Result<Cursor> parse_cursor(std::string_view text) {
    constexpr std::size_t kIdSize = 26;
    const base::Error wrong = base::error("that is no cursor of this store", base::Error::Kind::usage);
    Cursor out;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out.time_ns);
    if (problem != std::errc()) return wrong;
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    if (rest.size() != kIdSize + 1 || rest[0] != '-' || !std::all_of(rest.begin() + 1, rest.end(), fits)) return wrong;
    out.id = rest.substr(1);
    return out;
}

}  // namespace llmsnoop::exporters::store
