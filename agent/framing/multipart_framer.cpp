#include "agent/framing/multipart_framer.h"

#include <algorithm>
#include <cstring>

#include "agent/framing/media_type.h"

namespace llmsnoop::framing {

MultipartFramer::MultipartFramer(std::string_view boundary, std::size_t field_bytes)
    : delimiter_("--" + std::string(boundary)), limit_(field_bytes) {}

void MultipartFramer::feed(base::Bytes bytes, Outlet& out) {
    while (!bytes.empty() && part_ != Part::over) {
        const std::size_t used = part_ == Part::head   ? take_head(bytes, out)
                                 : match_ == Match::no ? take_content(bytes, out)
                                                       : match(bytes, out);
        bytes = bytes.subspan(used);
    }
}

void MultipartFramer::gap(Outlet& out) {
    if (part_ == Part::over) return;
    out.lost(model::Loss::frame_cut);
    end_part(true, out);
    part_ = Part::none;
    match_ = Match::no;
    held_.clear();
}

void MultipartFramer::end(bool whole, Outlet& out) {
    if (part_ == Part::over) return;
    // Without its last boundary a form is not whole, whatever the message's length says.
    const bool untouched = match_ == Match::boundary && held_.empty();
    if (part_ == Part::head || (part_ == Part::none && whole && !untouched)) out.lost(model::Loss::frame_cut);
    end_part(true, out);
    part_ = Part::over;
}

std::size_t MultipartFramer::take_head(base::Bytes bytes, Outlet& out) {
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t used = found == nullptr
                                 ? bytes.size()
                                 : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data()) + 1;
    if (head_size_ + used > kHeadBytes) {
        out.lost(model::Loss::frame_too_large);
        part_ = Part::none;
        match_ = Match::no;
        return 0;
    }
    head_size_ += used;
    line_.append(base::as_text(bytes.first(used)));
    if (found == nullptr) return used;
    line_.pop_back();
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.empty()) {
        // The delimiter of an empty part may follow at once: this line break is also its first.
        part_ = is_file_ ? Part::file : Part::field;
        match_ = Match::boundary;
        matched_ = 0;
    } else {
        take_head_line(line_);
    }
    line_.clear();
    return used;
}

void MultipartFramer::take_head_line(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), "content-disposition")) return;
    const std::string_view value = line.substr(colon + 1);
    name_ = parameter(value, "name").value_or("");
    is_file_ = parameter(value, "filename").has_value() || parameter(value, "filename*").has_value();
}

// Content up to the next line break, which may begin a delimiter.
std::size_t MultipartFramer::take_content(base::Bytes bytes, Outlet& out) {
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t length = found == nullptr
                                   ? bytes.size()
                                   : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
    const bool after_cr = length > 0 && bytes[length - 1] == '\r';
    add_content(bytes.first(length - (after_cr ? 1 : 0)), out);
    if (after_cr) held_ = "\r";
    if (found == nullptr) {
        if (after_cr) match_ = Match::carriage_return;
        return length;
    }
    held_ += '\n';
    match_ = Match::boundary;
    matched_ = 0;
    return length + 1;
}

// One step towards a delimiter. A byte that does not fit is not used up.
std::size_t MultipartFramer::match(base::Bytes bytes, Outlet& out) {
    if (match_ == Match::boundary && matched_ < delimiter_.size()) return match_boundary(bytes, out);
    const char next = static_cast<char>(bytes.front());
    switch (match_) {
        case Match::carriage_return:
            if (next != '\n') break;
            held_ += next;
            match_ = Match::boundary;
            matched_ = 0;
            return 1;
        case Match::dash:
            if (next != '-') break;
            end_part(false, out);
            part_ = Part::over;
            return 1;
        case Match::boundary:
            if (next == '-') {
                held_ += next;
                match_ = Match::dash;
                return 1;
            }
            [[fallthrough]];
        case Match::padding:
            // RFC 2046 section 5.1.1: transport-padding, which nobody should write and everybody must read.
            if ((next == ' ' || next == '\t') && held_.size() < delimiter_.size() + kDelimiterPadding) {
                held_ += next;
                match_ = Match::padding;
                return 1;
            }
            if (next == '\r') {
                held_ += next;
                match_ = Match::line_feed;
                return 1;
            }
            [[fallthrough]];
        case Match::line_feed:
            if (next != '\n') break;
            end_part(false, out);
            begin_part();
            return 1;
        case Match::no:
            break;
    }
    no_match(out);
    return 0;
}

std::size_t MultipartFramer::match_boundary(base::Bytes bytes, Outlet& out) {
    const std::string_view rest = std::string_view(delimiter_).substr(matched_);
    const std::string_view text = base::as_text(bytes.first(std::min(bytes.size(), rest.size())));
    const auto same =
        static_cast<std::size_t>(std::mismatch(text.begin(), text.end(), rest.begin()).first - text.begin());
    held_.append(text.substr(0, same));
    matched_ += same;
    if (same < text.size()) no_match(out);
    return same;
}

void MultipartFramer::no_match(Outlet& out) {
    add_content(base::as_bytes(held_), out);
    held_.clear();
    match_ = Match::no;
}

void MultipartFramer::add_content(base::Bytes bytes, Outlet& out) {
    if (part_ != Part::field) return;
    const std::size_t fits = std::min(bytes.size(), limit_ - value_.size());
    value_.append(bytes.first(fits));
    if (fits == bytes.size() || too_large_) return;
    too_large_ = true;
    out.lost(model::Loss::frame_too_large);
}

void MultipartFramer::begin_part() {
    part_ = Part::head;
    head_size_ = 0;
    line_.clear();
    name_.clear();
    is_file_ = false;
    value_.clear();
    too_large_ = false;
    held_.clear();
    match_ = Match::no;
}

void MultipartFramer::end_part(bool truncated, Outlet& out) {
    if (part_ != Part::field && part_ != Part::file) return;
    out.deliver(model::Frame::Kind::field, value_.view(), {.name = name_, .truncated = truncated || too_large_});
}

}  // namespace llmsnoop::framing
