#include "agent/framing/event_stream_framer.h"

#include <algorithm>

namespace llmsnoop::framing {

namespace {

constexpr std::size_t kPrelude = EventStreamPrelude::kSize;

}  // namespace

void EventStreamFramer::feed(base::Bytes bytes, Outlet& out) {
    while (!bytes.empty()) {
        switch (state_) {
            case State::message:
                bytes = held_.empty() ? take(bytes, out) : take_more(bytes, out);
                break;
            case State::too_large: {
                const std::size_t count = std::min<std::uint64_t>(bytes.size(), skip_);
                bytes = bytes.subspan(count);
                skip_ -= count;
                if (skip_ == 0) state_ = State::message;
                break;
            }
            case State::lost:
                bytes = search(bytes);
                break;
        }
    }
}

void EventStreamFramer::gap(Outlet& out) {
    if (state_ == State::message) out.lost(model::Loss::frame_cut);
    state_ = State::lost;
    held_.clear();
    tail_size_ = 0;
}

void EventStreamFramer::end(bool /*whole*/, Outlet& out) {
    // What is there of a message cannot be verified, so it is not shown.
    if (!held_.empty()) out.lost(model::Loss::frame_cut);
    held_.clear();
}

base::Bytes EventStreamFramer::take(base::Bytes bytes, Outlet& out) {
    if (bytes.size() < kPrelude) {
        held_.append(bytes);
        return {};
    }
    if (!begin(bytes.first(kPrelude), out)) return bytes;
    if (bytes.size() < prelude_.total) {
        held_.append(bytes);
        return {};
    }
    deliver(bytes.first(prelude_.total), out);
    return bytes.subspan(prelude_.total);
}

base::Bytes EventStreamFramer::take_more(base::Bytes bytes, Outlet& out) {
    const std::size_t wanted = held_.size() < kPrelude ? kPrelude : prelude_.total;
    const std::size_t count = std::min(bytes.size(), wanted - held_.size());
    held_.append(bytes.first(count));
    bytes = bytes.subspan(count);
    if (held_.size() < wanted) return bytes;
    if (wanted > kPrelude) {
        deliver(held_.view(), out);
        held_.clear();
    } else if (!begin(held_.view(), out)) {
        if (state_ == State::too_large) skip_ -= kPrelude;
        if (state_ == State::lost) {  // a message may begin at any but the first of these bytes
            std::copy(held_.view().begin() + 1, held_.view().end(), tail_.begin());
            tail_size_ = tail_.size();
        }
        held_.clear();
    }
    return bytes;
}

bool EventStreamFramer::begin(base::Bytes prelude, Outlet& out) {
    const auto read = EventStreamPrelude::read(prelude);
    if (!read) {
        out.lost(model::Loss::frame_broken);
        state_ = State::lost;
        tail_size_ = 0;
        return false;
    }
    if (read->total > limit_) {
        out.lost(model::Loss::frame_too_large);
        state_ = State::too_large;
        skip_ = read->total;
        return false;
    }
    prelude_ = *read;
    return true;
}

void EventStreamFramer::deliver(base::Bytes message, Outlet& out) {
    const auto read = EventStreamMessage::read(message, prelude_);
    if (!read) return out.lost(model::Loss::frame_broken);
    out.deliver(model::Frame::Kind::event, read->payload, {.name = read->name, .exception = read->exception});
}

base::Bytes EventStreamFramer::search(base::Bytes bytes) {
    // Positions in the tail of what came before, which need bytes of both.
    std::array<std::uint8_t, 2 * (kPrelude - 1)> seam{};
    std::copy_n(tail_.begin(), tail_size_, seam.begin());
    const std::size_t added = std::min(bytes.size(), kPrelude - 1);
    std::copy_n(bytes.begin(), added, seam.begin() + static_cast<std::ptrdiff_t>(tail_size_));
    const base::Bytes joint(seam.data(), tail_size_ + added);
    for (std::size_t at = 0; at < tail_size_ && at + kPrelude <= joint.size(); ++at) {
        if (!EventStreamPrelude::read(joint.subspan(at))) continue;
        held_.append(joint.subspan(at, tail_size_ - at));
        tail_size_ = 0;
        state_ = State::message;
        return bytes;
    }
    for (std::size_t at = 0; at + kPrelude <= bytes.size(); ++at) {
        if (!EventStreamPrelude::read(bytes.subspan(at))) continue;
        tail_size_ = 0;
        state_ = State::message;
        return bytes.subspan(at);
    }
    const base::Bytes last = bytes.size() >= tail_.size() ? bytes : joint;
    tail_size_ = std::min(last.size(), tail_.size());
    std::copy_n(last.end() - static_cast<std::ptrdiff_t>(tail_size_), tail_size_, tail_.begin());
    return {};
}

}  // namespace llmsnoop::framing
