#include "agent/attribution/kubernetes/watch_lines.h"

namespace llmsnoop::attribution::kubernetes {

void WatchLines::give(std::string_view line, const Out& out) const {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.size() > limit_) {
        out.too_long();
    } else if (!line.empty()) {
        out.line(line);
    }
}

void WatchLines::feed(std::string_view piece, const Out& out) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        if (end == std::string_view::npos) {
            // One byte more than the limit, because the last may be the '\r' of the line's end.
            if (!skipping_ && pending_.size() + part.size() > limit_ + 1) {
                skipping_ = true;
                pending_ = {};
                out.too_long();
            }
            if (!skipping_) pending_.append(part);
            return;
        }
        piece.remove_prefix(end + 1);
        if (skipping_) {
            skipping_ = false;
        } else if (pending_.empty()) {
            give(part, out);
        } else if (pending_.size() + part.size() > limit_ + 1) {
            out.too_long();
        } else {
            pending_.append(part);
            give(pending_, out);
        }
        // Large events are rare; their memory is not kept.
        if (pending_.capacity() > (1U << 16)) pending_ = {};
        pending_.clear();
    }
}

void WatchLines::reset() {
    pending_ = {};
    skipping_ = false;
}

}  // namespace llmsnoop::attribution::kubernetes
