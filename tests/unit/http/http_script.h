#pragma once
// Conversations for tests of http::ConnectionParser: what the two sides say, and a transcript of what the parser
// reports.
//
//     Script().client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 204 X\r\n\r\n")
//     #1 request GET /
//     #1 request as_framed
//     ...
//
// `expect_events` plays a script whole, byte by byte and in 200 random cuts, and expects the same transcript each time.
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/connection_parser.h"

namespace llmsnoop::http::test {

struct Step {
    enum class Kind { bytes, gap, end, close };

    Kind kind = Kind::bytes;
    model::Direction direction = model::Direction::sent;
    std::string bytes;
    std::uint64_t gap = 0;
    model::ConnectionClosed::How how = model::ConnectionClosed::How::orderly;
    base::Duration time{};
};

class Script {
 public:
    explicit Script(bool from_start = true) : from_start_(from_start) {}
    static Script joined_late() { return Script(false); }

    Script& client(std::string_view bytes) {
        return add({Step::Kind::bytes, kClient, std::string(bytes), 0, {}, time_});
    }
    Script& server(std::string_view bytes) {
        return add({Step::Kind::bytes, kServer, std::string(bytes), 0, {}, time_});
    }
    // Several pieces in a row. (The operands of + are evaluated in any order; those of a list, which may have state, in
    // theirs.)
    Script& client(std::initializer_list<std::string> pieces) { return client(joined(pieces)); }
    Script& server(std::initializer_list<std::string> pieces) { return server(joined(pieces)); }
    Script& client_gap(std::uint64_t length) { return add({Step::Kind::gap, kClient, {}, length, {}, time_}); }
    Script& server_gap(std::uint64_t length) { return add({Step::Kind::gap, kServer, {}, length, {}, time_}); }
    Script& client_end() { return add({Step::Kind::end, kClient, {}, 0, {}, time_}); }
    Script& server_end() { return add({Step::Kind::end, kServer, {}, 0, {}, time_}); }
    Script& close(model::ConnectionClosed::How how = model::ConnectionClosed::How::orderly) {
        return add({Step::Kind::close, kClient, {}, 0, how, time_});
    }
    Script& at(base::Duration time) {
        time_ = time;
        return *this;
    }
    Script& with(const Limits& limits) {
        limits_ = limits;
        return *this;
    }

    // How long the next piece of so many remaining bytes is to be.
    using Cut = std::function<std::size_t(std::size_t)>;

    // The transcript, one event a line, adjacent body bytes joined; then one line for each loss that was counted.
    std::string play(const Cut& cut) const;
    std::string play_whole() const;

 private:
    static constexpr model::Direction kClient = model::Direction::sent;
    static constexpr model::Direction kServer = model::Direction::received;

    static std::string joined(std::initializer_list<std::string> pieces) {
        std::string all;
        for (const std::string& piece : pieces)
            all += piece;
        return all;
    }
    Script& add(Step step) {
        steps_.push_back(std::move(step));
        return *this;
    }

    bool from_start_;
    base::Duration time_{};
    Limits limits_;
    std::vector<Step> steps_;
};

// Writes events as text.
class Transcript {
 public:
    void note(const model::HttpEvent& event);
    void note(const model::LossCounters& losses);
    const std::string& text() const { return text_; }

 private:
    void line(model::ExchangeNumber exchange, model::Part part, std::string_view rest);

    std::string text_;
    std::string open_body_;  // the prefix of the line to which further body bytes can be added
};

void expect_events(const Script& script, std::string_view expected);

}  // namespace llmsnoop::http::test
