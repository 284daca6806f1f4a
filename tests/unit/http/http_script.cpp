#include "tests/unit/http/http_script.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace llmsnoop::http::test {
namespace {

std::string_view name_of(model::MessageEnded::How how) {
    constexpr std::array<std::string_view, 6> kNames{"as_framed", "by_close", "cut_off",
                                                     "left",      "given_up", "unfinished"};
    return kNames[static_cast<std::size_t>(how)];
}

std::string quoted(std::string_view bytes) {
    std::string text = "\"";
    for (const char c : bytes) {
        if (c == '\n') {
            text += "\\n";
        } else if (c == '\r') {
            text += "\\r";
        } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
            constexpr std::string_view kHex = "0123456789abcdef";
            text += "\\x";
            text += kHex[static_cast<unsigned char>(c) >> 4];
            text += kHex[static_cast<unsigned char>(c) & 15];
        } else {
            text += c;
        }
    }
    return text + "\"";
}

}  // namespace

void Transcript::line(model::ExchangeNumber exchange, model::Part part, std::string_view rest) {
    open_body_.clear();
    text_ += "#" + std::to_string(exchange) + (part == model::Part::request ? " request " : " response ");
    text_ += rest;
    text_ += "\n";
}

void Transcript::note(const model::HttpEvent& event) {
    if (const auto* body = std::get_if<model::BodyBytes>(&event)) {
        ASSERT_FALSE(body->bytes.empty());
        const std::string prefix = std::to_string(body->exchange) + (body->part == model::Part::request ? "q" : "a");
        const std::string bytes = quoted(base::as_text(body->bytes));
        if (open_body_ == prefix) {
            text_.resize(text_.size() - 2);
            text_ += bytes.substr(1) + "\n";
        } else {
            line(body->exchange, body->part, bytes);
            open_body_ = prefix;
        }
    } else if (const auto* request = std::get_if<model::RequestStarted>(&event)) {
        const model::MessageHead& head = *request->head;
        std::string text = head.lost ? "lost" : "";
        if (!head.method.empty()) text += (text.empty() ? "" : " ") + head.method + " " + head.target;
        if (!head.authority.empty()) text += " @" + head.authority;
        if (request->after_gap) text += " after a gap";
        line(request->exchange, model::Part::request, text);
    } else if (const auto* response = std::get_if<model::ResponseStarted>(&event)) {
        const model::MessageHead& head = *response->head;
        std::string text = head.lost ? "lost" : "";
        if (head.status != 0) text += (text.empty() ? "" : " ") + std::to_string(head.status);
        if (response->after_gap) text += " after a gap";
        line(response->exchange, model::Part::response, text);
    } else if (const auto* gap = std::get_if<model::BodyGap>(&event)) {
        line(gap->exchange, gap->part, "gap " + (gap->length ? std::to_string(*gap->length) : "?"));
    } else if (const auto* ended = std::get_if<model::MessageEnded>(&event)) {
        line(ended->exchange, ended->part, name_of(ended->how));
    } else if (const auto* message = std::get_if<model::WebSocketMessage>(&event)) {
        const bool text = message->kind == model::WebSocketMessage::Kind::text;
        line(message->exchange, message->part,
             (text ? "text " : "binary ") + quoted(base::as_text(message->bytes)) +
                 (message->truncated ? " truncated" : ""));
    } else {
        open_body_.clear();
        text_ += "not http\n";
    }
}

void Transcript::note(const model::LossCounters& losses) {
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        const auto loss = static_cast<model::Loss>(i);
        if (losses.get(loss) == 0) continue;
        text_ += "lost: " + std::string(model::text_of(loss).name) + " " + std::to_string(losses.get(loss)) + "\n";
    }
}

std::string Script::play(const Cut& cut) const {
    model::LossCounters losses;
    ConnectionParser parser(from_start_, losses, limits_);
    Transcript transcript;
    const auto note = [&](const model::HttpEvent& event) { transcript.note(event); };
    std::array<std::uint64_t, 2> offsets{};
    for (const Step& step : steps_) {
        std::uint64_t& offset = offsets[static_cast<std::size_t>(step.direction)];
        const base::Time time(step.time);
        switch (step.kind) {
            case Step::Kind::bytes:
                for (std::string_view rest = step.bytes; !rest.empty();) {
                    // A copy of its own size, so that a sanitizer sees every step beyond the piece.
                    const std::vector<std::uint8_t> piece(
                        rest.begin(),
                        rest.begin() + static_cast<std::ptrdiff_t>(std::min(cut(rest.size()), rest.size())));
                    parser.feed(step.direction, model::StreamBytes{offset, time, piece}, note);
                    offset += piece.size();
                    rest.remove_prefix(piece.size());
                }
                break;
            case Step::Kind::gap:
                parser.feed(step.direction, model::Gap{offset, step.gap, time, model::Loss::stream_gap}, note);
                offset += step.gap;
                break;
            case Step::Kind::end:
                parser.end(step.direction, time, note);
                break;
            case Step::Kind::close:
                parser.close(step.how, time, note);
                break;
        }
    }
    transcript.note(losses);
    return transcript.text();
}

std::string Script::play_whole() const {
    return play([](std::size_t size) { return size; });
}

void expect_events(const Script& script, std::string_view expected) {
    const std::string whole = script.play_whole();
    EXPECT_EQ(whole, expected);
    EXPECT_EQ(script.play([](std::size_t) { return 1; }), whole) << "byte by byte";
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const std::size_t largest = 1 + random() % 200;
        const std::string cut = script.play([&](std::size_t) { return 1 + random() % largest; });
        ASSERT_EQ(cut, whole) << "cut with seed " << seed;
    }
}

}  // namespace llmsnoop::http::test
