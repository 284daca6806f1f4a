#include "agent/http/http2_connection.h"

#include <algorithm>

namespace llmsnoop::http {

using model::Direction;
using model::Part;
using How = model::MessageEnded::How;

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
constexpr std::uint32_t kLongestFirstSettings = 6 * 64;

Direction opposite(Direction direction) {
    return direction == Direction::sent ? Direction::received : Direction::sent;
}

bool are_settings(base::Bytes bytes) {
    const Http2Frame frame = read_http2_frame(bytes);
    return frame.type == Http2Type::settings && frame.flags == 0 && is_lawful(frame) &&
           frame.length <= kLongestFirstSettings;
}

}  // namespace

Http2Connection::Http2Connection(Start start, model::ExchangeNumber offset, model::LossCounters& losses,
                                 const Limits& limits)
    : start_(start),
      losses_(losses),
      limits_(limits),
      sides_{Side(limits), Side(limits)},
      streams_(offset, losses, limits) {
    if (start == Start::at_first_byte) return;
    requests_missed_ = true;
    streams_.doubt(model::Loss::http_joined_late);
    for (Side& one : sides_) {
        one.state = Side::State::seeking;
        one.hpack.lose_table();
    }
}

void Http2Connection::adopt_upgraded(Direction requests) {
    learn_roles(requests);
    roles_certain_ = true;
    recognised_ = true;
    begin_frames(side(opposite(requests)));
    streams_.adopt_upgraded();
}

Part Http2Connection::part_of(Direction direction) const {
    return direction == requests_ ? Part::request : Part::response;
}

BoundarySeeker::Verdict Http2Connection::judge(base::Bytes bytes, BoundarySeeker::More more) const {
    return judge_http2_boundary(bytes, more, recognised_ ? Http2Known::yes : Http2Known::no);
}

std::size_t Http2Connection::feed(Direction direction, const model::StreamBytes& item, HttpOut out) {
    base::Bytes rest = item.bytes;
    side(direction).latest = item.time;
    read_backlog(direction, out);
    read(direction, rest, item.time, out);
    read_backlog(direction, out);
    return item.bytes.size() - rest.size();
}

// Uses bytes until there are none, or the direction has to wait.
void Http2Connection::read(Direction direction, base::Bytes& bytes, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    while (!bytes.empty() && mine.backlog.empty() && mine.wait == Wait::none) {
        switch (mine.state) {
            case Side::State::start:
                read_start(direction, bytes);
                break;
            case Side::State::seeking:
                read_seeking(direction, bytes);
                if (mine.state == Side::State::frames) recognise(direction, out);
                break;
            case Side::State::frames:
                read_frames(direction, bytes, time, out);
                break;
            case Side::State::ended:
                bytes = {};
                break;
        }
    }
}

void Http2Connection::read_backlog(Direction direction, HttpOut out) {
    Side& mine = side(direction);
    while (!mine.backlog.empty() && mine.wait == Wait::none) {
        const std::string backlog = std::move(mine.backlog);
        mine.backlog.clear();
        base::Bytes rest = base::as_bytes(backlog);
        read(direction, rest, mine.latest, out);
        if (mine.backlog.empty()) mine.backlog = base::as_text(rest);
    }
}

// The client begins with the preface, the server with its SETTINGS (which may come first).
void Http2Connection::read_start(Direction direction, base::Bytes& bytes) {
    Side& mine = side(direction);
    const std::size_t size = std::min(bytes.size(), kPreface.size() - mine.first_bytes.size());
    mine.first_bytes += base::as_text(bytes.first(size));
    bytes = bytes.subspan(size);
    const bool may_be_preface = kPreface.starts_with(mine.first_bytes);
    if (may_be_preface && mine.first_bytes.size() < kPreface.size()) return;
    if (!may_be_preface && mine.first_bytes.size() < kHttp2FrameHeader) return;

    if (may_be_preface) {
        learn_roles(direction);
    } else if (!recognised_ && are_settings(base::as_bytes(mine.first_bytes))) {
        learn_roles(opposite(direction));
    } else if (!recognised_) {
        refuted_ = true;
        mine.state = Side::State::ended;
        return;
    }
    roles_certain_ = true;
    recognised_ = true;
    if (!may_be_preface) mine.backlog = std::move(mine.first_bytes);
    begin_frames(mine);
}

void Http2Connection::begin_frames(Side& mine) {
    mine.reader.restart();
    mine.state = Side::State::frames;
    mine.first_bytes.clear();
}

void Http2Connection::read_seeking(Direction direction, base::Bytes& bytes) {
    Side& mine = side(direction);
    const auto judge_it = [this](base::Bytes at, BoundarySeeker::More more) { return judge(at, more); };
    if (mine.seeker.empty()) {
        const auto at = mine.seeker.find(bytes, judge_it);
        bytes = bytes.subspan(at.value_or(bytes.size()));
        if (at) begin_frames(mine);
    } else {
        const bool found = mine.seeker.add(bytes, judge_it);
        bytes = {};
        if (!found) return;
        mine.backlog = mine.seeker.take();
        begin_frames(mine);
    }
}

// Frames were found in this direction of a connection joined late. The other one, where fewer were asked for then, may
// hold bytes that came before.
void Http2Connection::recognise(Direction direction, HttpOut out) {
    if (recognised_) return;
    recognised_ = true;
    losses_.add(model::Loss::http_joined_late);
    Side& other = side(opposite(direction));
    base::Bytes none;
    if (other.state == Side::State::seeking && !other.seeker.empty()) read_seeking(opposite(direction), none);
    read_backlog(opposite(direction), out);
}

void Http2Connection::read_frames(Direction direction, base::Bytes& bytes, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    for (;;) {
        if (must_wait(direction)) {
            if (mine.wait != Wait::for_request) mine.waiting_since = time;
            mine.wait = Wait::for_request;
            return;
        }
        if (bytes.empty() && !mine.reader.pending()) return;
        const Http2FrameReader::Step step = mine.reader.next(bytes, time);
        bytes = bytes.subspan(step.used);
        if (step.event == Http2FrameReader::Event::more) return;
        if (step.event == Http2FrameReader::Event::out_of_step) {
            losses_.add(model::Loss::http_desync);
            const std::string gathered = mine.reader.take_gathered();
            go_astray(direction, time, model::Loss::http_desync, out);
            base::Bytes again = base::as_bytes(gathered);
            if (!again.empty()) read_seeking(direction, again);  // too few to hold a frame that is not the same one
            return;
        }
        take_step(direction, step, time, out);
        if (side(opposite(direction)).wait == Wait::for_request && !must_wait(opposite(direction))) {
            // What the other direction has said already comes next, however the bytes behind this frame are cut.
            mine.wait = Wait::for_turn;
            return;
        }
    }
}

// In order to say who asks and who answers, and to begin a response after its request.
bool Http2Connection::must_wait(Direction direction) const {
    if (!side(direction).reader.begun()) return false;
    const Http2Frame& frame = side(direction).reader.frame();
    const bool has_data = frame.type == Http2Type::data;
    if ((frame.type != Http2Type::headers && !has_data) || frame.stream % 2 == 0) return false;
    if (!requests_) return has_data || start_ == Start::at_first_byte;
    return direction != requests_ && !requests_missed_ && frame.stream > streams_.highest();
}

void Http2Connection::take_step(Direction direction, const Http2FrameReader::Step& step, base::Time time, HttpOut out) {
    switch (step.event) {
        case Http2FrameReader::Event::data:
            if (!step.bytes.empty()) streams_.data(step.stream, part_of(direction), step.bytes, time, out);
            if (step.end_stream) streams_.end_stream(step.stream, part_of(direction), time, out);
            break;
        case Http2FrameReader::Event::head:
            take_head(direction, step, time, out);
            break;
        case Http2FrameReader::Event::promise:
            // Read only because it may change the table of the decoder.
            if (step.block_lost) {
                side(direction).hpack.lose_table();
            } else {
                read_http2_head(side(direction).hpack, step.bytes, limits_, losses_);
            }
            break;
        case Http2FrameReader::Event::reset:
            reset(direction, step.stream, time, out);
            break;
        case Http2FrameReader::Event::go_away:
            if (requests_ && direction != requests_) streams_.go_away(step.stream, time, out);
            break;
        case Http2FrameReader::Event::began:
        case Http2FrameReader::Event::more:
        case Http2FrameReader::Event::out_of_step:
            break;
    }
}

void Http2Connection::take_head(Direction direction, const Http2FrameReader::Step& step, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    if (step.too_large) losses_.add(model::Loss::http_head_limit);
    if (step.block_lost) mine.hpack.lose_table();
    const Http2Head head =
        step.block_lost ? lost_http2_head() : read_http2_head(mine.hpack, step.bytes, limits_, losses_);

    // What cannot be told from a request is no request: their first fields are nearly always readable.
    if (!requests_) learn_roles(head.kind == Http2Head::Kind::request ? direction : opposite(direction));
    const bool asks = head.kind == Http2Head::Kind::request;
    if (head.kind != Http2Head::Kind::neither && asks != (direction == requests_) && !roles_certain_) {
        // They were guessed, and wrong.
        streams_.give_up_all(time, out);
        learn_roles(asks ? direction : opposite(direction));
    }
    roles_certain_ |= head.kind != Http2Head::Kind::neither;
    streams_.head(step.stream, part_of(direction), head, step.started, time, out);
    if (step.end_stream) streams_.end_stream(step.stream, part_of(direction), time, out);
}

void Http2Connection::gap(Direction direction, const model::Gap& gap, HttpOut out) {
    Side& mine = side(direction);
    mine.latest = gap.time;
    switch (mine.state) {
        case Side::State::start:
        case Side::State::seeking:
            if (!recognised_) start_ = Start::joined_late;
            requests_missed_ |= direction == requests_ || !requests_;
            go_astray(direction, gap.time, gap.reason, out);
            break;
        case Side::State::frames: {
            const Http2FrameReader::Skip skip = mine.reader.skip(gap.length);
            if (skip.in_data && requests_) {
                streams_.data_missing(mine.reader.frame().stream, part_of(direction), skip.length, gap.time, gap.reason,
                                      out);
            }
            if (skip.out_of_step) {
                requests_missed_ |= direction == requests_ || !requests_;
                go_astray(direction, gap.time, gap.reason, out);
            } else {
                base::Bytes none;
                read_frames(direction, none, gap.time, out);
            }
            break;
        }
        case Side::State::ended:
            break;
    }
}

// The place in the stream is lost, and what header blocks there were with it.
void Http2Connection::go_astray(Direction direction, base::Time time, model::Loss reason, HttpOut out) {
    Side& mine = side(direction);
    mine.state = Side::State::seeking;
    mine.seeker.clear();
    mine.reader.restart();
    mine.hpack.lose_table();
    streams_.doubt(reason);
    if (!requests_ || direction == requests_) streams_.anything_missing(Part::request, time, reason, out);
    if (!requests_ || direction != requests_) streams_.anything_missing(Part::response, time, reason, out);
}

bool Http2Connection::resume(Direction direction, HttpOut out) {
    Side& mine = side(direction);
    if (mine.wait == Wait::none || must_wait(direction)) return false;
    mine.wait = Wait::none;
    base::Bytes none;
    if (mine.state == Side::State::frames) read_frames(direction, none, mine.latest, out);
    read_backlog(direction, out);
    return true;
}

bool Http2Connection::waited_too_long(Direction direction, base::Time now) const {
    const Side& mine = side(direction);
    if (mine.wait != Wait::for_request || now <= mine.waiting_since) return false;
    // Unsigned, because times come from outside and may lie any distance apart.
    const auto waited =
        static_cast<std::uint64_t>(base::unix_ns(now)) - static_cast<std::uint64_t>(base::unix_ns(mine.waiting_since));
    return waited > static_cast<std::uint64_t>(limits_.held_time.count());
}

void Http2Connection::stop_waiting(Direction direction) {
    if (!waiting(direction)) return;
    // Nobody has said who asks: the one who sends data for so long answers.
    if (!requests_) learn_roles(opposite(direction));
    requests_missed_ = true;
    streams_.doubt(model::Loss::http_desync);
}

void Http2Connection::drain(Direction direction, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    if (mine.state != Side::State::seeking || mine.seeker.empty()) return;
    if (!mine.seeker.end([this](base::Bytes at, BoundarySeeker::More more) { return judge(at, more); })) return;
    mine.latest = time;
    mine.backlog = mine.seeker.take();
    begin_frames(mine);
    recognise(direction, out);
    read_backlog(direction, out);
}

void Http2Connection::end(Direction direction, base::Time time, HttpOut out) {
    if (requests_) streams_.end(part_of(direction), time, out);
    side(direction).state = Side::State::ended;
}

// A client resets what it does not want to read to the end.
void Http2Connection::reset(Direction direction, std::uint32_t stream, base::Time time, HttpOut out) {
    const bool by_reader = part_of(direction) == Part::request;
    const bool amid = side(opposite(direction)).reader.amid_data() == stream;
    streams_.end_stream_as(stream, Part::request, How::cut_off, time, out);
    streams_.end_stream_as(stream, Part::response, by_reader && !amid ? How::left : How::cut_off, time, out);
}

void Http2Connection::close(model::ConnectionClosed::How how, base::Time time, HttpOut out) {
    // A header block without end: its end would have told.
    for (const Side& one : sides_)
        if (one.reader.drops_block()) losses_.add(model::Loss::http_head_limit);
    const Direction asks = requests_.value_or(Direction::sent);
    for (const Direction direction : {asks, opposite(asks)}) {
        const auto amid = side(direction).reader.amid_data();
        if (amid && open_end(how, direction) == How::left)
            streams_.end_stream_as(*amid, part_of(direction), How::cut_off, time, out);
    }
    streams_.close(open_end(how, asks), open_end(how, opposite(asks)), time, out);
}

}  // namespace llmsnoop::http
