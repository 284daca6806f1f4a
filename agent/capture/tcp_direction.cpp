#include "agent/capture/tcp_direction.h"

#include <algorithm>

namespace llmsnoop::capture {

namespace {

// How far ahead of the bytes seen an acknowledgement is believed. RFC 7323 allows windows of 1 GB; Linux' default for
// the largest is 6 MB.
constexpr std::uint64_t kAcknowledgeReach = 64U << 20;

}  // namespace

void TcpDirection::begin(std::uint32_t sequence, std::uint64_t offset) {
    begun_ = true;
    first_ = near_sequence_ = sequence;
    near_offset_ = contiguous_ = highest_ = offset;
}

std::int64_t TcpDirection::place(std::uint32_t sequence) const {
    return static_cast<std::int64_t>(near_offset_) + static_cast<std::int32_t>(sequence - near_sequence_);
}

void TcpDirection::saw(std::uint64_t begin, std::uint64_t end) {
    if (end > near_offset_) {
        near_sequence_ += static_cast<std::uint32_t>(end - near_offset_);
        near_offset_ = end;
    }
    highest_ = std::max(highest_, end);
    begin = std::max(begin, contiguous_);
    if (begin >= end) return;
    if (begin == contiguous_) {
        contiguous_ = end;
        if (!islands_.empty()) absorb_islands();
        return;
    }
    // The first island that ends at or after `begin`; it and its followers up to `end` melt into one.
    const auto from = std::lower_bound(islands_.begin(), islands_.end(), begin,
                                       [](const auto& island, std::uint64_t at) { return island.second < at; });
    auto to = from;
    for (; to != islands_.end() && to->first <= end; ++to) {
        begin = std::min(begin, to->first);
        end = std::max(end, to->second);
    }
    if (from != to) {
        *from = {begin, end};
        islands_.erase(from + 1, to);
    } else if (islands_.size() < kIslands) {
        islands_.insert(from, {begin, end});
    }
}

void TcpDirection::acknowledge(std::uint32_t sequence) {
    const std::int64_t at = place(sequence);
    if (at < 0) return;
    const auto offset = static_cast<std::uint64_t>(at);
    if (offset <= highest_ + kAcknowledgeReach) acknowledged_ = std::max(acknowledged_, offset);
}

std::optional<std::uint64_t> TcpDirection::missing_until() const {
    const std::uint64_t until = length_ ? std::min(acknowledged_, *length_) : acknowledged_;
    if (until <= contiguous_) return std::nullopt;
    // The one number beyond the last byte may be that of a FIN which was not seen.
    if (until == contiguous_ + 1 && until > highest_) return std::nullopt;
    return until;
}

void TcpDirection::absorb_islands() {
    auto island = islands_.begin();
    for (; island != islands_.end() && island->first <= contiguous_; ++island) {
        contiguous_ = std::max(contiguous_, island->second);
    }
    islands_.erase(islands_.begin(), island);
}

void TcpDirection::forget_before(std::uint64_t offset) {
    if (offset <= contiguous_) return;
    contiguous_ = offset;
    absorb_islands();
}

bool TcpDirection::end_at(std::uint64_t length) {
    if (length_) return *length_ == length;
    if (length < highest_) return false;
    length_ = length;
    return true;
}

}  // namespace llmsnoop::capture
