#pragma once
// For the fuzz targets of http::ConnectionParser: turns fuzz input into a conversation, plays it whole and in pieces,
// and checks that the events keep their grammar and do not depend on the cut.
//
// Input: one octet of options, then records. A record is an octet (bit 0: direction, bits 1-2: bytes, bytes, gap, end),
// a length (16 bits, little endian) and, for bytes, so many of them (or what is left).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "agent/base/endian.h"
#include "agent/http/connection_parser.h"

namespace llmsnoop::fuzz {

struct Record {
    enum class Kind { bytes, gap, end };

    Kind kind = Kind::bytes;
    model::Direction direction = model::Direction::sent;
    std::string bytes;
    std::uint64_t length = 0;
};

struct Conversation {
    bool from_start = true;
    http::Limits limits;
    model::ConnectionClosed::How how = model::ConnectionClosed::How::orderly;
    std::vector<Record> records;
};

inline Conversation read_conversation(const std::uint8_t* data, std::size_t size) {
    Conversation talk;
    if (size == 0) return talk;
    talk.from_start = (data[0] & 1) == 0;
    talk.how = static_cast<model::ConnectionClosed::How>(data[0] >> 2 & 3);
    if ((data[0] & 2) != 0) {
        talk.limits = {128, 3, 2, 2, 64, 256, 512, 64, std::chrono::seconds(1)};
    }
    std::size_t at = 1;
    while (size - at >= 3) {
        Record record;
        record.direction = (data[at] & 1) == 0 ? model::Direction::sent : model::Direction::received;
        const unsigned kind = data[at] >> 1 & 3;
        record.kind = kind < 2 ? Record::Kind::bytes : kind == 2 ? Record::Kind::gap : Record::Kind::end;
        record.length = base::load_le<std::uint16_t>(data + at + 1);
        at += 3;
        if (record.kind == Record::Kind::bytes) {
            record.bytes.assign(reinterpret_cast<const char*>(data) + at,
                                std::min<std::size_t>(record.length, size - at));
            at += record.bytes.size();
        }
        talk.records.push_back(std::move(record));
    }
    return talk;
}

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

// Follows the events of a connection, checks their order (agent/model/http_event.h) and keeps what each message said.
class Witness {
 public:
    void note(const model::HttpEvent& event) {
        require(!over_, "nothing after NotHttp");
        std::visit([this](const auto& one) { take(one); }, event);
    }
    void closed() const {
        for (const auto& [key, message] : messages_)
            require(message.ended, "close ends every message");
    }
    // One text for each message of each exchange: comparable between cuts, where only the interleaving may differ.
    std::map<std::pair<model::ExchangeNumber, model::Part>, std::string> texts() const {
        std::map<std::pair<model::ExchangeNumber, model::Part>, std::string> all;
        for (const auto& [key, message] : messages_)
            all[key] = message.text;
        all[{0, model::Part::request}] = over_ ? "not http" : "";
        return all;
    }

 private:
    struct Message {
        bool started = false;
        bool ended = false;
        std::string text;
    };

    Message& message(model::ExchangeNumber exchange, model::Part part) { return messages_[{exchange, part}]; }
    Message& open(model::ExchangeNumber exchange, model::Part part) {
        Message& one = message(exchange, part);
        require(one.started && !one.ended, "body events belong to a message in progress");
        return one;
    }

    void take(const model::RequestStarted& event) {
        require(event.exchange != 0 && event.head, "an exchange has a number and a head");
        Message& one = message(event.exchange, model::Part::request);
        require(!one.started, "a request starts once");
        one.started = true;
        one.text += "head " + event.head->method + " " + event.head->target + (event.head->lost ? " lost" : "") + "|";
        // The response may be ended without having started.
        message(event.exchange, model::Part::response);
    }
    void take(const model::ResponseStarted& event) {
        require(message(event.exchange, model::Part::request).started, "no response before its request");
        Message& one = message(event.exchange, model::Part::response);
        require(!one.started && !one.ended, "a response starts once");
        one.started = true;
        one.text += "head " + std::to_string(event.head->status) + (event.head->lost ? " lost" : "") + "|";
    }
    void take(const model::BodyBytes& event) {
        require(!event.bytes.empty(), "body events are not empty");
        open(event.exchange, event.part).text += base::as_text(event.bytes);
    }
    void take(const model::BodyGap& event) {
        open(event.exchange, event.part).text += "<" + (event.length ? std::to_string(*event.length) : "?") + ">";
    }
    void take(const model::MessageEnded& event) {
        Message& one = message(event.exchange, event.part);
        require(message(event.exchange, model::Part::request).started, "only what started can end");
        require(!one.ended, "a message ends once");
        one.ended = true;
        one.text += "|" + std::to_string(static_cast<int>(event.how));
    }
    void take(const model::WebSocketMessage& event) {
        open(event.exchange, event.part).text +=
            "{" + std::string(base::as_text(event.bytes)) + "}" + (event.truncated ? "..." : "");
    }
    void take(const model::NotHttp&) { over_ = true; }

    std::map<std::pair<model::ExchangeNumber, model::Part>, Message> messages_;
    bool over_ = false;
};

struct Played {
    Witness witness;
    // The beginning was not seen, so that the protocol is found out by looking for either.
    bool start_lost = false;
};

enum class Cut { whole, single_bytes, varied };

inline Played play(const Conversation& talk, Cut cut) {
    model::LossCounters losses;
    http::ConnectionParser parser(talk.from_start, losses, talk.limits);
    Played played{{}, !talk.from_start};
    const auto note = [&](const model::HttpEvent& event) { played.witness.note(event); };
    std::uint64_t offsets[2] = {0, 0};
    std::size_t turn = 0;
    for (const Record& record : talk.records) {
        std::uint64_t& offset = offsets[static_cast<std::size_t>(record.direction)];
        if (record.kind == Record::Kind::gap && record.length > 0) {
            played.start_lost |= parser.protocol() == model::Protocol::unknown;
            parser.feed(record.direction, model::Gap{offset, record.length, {}, model::Loss::stream_gap}, note);
            offset += record.length;
        } else if (record.kind == Record::Kind::end) {
            parser.end(record.direction, {}, note);
        }
        for (std::string_view rest = record.bytes; !rest.empty();) {
            const std::size_t wanted = cut == Cut::whole          ? rest.size()
                                       : cut == Cut::single_bytes ? 1
                                                                  : 1 + ++turn * 7 % 19;
            // A copy of its own size, so that the sanitizer sees every step beyond the piece.
            const std::vector<std::uint8_t> piece(
                rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, rest.size())));
            parser.feed(record.direction, model::StreamBytes{offset, {}, piece}, note);
            offset += piece.size();
            rest.remove_prefix(piece.size());
        }
    }
    parser.close(talk.how, {}, note);
    return played;
}

// Plays the conversation in all cuts. Where the beginning was not seen, which of two protocols that are both there
// comes first can depend on the cut; otherwise nothing does.
inline void check(const Conversation& talk) {
    const Played whole = play(talk, Cut::whole);
    whole.witness.closed();
    for (const Cut cut : {Cut::single_bytes, Cut::varied}) {
        const Played other = play(talk, cut);
        other.witness.closed();
        require(whole.start_lost || other.start_lost || other.witness.texts() == whole.witness.texts(),
                "the events do not depend on the cut");
    }
}

}  // namespace llmsnoop::fuzz
