#include "agent/framing/sse_framer.h"

#include <algorithm>
#include <cstring>

namespace llmsnoop::framing {

namespace {

const std::uint8_t* find(const std::uint8_t* at, const std::uint8_t* end, char byte) {
    const void* found = std::memchr(at, byte, static_cast<std::size_t>(end - at));
    return found == nullptr ? end : static_cast<const std::uint8_t*>(found);
}

// Finds line ends of both kinds. Each kind's next position is remembered, so that a piece with none of one kind is
// searched for it once and not once per line.
class LineEnds {
 public:
    LineEnds(const std::uint8_t* begin, const std::uint8_t* end)
        : end_(end), lf_(find(begin, end, '\n')), cr_(find(begin, end, '\r')) {}

    // The first line end at or after `at`, or the end of the piece. `at` never goes backwards.
    const std::uint8_t* next(const std::uint8_t* at) {
        if (lf_ < at) lf_ = *at == '\n' ? at : find(at, end_, '\n');
        if (cr_ < at) cr_ = find(at, end_, '\r');
        return std::min(lf_, cr_);
    }

 private:
    const std::uint8_t* end_;
    const std::uint8_t* lf_;
    const std::uint8_t* cr_;
};

constexpr std::string_view kData = "data:";
constexpr std::string_view kEvent = "event:";

}  // namespace

void SseFramer::feed(base::Bytes bytes, Outlet& out) {
    if (!mark_.passed()) [[unlikely]] {
        const base::Bytes text = mark_.pass(bytes);
        if (!text.empty()) hold_line(text, out);
    }
    if (bytes.empty()) return;
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* const end = at + bytes.size();
    if (after_cr_) {
        after_cr_ = false;
        if (*at == '\n') ++at;
    }
    LineEnds ends(at, end);
    while (at != end) {
        const std::uint8_t* const stop = ends.next(at);
        if (stop == end) break;
        const base::Bytes line(at, stop);
        at = stop + 1;
        if (*stop == '\r') {
            after_cr_ = at == end;
            if (at != end && *at == '\n') ++at;
        }
        if (in_line_) {
            finish_line(line, out);
        } else {
            take_line(line, out);
        }
    }
    keep_event();
    if (!in_line_) line_.clear();
    if (at != end) hold_line(base::Bytes(at, end), out);
}

void SseFramer::gap(Outlet& out) {
    mark_.abandon();
    after_cr_ = false;
    if (!skipping_) skip_event(model::Loss::frame_cut, out);
    // What follows is taken for the middle of a line: at worst one more event is skipped, but no half of one is
    // delivered.
    in_line_ = true;
    line_counts_ = false;
    line_.clear();
}

void SseFramer::end(bool whole, Outlet& out) {
    if (in_line_ && line_counts_) {
        in_line_ = false;
        // A field name without its colon may itself be cut off.
        const base::Bytes line = line_.view();
        if (std::find(line.begin(), line.end(), ':') != line.end()) take_line(line, out);
    }
    if (skipping_ || !has_data_) return;
    const base::Bytes data = data_is_kept_ ? kept_data_.view() : data_view_;
    if (data.empty()) return;
    out.deliver(model::Frame::Kind::event, data, {.name = name_, .truncated = !whole});
    forget_event();
}

void SseFramer::take_line(base::Bytes line, Outlet& out) {
    if (line.empty()) return dispatch(out);
    if (skipping_ || line.front() == ':') return;
    event_size_ += line.size();
    if (event_size_ > limit_) [[unlikely]]
        return skip_event(model::Loss::frame_too_large, out);
    take_field(line);
}

void SseFramer::take_field(base::Bytes line) {
    const std::string_view text = base::as_text(line);
    // "If value starts with a U+0020 SPACE character, remove it from value."
    const auto value_after = [&](std::string_view field) {
        return line.subspan(field.size() + (line.size() > field.size() && line[field.size()] == ' ' ? 1 : 0));
    };
    if (text.starts_with(kData)) {
        add_data(value_after(kData));
    } else if (text.starts_with(kEvent)) {
        name_ = base::as_text(value_after(kEvent));
    } else if (text == "data") {  // a line without a colon is a field with an empty value
        add_data({});
    } else if (text == "event") {
        name_ = {};
    }
}

void SseFramer::add_data(base::Bytes value) {
    if (!has_data_) {
        has_data_ = true;
        data_is_kept_ = false;
        data_view_ = value;
        return;
    }
    if (!data_is_kept_) kept_data_.append(data_view_);
    data_is_kept_ = true;
    kept_data_.append(base::as_bytes("\n"));
    kept_data_.append(value);
}

void SseFramer::dispatch(Outlet& out) {
    if (skipping_) {
        skipping_ = false;
        return;
    }
    if (has_data_) {
        const base::Bytes data = data_is_kept_ ? kept_data_.view() : data_view_;
        out.deliver(model::Frame::Kind::event, data, {.name = name_});
    }
    forget_event();
}

void SseFramer::skip_event(model::Loss why, Outlet& out) {
    out.lost(why);
    skipping_ = true;
    forget_event();
}

void SseFramer::forget_event() {
    has_data_ = false;
    data_is_kept_ = false;
    kept_data_.clear();
    name_ = {};
    event_size_ = 0;
}

void SseFramer::hold_line(base::Bytes part, Outlet& out) {
    if (!in_line_) {
        in_line_ = true;
        line_counts_ = !skipping_ && part.front() != ':';
    }
    if (!line_counts_) return;
    if (event_size_ + line_.size() + part.size() > limit_) {
        line_counts_ = false;
        line_.clear();
        return skip_event(model::Loss::frame_too_large, out);
    }
    line_.append(part);
}

void SseFramer::finish_line(base::Bytes rest, Outlet& out) {
    in_line_ = false;
    if (!line_counts_) return;
    if (event_size_ + line_.size() + rest.size() > limit_) return skip_event(model::Loss::frame_too_large, out);
    line_.append(rest);
    take_line(line_.view(), out);
}

// Before the piece goes away: copies what the views of an unfinished event show.
void SseFramer::keep_event() {
    if (has_data_ && !data_is_kept_) {
        kept_data_.append(data_view_);
        data_is_kept_ = true;
    }
    if (!name_.empty() && name_.data() != kept_name_.data()) {
        kept_name_.assign(name_);
        name_ = kept_name_;
    }
}

}  // namespace llmsnoop::framing
