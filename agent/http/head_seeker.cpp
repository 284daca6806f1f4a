#include "agent/http/head_seeker.h"

#include <algorithm>
#include <cstring>

#include "agent/http/field_text.h"

namespace llmsnoop::http {
namespace {

// A start line is looked for in so many bytes at the end of a line.
constexpr std::size_t kLongestStartLine = 16U << 10;

bool is_field_line(std::string_view line, bool first) {
    if (line.front() == ' ' || line.front() == '\t') return !first;  // obs-fold
    return is_token(line.substr(0, line.find(':'))) && line.find(':') != std::string_view::npos &&
           line.find('\0') == std::string_view::npos;
}

}  // namespace

HeadSeeker::Step HeadSeeker::feed(base::Bytes bytes, base::Time time, Expected expected) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        const base::Bytes rest = bytes.subspan(used);
        const void* lf = std::memchr(rest.data(), '\n', rest.size());
        if (line_.empty()) line_started_ = time;
        if (lf == nullptr) {
            line_ += base::as_text(rest);
            forget_what_is_too_long();
            return {Status::more, bytes.size()};
        }
        const std::size_t length = static_cast<std::size_t>(static_cast<const std::uint8_t*>(lf) - rest.data()) + 1;
        used += length;
        std::string_view line = base::as_text(rest.first(length));
        if (!line_.empty()) line = line_ += line;
        const Status status = end_line(line, expected);
        line_.clear();
        if (status == Status::found) return {status, used};
    }
    return {Status::more, used};
}

void HeadSeeker::clear() {
    line_.clear();
    head_.clear();
    fields_ = 0;
    passed_over_ = false;
}

HeadSeeker::Status HeadSeeker::end_line(std::string_view line, Expected expected) {
    const std::string_view whole = line;
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);

    if (!head_.empty()) {
        const bool fits = head_.size() + whole.size() <= limit_;
        if (fits && line.empty() && fields_ > 0) {
            head_ += whole;
            return Status::found;
        }
        if (fits && !line.empty() && is_field_line(line, fields_ == 0)) {
            head_ += whole;
            ++fields_;
            return Status::more;
        }
        head_.clear();
        passed_over_ = true;
    }
    fields_ = 0;
    const std::size_t skip = line.size() - std::min(line.size(), kLongestStartLine);
    if (const auto start = find_start_line(line.substr(skip), expected)) {
        head_ = whole.substr(skip + start->at);
        started_ = line_started_;
        passed_over_ |= skip + start->at > 0;
    } else {
        passed_over_ = true;
    }
    return Status::more;
}

// Without a line end, only the end of the line can matter: it may turn out to be a start line. Dropping half of it at a
// time keeps the cost linear.
void HeadSeeker::forget_what_is_too_long() {
    if (!head_.empty() && head_.size() + line_.size() > limit_) head_.clear();
    if (head_.empty() && line_.size() > 2 * kLongestStartLine + 2) {
        line_.erase(0, line_.size() - kLongestStartLine - 2);
    }
}

}  // namespace llmsnoop::http
