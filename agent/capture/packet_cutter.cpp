#include "agent/capture/packet_cutter.h"

#include <algorithm>

namespace llmsnoop::capture {

std::optional<base::Bytes> Cutter::take(std::size_t size) {
    if (taken_) {
        kept_.clear();
        taken_ = false;
    }
    if (kept_.empty() && piece_.size() >= size) {
        const base::Bytes unit = piece_.first(size);
        piece_ = piece_.subspan(size);
        return unit;
    }
    const std::size_t more = std::min(size - kept_.size(), piece_.size());
    kept_.insert(kept_.end(), piece_.begin(), piece_.begin() + static_cast<std::ptrdiff_t>(more));
    piece_ = piece_.subspan(more);
    if (kept_.size() < size) return std::nullopt;
    taken_ = true;
    return base::Bytes(kept_);
}

bool Cutter::skip(std::uint64_t* size) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(*size, piece_.size()));
    piece_ = piece_.subspan(now);
    *size -= now;
    return *size == 0;
}

}  // namespace llmsnoop::capture
