#include "agent/http/connection_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "agent/http/held_input.h"
#include "agent/http/http1_connection.h"
#include "agent/http/http2_connection.h"
#include "agent/http/websocket_connection.h"

namespace llmsnoop::http {

using model::Direction;
using model::Part;
using model::Protocol;

namespace {

Direction opposite(Direction direction) {
    return direction == Direction::sent ? Direction::received : Direction::sent;
}

}  // namespace

// One protocol at a time, or, as long as none is recognised, all candidates side by side.
class ConnectionParser::Impl {
 public:
    Impl(bool from_start, model::LossCounters& losses, const Limits& limits) : losses_(losses), limits_(limits) {
        probe(from_start ? Http1Connection::Start::at_first_byte : Http1Connection::Start::joined_late, 1);
    }

    void feed(Direction direction, const model::StreamItem& item, HttpOut out) {
        if (dead_) return;
        if (const auto* bytes = std::get_if<model::StreamBytes>(&item)) {
            take(direction, *bytes, out);
        } else {
            take(direction, std::get<model::Gap>(item), out);
        }
    }

    void end(Direction direction, base::Time time, HttpOut out) {
        if (!dead_) take(direction, HeldInput::End{time}, out);
    }

    void close(model::ConnectionClosed::How how, base::Time time, HttpOut out) {
        settle_all(time, out);
        for (const Direction direction : {Direction::sent, Direction::received}) {
            if (!dead_ && !drain(direction, time, out)) settle_all(time, out);
        }
        if (dead_) return;
        if (http1_) http1_->close(how, time, out);
        if (http2_) http2_->close(how, time, out);
        if (websocket_) websocket_->close(how, time, out);
        note_unrecognised();
        die();
    }

    Protocol protocol() const {
        if (http1_ && http1_->recognised()) return Protocol::http1;
        if (http2_ && http2_->recognised()) return Protocol::http2;
        if (websocket_) return Protocol::websocket;
        return Protocol::unknown;
    }

    std::optional<Direction> request_direction() const {
        if (http2_ && http2_->recognised()) return http2_->request_direction();
        if (http1_) return http1_->request_direction();
        if (websocket_) return websocket_requests_;
        return std::nullopt;
    }

    std::optional<std::uint64_t> body_end(model::ExchangeNumber exchange, Part part) const {
        if (!http1_) return std::nullopt;
        return http1_->body_end(exchange, part);
    }

 private:
    HeldInput& held(Direction direction) { return held_[static_cast<std::size_t>(direction)]; }

    // Whatever comes next in a direction goes to the protocol, or behind what waits there already.
    void take(Direction direction, const model::StreamBytes& item, HttpOut out) {
        if (!held(direction).empty() || waiting(direction)) {
            held(direction).add(item);
        } else if (const std::size_t used = parse(direction, item, out); used < item.bytes.size()) {
            held(direction).add({item.offset + used, item.time, item.bytes.subspan(used)});
        }
        after(direction, item.time, out);
    }

    template <typename Item>
    void take(Direction direction, const Item& item, HttpOut out) {
        if (!held(direction).empty() || waiting(direction) || !ready_for(direction, item, out)) {
            held(direction).add(item);
        } else {
            apply(direction, item, out);
        }
        after(direction, item.time, out);
    }

    bool ready_for(Direction /*direction*/, const model::Gap& /*gap*/, HttpOut /*out*/) const { return true; }
    bool ready_for(Direction direction, const HeldInput::End& end, HttpOut out) {
        return drain(direction, end.time, out);
    }

    // What comes out of a direction at its end may have to let the other one go first: false.
    bool drain(Direction direction, base::Time time, HttpOut out) {
        if (!http2_) return true;
        http2_->drain(direction, time, out);
        drop_candidates();
        return !waiting(direction);
    }

    // Until nothing waits, whatever has to be given up for it.
    void settle_all(base::Time time, HttpOut out) {
        settle(Direction::sent, out);
        while (!dead_ && (waiting(Direction::sent) || waiting(Direction::received))) {
            stop_waiting(waiting(Direction::sent) ? Direction::sent : Direction::received, time, out);
            settle(Direction::sent, out);
        }
    }

    // Lets what waited go on if it may now, and ends waits that take too much room or time.
    void after(Direction direction, base::Time now, HttpOut out) {
        const auto nothing_waits = [this](Direction one) { return held(one).empty() && !waiting(one); };
        if (nothing_waits(Direction::sent) && nothing_waits(Direction::received)) return;
        settle(direction, out);
        for (const Direction one : {Direction::sent, Direction::received}) {
            while (!dead_ && waiting(one) && waited_enough(one, now)) {
                stop_waiting(one, now, out);
                settle(direction, out);
            }
        }
    }

    // Runs both directions until each is done or waits. The one that was not fed last goes first: what it has to say
    // came before.
    void settle(Direction direction, HttpOut out) {
        for (bool progress = true; progress && !dead_;) {
            progress = run_held(opposite(direction), out);
            progress |= run_held(direction, out);
        }
    }

    // False if nothing could be done.
    bool run_held(Direction direction, HttpOut out) {
        HeldInput& queue = held(direction);
        bool progress = http2_ && http2_->resume(direction, out);
        while (!dead_ && !queue.empty() && !waiting(direction)) {
            progress = true;
            if (auto* bytes = std::get_if<HeldInput::Bytes>(&queue.front())) {
                const model::StreamBytes rest = bytes->rest();
                const std::size_t used = parse(direction, rest, out);
                if (dead_) return true;
                queue.use(used);
                if (used < rest.bytes.size()) return used > 0 || !waiting(direction);
                queue.pop();
            } else {
                if (const auto* end = std::get_if<HeldInput::End>(&queue.front());
                    end && !ready_for(direction, *end, out))
                    return true;
                const HeldInput::Item item = std::move(queue.front());
                queue.pop();
                if (const auto* gap = std::get_if<model::Gap>(&item)) apply(direction, *gap, out);
                if (const auto* end = std::get_if<HeldInput::End>(&item)) apply(direction, *end, out);
            }
        }
        return progress;
    }

    bool waited_enough(Direction direction, base::Time now) {
        const std::size_t kept = http2_ ? http2_->kept(direction) : 0;
        if (held(direction).size() + kept > limits_.held_bytes) return true;
        if (http1_) return http1_->waited_too_long(direction, now);
        return http2_ && http2_->waited_too_long(direction, now);
    }

    // Returns how much was used: all of it, unless the direction has to wait, or to let the other one go first.
    std::size_t parse(Direction direction, const model::StreamBytes& item, HttpOut out) {
        std::size_t used = 0;
        for (bool again = true; again && !dead_ && used < item.bytes.size();) {
            const model::StreamBytes rest{item.offset + used, item.time, item.bytes.subspan(used)};
            const bool probing = probing_;
            used += probing ? feed_probe(direction, rest, out) : feed_protocol(direction, rest, out);
            again = probing;
            if (follow_switch(item.time, out)) again = held(opposite(direction)).empty();
        }
        return dead_ ? item.bytes.size() : used;
    }

    std::size_t feed_protocol(Direction direction, const model::StreamBytes& item, HttpOut out) {
        if (http1_) return http1_->feed(direction, item, out);
        if (http2_) return http2_->feed(direction, item, out);
        websocket_->reader(websocket_part(direction)).feed(item.bytes, item.time, out);
        return item.bytes.size();
    }

    void apply(Direction direction, const model::Gap& gap, HttpOut out) {
        if (http1_) http1_->gap(direction, gap, out);
        if (http2_) http2_->gap(direction, gap, out);
        lose_start();
        drop_candidates();
        if (websocket_) websocket_->reader(websocket_part(direction)).gap(gap.length, gap.time, gap.reason, out);
        follow_switch(gap.time, out);
    }

    void apply(Direction direction, const HeldInput::End& end, HttpOut out) {
        if (http1_) http1_->end(direction, end.time, out);
        if (http2_) http2_->end(direction, end.time, out);
        drop_candidates();
        if (websocket_) websocket_->end(websocket_part(direction), end.time, out);
    }

    Part websocket_part(Direction direction) const {
        return direction == websocket_requests_ ? Part::request : Part::response;
    }

    bool waiting(Direction direction) const {
        return (http1_ && http1_->waiting(direction)) || (http2_ && http2_->waiting(direction));
    }

    void stop_waiting(Direction direction, base::Time now, HttpOut out) {
        if (http1_) http1_->stop_waiting(direction, out);
        if (http2_) http2_->stop_waiting(direction);
        follow_switch(now, out);
    }

    // Nothing is known about the protocol from here on.
    void probe(Http1Connection::Start start, model::ExchangeNumber first) {
        probing_ = true;
        from_start_ = start == Http1Connection::Start::at_first_byte;
        probe_left_ = from_start_ ? limits_.probe_bytes : limits_.late_probe_bytes;
        probe_extended_ = false;
        probed_ = 0;
        first_bytes_ = {};
        http1_.emplace(start, first, losses_, limits_);
        http2_.emplace(from_start_ ? Http2Connection::Start::at_first_byte : Http2Connection::Start::joined_late,
                       first - 1, losses_, limits_);
    }

    // Behind a gap the beginning is as unknown as that of a connection joined late.
    void lose_start() {
        if (!probing_ || !from_start_) return;
        from_start_ = false;
        probe_left_ = limits_.late_probe_bytes;
    }

    std::size_t feed_probe(Direction direction, const model::StreamBytes& item, HttpOut out) {
        if (from_start_ && is_tls(direction, item.bytes)) {
            declare_not_http(item.time, out);
            return item.bytes.size();
        }
        const model::StreamBytes part{item.offset, item.time, item.bytes.first(probed_at_once(item.bytes))};
        // The preface of HTTP/2 looks like a request of HTTP/1, but not the other way round.
        std::size_t used = part.bytes.size();
        if (http2_) used = http2_->feed(direction, part, out);
        if (!http2_ || !http2_->recognised()) used = http1_->feed(direction, part, out);
        drop_candidates();
        probe_left_ -= used;
        probed_ += used;
        if (!probing_ || probe_left_ > 0) return used;
        if (!probe_extended_ && http1_->promising(direction)) {
            probe_extended_ = true;
            probe_left_ = limits_.head_bytes;
        } else {
            declare_not_http(item.time, out);
        }
        return used;
    }

    // In the middle of a connection whoever finds something first is right: pieces end where HTTP/1 can find a head, at
    // the end of a line, so that it does not look further than HTTP/2 has looked.
    std::size_t probed_at_once(base::Bytes bytes) const {
        const std::size_t most = std::min(bytes.size(), probe_left_);
        if (!http2_ || from_start_) return most;
        const void* lf = std::memchr(bytes.data(), '\n', most);
        return lf == nullptr ? most : static_cast<std::size_t>(static_cast<const std::uint8_t*>(lf) - bytes.data()) + 1;
    }

    void drop_candidates() {
        if (!probing_) return;
        if (http1_->recognised() || (http2_ && http2_->refuted())) {
            http2_.reset();
        } else if (http2_ && http2_->recognised()) {
            http1_.reset();
        }
        probing_ = http1_ && !http1_->recognised();
    }

    // A TLS record, where plaintext was expected (RFC 8446 section 5.1): not worth looking further.
    bool is_tls(Direction direction, base::Bytes bytes) {
        std::string& first = first_bytes_[static_cast<std::size_t>(direction)];
        constexpr std::size_t kNeeded = 3;
        if (first.size() >= kNeeded) return false;
        first += base::as_text(bytes.first(std::min(bytes.size(), kNeeded - first.size())));
        return first.size() == kNeeded && first[0] >= 0x14 && first[0] <= 0x17 && first[1] == 0x03 && first[2] <= 0x04;
    }

    // True if the connection goes on as something else.
    bool follow_switch(base::Time now, HttpOut out) {
        if (!http1_ || !http1_->switched()) return false;
        const Switch switched = *http1_->switched();
        const model::ExchangeNumber next = http1_->next_exchange();
        const Direction requests = *http1_->request_direction();
        http1_.reset();
        switch (switched.to) {
            case Switch::To::tunnel:
                probe(Http1Connection::Start::at_first_byte, next);
                break;
            case Switch::To::websocket:
                websocket_requests_ = requests;
                websocket_.emplace(switched.exchange, *switched.response, losses_, limits_);
                websocket_->reader(Part::request).feed(base::as_bytes(switched.unread), now, out);
                break;
            case Switch::To::http2:
                http2_.emplace(Http2Connection::Start::at_first_byte, switched.exchange - 1, losses_, limits_);
                http2_->adopt_upgraded(requests);
                break;
            case Switch::To::unknown:
                declare_not_http(now, out);
                break;
        }
        return true;
    }

    // Of a connection whose beginning was not seen nobody can say that it is no HTTP: a WebSocket, or a body without
    // end, tells no more than this.
    void note_unrecognised() {
        if (probing_ && !from_start_ && probed_ > 0) losses_.add(model::Loss::http_joined_late);
        probed_ = 0;
    }

    void declare_not_http(base::Time time, HttpOut out) {
        note_unrecognised();
        die();
        out(model::NotHttp{time, model::Loss::http_desync});
    }

    void die() {
        dead_ = true;
        http1_.reset();
        http2_.reset();
        websocket_.reset();
        held_ = {};
    }

    model::LossCounters& losses_;
    Limits limits_;
    bool dead_ = false;  // nothing more is reported

    bool probing_ = false;
    bool from_start_ = false;
    bool probe_extended_ = false;
    std::size_t probe_left_ = 0;
    std::uint64_t probed_ = 0;
    std::array<std::string, 2> first_bytes_;

    std::optional<Http1Connection> http1_;
    std::optional<Http2Connection> http2_;
    std::optional<WebSocketConnection> websocket_;
    Direction websocket_requests_ = Direction::sent;
    std::array<HeldInput, 2> held_;
};

ConnectionParser::ConnectionParser(bool from_start, model::LossCounters& losses, const Limits& limits)
    : impl_(std::make_unique<Impl>(from_start, losses, limits)) {}
ConnectionParser::~ConnectionParser() = default;
ConnectionParser::ConnectionParser(ConnectionParser&&) noexcept = default;
ConnectionParser& ConnectionParser::operator=(ConnectionParser&&) noexcept = default;

void ConnectionParser::feed(Direction direction, const model::StreamItem& item, HttpOut out) {
    impl_->feed(direction, item, out);
}
void ConnectionParser::end(Direction direction, base::Time time, HttpOut out) {
    impl_->end(direction, time, out);
}
void ConnectionParser::close(model::ConnectionClosed::How how, base::Time time, HttpOut out) {
    impl_->close(how, time, out);
}
Protocol ConnectionParser::protocol() const {
    return impl_->protocol();
}
std::optional<Direction> ConnectionParser::request_direction() const {
    return impl_->request_direction();
}
std::optional<std::uint64_t> ConnectionParser::body_end(model::ExchangeNumber exchange, Part part) const {
    return impl_->body_end(exchange, part);
}

}  // namespace llmsnoop::http
