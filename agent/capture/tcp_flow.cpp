#include "agent/capture/tcp_flow.h"

#include <algorithm>

#include "agent/capture/tcp_first_bytes.h"

namespace llmsnoop::capture {

namespace {

using model::ConnectionClosed;
using model::Loss;

// How far behind a hole the first segment seen of a direction may lie so that the hole is taken for reordering.
constexpr std::uint64_t kReorderReach = 128U << 10;

// What has overtaken bytes that were acknowledged is kept back so long by the capture's clock, and so much of it.
constexpr base::Duration kPatience = std::chrono::milliseconds(100);
constexpr std::size_t kKeptBytes = 256U << 10;

// RFC 7413: a SYN-ACK may acknowledge data that came with the SYN.
constexpr std::uint32_t kFastOpenReach = 1U << 16;

bool is_keep_alive_size(std::uint64_t length) {
    return length == 1;
}

}  // namespace

bool TcpFlow::starts_anew(Side side, const TcpSegment& segment) const {
    if (over_ && !announced_) return true;  // refused, and tried again: perhaps with the same initial number
    const std::uint32_t first = segment.sequence + 1;
    const Half& mine = halves_[side];
    const Half& theirs = halves_[1 - side];
    if (mine.first_by_syn) return *mine.first_by_syn != first;  // equal: sent again
    if (!shaken_) return true;
    if (segment.has(TcpSegment::kAck)) return segment.acknowledged - theirs.bytes.first() > kFastOpenReach;
    // A SYN behind the SYN-ACK that answers it, or both ends opening at once.
    return mine.bytes.begun() ? mine.bytes.first() != first : announced_;
}

bool TcpFlow::feed(Side side, const TcpSegment& segment, base::Time time, EventOut out) {
    latest_ = time;
    Half& mine = halves_[side];
    Half& theirs = halves_[1 - side];
    if (segment.has(TcpSegment::kSyn)) handshake(side, segment);
    if (over_) return false;
    if (segment.has(TcpSegment::kReset)) {
        if (!believable_reset(side, segment)) return false;
        close(both_finished() ? ConnectionClosed::How::orderly : ConnectionClosed::How::reset, out);
        return true;
    }
    // What one end expects next is where the other end's stream goes on, even if the packet that says so itself was not
    // seen.
    if (segment.has(TcpSegment::kAck)) {
        if (!theirs.bytes.begun()) theirs.bytes.begin(segment.acknowledged, origin());
        // Behind data that are kept back the bytes between may be among these.
        if (kept_.empty()) theirs.bytes.acknowledge(segment.acknowledged);
    }
    if (segment.length > 0) payload(side, segment, out);
    release(Patience::some, out);

    bool nearer = false;
    if (segment.has(TcpSegment::kFin)) {
        const std::uint32_t sequence = segment.sequence + (segment.has(TcpSegment::kSyn) ? 1 : 0);
        if (!mine.bytes.begun()) mine.bytes.begin(sequence, origin());
        const std::int64_t length = mine.bytes.place(sequence) + static_cast<std::int64_t>(segment.length);
        nearer = !mine.bytes.length() && length >= 0 && mine.bytes.end_at(static_cast<std::uint64_t>(length));
    }
    end_whole_directions(out);
    return nearer;
}

void TcpFlow::handshake(Side side, const TcpSegment& segment) {
    Half& mine = halves_[side];
    Half& theirs = halves_[1 - side];
    const std::uint32_t first = segment.sequence + 1;
    const bool answer = segment.has(TcpSegment::kAck);
    shaken_ = true;
    if (!client_) client_ = answer ? 1 - side : side;
    mine.first_by_syn = first;
    if (!mine.delivered && !mine.bytes.length()) mine.bytes.begin(first, 0);
    if (answer && !theirs.bytes.begun()) theirs.bytes.begin(segment.acknowledged, 0);
}

void TcpFlow::payload(Side side, const TcpSegment& segment, EventOut out) {
    Half& mine = halves_[side];
    TcpDirection& bytes = mine.bytes;
    const std::uint32_t sequence = segment.sequence + (segment.has(TcpSegment::kSyn) ? 1 : 0);
    const bool begun = bytes.begun();
    if (!begun && !shaken_ && is_keep_alive_size(segment.length) && !segment.has(TcpSegment::kPush)) {
        bytes.begin(sequence + 1, origin());  // RFC 9293 section 3.8.4: a probe may hold one byte of rubbish
        return;
    }
    if (!announced_) announce(side, segment, out);
    if (!begun) bytes.begin(sequence, from_start_ ? 0 : TcpDirection::kJoinedAt);

    Data data{side, sequence, std::nullopt, latest_, segment.payload, segment.length};
    if (segment.has(TcpSegment::kAck)) data.acknowledged = segment.acknowledged;
    if (overtakes(data)) {
        keep(data);
    } else {
        deliver(data, out);
    }
}

void TcpFlow::keep(const Data& data) {
    Kept& kept = kept_.emplace_back(Kept{data, std::string(base::as_text(data.bytes))});
    kept.data.bytes = base::as_bytes(kept.copy);
    kept_bytes_ += kept.size();
}

// Delivers what was kept back as far as it has overtaken nothing, or nothing that is waited for any longer.
void TcpFlow::release(Patience patience, EventOut out) {
    while (!kept_.empty()) {
        const Data& first = kept_.front().data;
        if (first.acknowledged) halves_[1 - first.side].bytes.acknowledge(*first.acknowledged);
        const auto next =
            std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return !overtakes(one.data); });
        if (next != kept_.end()) {
            deliver(next->data, out);
            kept_bytes_ -= next->size();
            kept_.erase(next);
        } else if (patience == Patience::some && kept_bytes_ <= kKeptBytes && !has_waited(first)) {
            return;
        } else {
            pass_over_unseen(lacks_acknowledged(1 - first.side) ? 1 - first.side : first.side, out);
        }
    }
}

bool TcpFlow::has_waited(const Data& data) const {
    if (latest_ <= data.time) return false;
    // Unsigned, because times come from outside and may lie any distance apart.
    const auto waited =
        static_cast<std::uint64_t>(base::unix_ns(latest_)) - static_cast<std::uint64_t>(base::unix_ns(data.time));
    return waited > static_cast<std::uint64_t>(kPatience.count());
}

bool TcpFlow::lacks_acknowledged(Side side) const {
    const Half& half = halves_[side];
    return !half.ended && half.bytes.missing_until();
}

// Has it come before bytes that were received before it was sent, or before it was received?
bool TcpFlow::overtakes(const Data& data) const {
    const TcpDirection& bytes = halves_[data.side].bytes;
    if (lacks_acknowledged(data.side))
        return bytes.place(data.sequence) > static_cast<std::int64_t>(bytes.contiguous());
    return lacks_acknowledged(1 - data.side);
}

void TcpFlow::deliver(const Data& data, EventOut out) {
    const Side side = data.side;
    Half& mine = halves_[side];
    TcpDirection& bytes = mine.bytes;
    std::int64_t at = bytes.place(data.sequence);
    if (is_keep_alive_size(data.length) && at + 1 == static_cast<std::int64_t>(bytes.contiguous())) return;
    model::Chunk chunk = empty_chunk(side, 0);
    chunk.time = data.time;
    chunk.length = data.length;
    chunk.bytes = data.bytes;
    if (at < 0) {
        const auto before = static_cast<std::uint64_t>(-at);
        if (before >= chunk.length) return;
        chunk.bytes = chunk.bytes.subspan(std::min<std::uint64_t>(before, chunk.bytes.size()));
        chunk.length -= before;
        at = 0;
    }
    chunk.offset = static_cast<std::uint64_t>(at);
    if (mine.ended) {
        if (chunk.offset + chunk.length > bytes.contiguous()) losses_->add(Loss::late_chunk);
        return;
    }
    if (const auto end = bytes.length(); end && chunk.offset + chunk.length > *end) {
        losses_->add(Loss::packet_malformed);  // bytes beyond the FIN
        if (chunk.offset >= *end) return;
        chunk.length = *end - chunk.offset;
        chunk.bytes = chunk.bytes.first(std::min<std::uint64_t>(chunk.bytes.size(), chunk.length));
    }
    if (!from_start_ && !mine.delivered) begin_late(side, chunk.offset, out);
    if (chunk.bytes.size() < chunk.length) {
        chunk.missing = Loss::packet_truncated;
        losses_->add(Loss::packet_truncated);
    }
    mine.delivered = true;
    bytes.saw(chunk.offset, chunk.offset + chunk.length);
    out(chunk);
}

// For the sake of the first of what is kept back; as far as none of it holds them.
void TcpFlow::pass_over_unseen(Side side, EventOut out) {
    Half& half = halves_[side];
    const std::uint64_t from = half.bytes.contiguous();
    std::uint64_t until = *half.bytes.missing_until();
    for (const Kept& one : kept_)
        if (one.data.side == side)
            until = std::min(until, static_cast<std::uint64_t>(half.bytes.place(one.data.sequence)));
    model::Chunk chunk = empty_chunk(side, from);
    chunk.time = kept_.front().data.time;
    chunk.length = until - from;
    half.delivered = true;
    half.bytes.saw(from, until);
    out(chunk);
}

void TcpFlow::announce(Side sender, const TcpSegment& segment, EventOut out) {
    const Side receiver = 1 - sender;
    if (!client_) {
        const FirstBytes kind = kind_of_first_bytes(segment.payload);
        bool sender_is_client = ends_[sender].port >= ends_[receiver].port;  // servers have the lower, well-known port
        if (kind != FirstBytes::unknown) sender_is_client = kind == FirstBytes::request;
        client_ = sender_is_client ? sender : receiver;
    }
    announced_ = true;
    // Without a word of where the sender's stream begins, bytes before this segment may be missing. (The other
    // direction is then unknown only if the data came with the SYN.)
    from_start_ = shaken_ && (halves_[sender].bytes.begun() || sender == *client_);

    model::ConnectionOpened opened;
    opened.id = id_;
    opened.time = opened_;
    opened.transport = model::Transport::plain;
    opened.viewpoint = model::Viewpoint::wire;
    opened.ordering = model::Ordering::may_reorder;
    opened.from_start = from_start_;
    opened.local = ends_[*client_];
    opened.peer = ends_[1 - *client_];
    out(opened);
}

// The first chunk of a direction whose beginning was not seen tells the consumer where to start. If it has overtaken
// another one, as the acknowledgements show, an empty chunk goes ahead of it, so that the other one still counts.
void TcpFlow::begin_late(Side side, std::uint64_t offset, EventOut out) {
    Half& mine = halves_[side];
    const std::uint64_t start = mine.bytes.contiguous();
    if (offset > start && offset - start > kReorderReach) mine.bytes.forget_before(offset);
    if (offset <= start || offset - start > kReorderReach) return;
    mine.delivered = true;
    out(empty_chunk(side, start));
}

// RFC 5961 section 3: a reset counts only near the place where the stream is. It may lag by what is in flight.
bool TcpFlow::believable_reset(Side side, const TcpSegment& segment) const {
    const TcpDirection& bytes = halves_[side].bytes;
    if (!bytes.begun()) return true;
    const std::int64_t ahead = bytes.place(segment.sequence) - static_cast<std::int64_t>(bytes.contiguous());
    return ahead >= -(std::int64_t{1} << 24) && ahead <= std::int64_t{1} << 30;
}

void TcpFlow::end_direction(Side side, EventOut out) {
    Half& mine = halves_[side];
    if (!from_start_ && !mine.delivered) {
        mine.delivered = true;
        out(empty_chunk(side, std::min(mine.bytes.contiguous(), *mine.bytes.length())));
    }
    mine.ended = true;
    out(model::DirectionEnded{id_, direction(side), latest_, *mine.bytes.length()});
}

void TcpFlow::end_whole_directions(EventOut out) {
    if (announced_) {
        for (Side side = 0; side < 2; ++side) {
            if (!halves_[side].ended && halves_[side].bytes.whole()) end_direction(side, out);
        }
        if (!halves_[0].ended || !halves_[1].ended) return;
    }
    if (both_finished()) close(ConnectionClosed::How::orderly, out);
}

void TcpFlow::give_up_waiting(EventOut out) {
    if (over_ || !announced_) return;
    release(Patience::none, out);
    for (Side side = 0; side < 2; ++side) {
        if (!halves_[side].ended && halves_[side].bytes.length()) end_direction(side, out);
    }
    end_whole_directions(out);
}

void TcpFlow::finish(EventOut out) {
    if (over_) return;
    close(both_finished() ? ConnectionClosed::How::orderly : ConnectionClosed::How::source_ended, out);
}

void TcpFlow::close(ConnectionClosed::How how, EventOut out) {
    release(Patience::none, out);
    over_ = true;
    if (!announced_) return;
    for (Side side = 0; side < 2; ++side) {
        if (!halves_[side].ended && halves_[side].bytes.length()) end_direction(side, out);
    }
    const auto& sent = halves_[*client_].bytes;
    const auto& received = halves_[1 - *client_].bytes;
    out(ConnectionClosed{id_, latest_, how, sent.length(), received.length()});
}

TcpFlow::Phase TcpFlow::phase() const {
    if (over_) return Phase::over;
    if (!announced_) return Phase::opening;
    const auto waits = [](const Half& half) { return half.bytes.length() && !half.ended; };
    return !kept_.empty() || waits(halves_[0]) || waits(halves_[1]) ? Phase::ending : Phase::open;
}

bool TcpFlow::both_finished() const {
    return halves_[0].bytes.length() && halves_[1].bytes.length();
}

model::Chunk TcpFlow::empty_chunk(Side side, std::uint64_t offset) const {
    model::Chunk out;
    out.connection = id_;
    out.direction = direction(side);
    out.offset = offset;
    out.time = latest_;
    return out;
}

model::Direction TcpFlow::direction(Side side) const {
    return side == *client_ ? model::Direction::sent : model::Direction::received;
}

}  // namespace llmsnoop::capture
