#include "agent/http/head_collector.h"

#include <algorithm>

namespace llmsnoop::http {
namespace {

// The end of the first empty line in `text`, looking no earlier than at line ends at or behind `from`; npos if there is
// none.
std::size_t find_end(std::string_view text, std::size_t from) {
    for (auto lf = text.find('\n', from); lf != std::string_view::npos; lf = text.find('\n', lf + 1)) {
        std::string_view before = text.substr(0, lf);
        if (before.ends_with('\r')) before.remove_suffix(1);
        if (before.empty() || before.back() == '\n') return lf + 1;
    }
    return std::string_view::npos;
}

}  // namespace

HeadCollector::Step HeadCollector::feed(base::Bytes bytes, base::Time time, Expected expected) {
    std::string_view input = base::as_text(bytes);
    std::size_t skipped = 0;
    if (gathered_.empty()) {
        // Empty lines before a message are to be ignored (RFC 9112 section 2.2).
        skipped = std::min(input.find_first_not_of("\r\n"), input.size());
        input.remove_prefix(skipped);
        if (input.empty()) return {Status::more, skipped};
        started_ = time;
    }

    const bool in_one_piece = gathered_.empty();
    const std::size_t before = gathered_.size();
    if (!in_one_piece) gathered_.append(input.substr(0, limit_ + 1 - before));
    const std::string_view head = in_one_piece ? input.substr(0, limit_ + 1) : std::string_view(gathered_);

    if (!start_line_seen_) {
        const Start start = judge_start(head, searched_, expected);
        if (start == Start::wrong) {
            gathered_.resize(before);
            return {Status::not_a_head, skipped};
        }
        start_line_seen_ = start == Start::right;
    }
    const std::size_t end = find_end(head, searched_);
    if (end != std::string_view::npos && end <= limit_) {
        if (in_one_piece) {
            whole_ = head.substr(0, end);
        } else {
            gathered_.resize(end);
        }
        return {Status::complete, skipped + end - before};
    }
    if (head.size() > limit_) return {Status::too_large, skipped + limit_ + 1 - before};
    searched_ = head.size();
    if (in_one_piece) gathered_ = head;
    return {Status::more, skipped + input.size()};
}

void HeadCollector::keep() {
    if (whole_.empty()) return;
    gathered_ = whole_;
    whole_ = {};
}

void HeadCollector::clear() {
    gathered_.clear();
    if (gathered_.capacity() > 8192) gathered_.shrink_to_fit();
    whole_ = {};
    searched_ = 0;
    start_line_seen_ = false;
}

bool HeadCollector::agrees(Expected expected) const {
    return gathered_.empty() || judge_start(gathered_, 0, expected) != Start::wrong;
}

// `searched`: the start line does not end before there.
HeadCollector::Start HeadCollector::judge_start(std::string_view head, std::size_t searched, Expected expected) {
    if (!may_begin_message(head.substr(0, 40), expected)) return Start::wrong;
    const auto lf = head.find('\n', searched);
    if (lf == std::string_view::npos) return Start::incomplete;
    std::string_view line = head.substr(0, lf);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool right = (expected != Expected::response && parse_request_line(line)) ||
                       (expected != Expected::request && parse_status_line(line));
    return right ? Start::right : Start::wrong;
}

}  // namespace llmsnoop::http
