#include "agent/framing/body_framer.h"

#include <algorithm>

namespace llmsnoop::framing {

void BodyFramer::feed(base::Bytes bytes, Outlet& out) {
    if (cut_ || bytes.empty()) return;
    const std::size_t fits = std::min(bytes.size(), limit_ - body_.size());
    body_.append(bytes.first(fits));
    last_ = out.time();
    if (fits < bytes.size()) {
        cut_ = true;
        out.lost(model::Loss::frame_too_large);
    }
}

void BodyFramer::gap(Outlet& out) {
    if (!cut_) out.lost(model::Loss::frame_cut);
    cut_ = true;
}

void BodyFramer::end(bool whole, Outlet& out) {
    if (body_.empty()) return;
    out.deliver_at(last_, model::Frame::Kind::body, body_.view(), {.truncated = cut_ || !whole});
    body_.clear();
}

}  // namespace llmsnoop::framing
