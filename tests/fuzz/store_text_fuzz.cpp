// What the store and the API read of people and of other agents: times, dimensions, cursors, reports.
//   - a time that is read is written so that it is read again as the same;
//   - dimensions and cursors are written as they were read;
//   - a report that an agent sends can be shown, and what is written of it is read again as the same.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "exporters/store/store_reader.h"
#include "exporters/store/time_text.h"
#include "exporters/store/usage_text.h"

namespace {

using namespace llmsnoop::exporters::store;
namespace base = llmsnoop::base;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

void check_times(std::string_view text) {
    if (const auto time = parse_rfc3339(text))
        require(parse_rfc3339(base::rfc3339(*time)) == time, "a time comes back");
    const auto when = parse_when(text, base::time_from_unix_ns(1'795'171'080'123'456'789));
    require(when || when.error().kind == base::Error::Kind::usage, "what is no time is a usage error");
}

void check_names(std::string_view text) {
    if (const auto dimensions = parse_dimensions(text)) {
        std::string again;
        for (const Dimension& one : *dimensions)
            again += (again.empty() ? "" : ",") + one.name();
        require(again == text, "dimensions come back");
    }
    if (const auto cursor = parse_cursor(text))
        require(parse_cursor(to_string(*cursor))->id == cursor->id, "a cursor comes back");
}

void check_report(std::string_view text) {
    const auto report = parse_usage_json(text);
    if (!report) return;
    const std::string table = usage_table(*report);
    require(table.find('\x1b') == std::string::npos, "no escape reaches the terminal");
    require(usage_csv(*report).ends_with("\r\n"), "a line ends");
    const std::string once = usage_json(*report);
    const auto again = parse_usage_json(once);
    require(again && usage_json(*again) == once, "a report comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_times(input);
    check_names(input);
    check_report(input);
    return 0;
}
