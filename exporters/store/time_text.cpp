#include "exporters/store/time_text.h"

#include <charconv>
#include <chrono>
#include <string>

namespace llmsnoop::exporters::store {

namespace {

using std::chrono::days;

// Digits only, exactly as many as asked for.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(at, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<base::Time> parse_date(std::string_view text) {
    if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = digits(text, 0, 4);
    const auto month = digits(text, 5, 2);
    const auto day = digits(text, 8, 2);
    // What nanoseconds since 1970 in 64 bits can say.
    if (!year || !month || !day || *year < 1678 || *year > 2261) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return base::Time(std::chrono::sys_days(date));
}

// "Z", "+02:00": what is to be subtracted.
std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
    if (text == "Z" || text == "z") return std::chrono::minutes(0);
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
    const auto hours = digits(text, 1, 2);
    const auto minutes = digits(text, 4, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return std::chrono::minutes((*hours * 60 + *minutes) * (text[0] == '-' ? -1 : 1));
}

std::optional<base::Duration> parse_span(std::string_view text) {
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    constexpr std::int64_t kMost = 1'000'000;  // of any unit below a day: the product fits
    if (problem != std::errc() || text.front() == '-' || count > kMost) return std::nullopt;
    if (unit == "s") return std::chrono::seconds(count);
    if (unit == "m") return std::chrono::minutes(count);
    if (unit == "h") return std::chrono::hours(count);
    if (count > 40'000) return std::nullopt;
    if (unit == "d") return days(count);
    if (unit == "w" && count <= 5'000) return days(7 * count);
    return std::nullopt;
}

}  // namespace

std::optional<base::Time> parse_rfc3339(std::string_view text) {
    const auto date = parse_date(text);
    constexpr std::size_t kClock = 19;  // 2026-11-20T10:38:00
    if (!date || text.size() <= kClock || (text[10] != 'T' && text[10] != 't' && text[10] != ' ')) return std::nullopt;
    if (text[13] != ':' || text[16] != ':') return std::nullopt;
    const auto hour = digits(text, 11, 2);
    const auto minute = digits(text, 14, 2);
    const auto second = digits(text, 17, 2);
    // 60 is a leap second, which counts into the next minute.
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    std::size_t at = kClock;
    std::int64_t fraction = 0;
    if (text[at] == '.') {
        std::int64_t scale = 100'000'000;
        const std::size_t first = ++at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
            fraction += (text[at] - '0') * scale;
        if (at == first) return std::nullopt;
    }
    const auto offset = parse_offset(text.substr(at));
    if (!offset) return std::nullopt;
    const base::Time time = *date + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                            std::chrono::seconds(*second) + std::chrono::nanoseconds(fraction) - *offset;
    // An offset can lead out of the years that are read.
    if (time < *parse_date("1678-01-01") || time >= *parse_date("2261-12-31") + days(1)) return std::nullopt;
    return time;
}

base::Result<base::Time> parse_when(std::string_view text, base::Time now) {
    const auto today = base::Time(std::chrono::floor<days>(now));
    if (text == "now") return now;
    if (text == "today") return today;
    if (text == "yesterday") return base::Time(today - days(1));
    if (text.size() == 10) {
        if (const auto date = parse_date(text)) return *date;
    }
    if (const auto time = parse_rfc3339(text)) return *time;
    if (!text.empty()) {
        if (const auto span = parse_span(text)) return base::Time(now - *span);
    }
    return base::error(
        "'" + std::string(text) + "' is no time: want 2026-11-20T10:38:00Z, 2026-11-20, 24h, 7d, today or yesterday",
        base::Error::Kind::usage);
}

}  // namespace llmsnoop::exporters::store
