#include "agent/http/http2_head.h"

#include <charconv>
#include <string_view>

#include "agent/http/field_text.h"

namespace llmsnoop::http {
namespace {

class HeadBuilder {
 public:
    explicit HeadBuilder(const Limits& limits) : limits_(limits) {}

    void add(std::string_view name, std::string_view value) {
        size_ += name.size() + value.size();
        if (size_ > limits_.head_bytes || message().headers.size() >= limits_.header_count) {
            too_large_ = true;
            return;
        }
        if (name.starts_with(':')) {
            add_pseudo(name, value);
        } else {
            message().headers.push_back({lower_case(name), std::string(trim(value))});
        }
    }

    bool too_large() const { return too_large_; }

    Http2Head finish(HpackDecoder::Outcome outcome) {
        message().lost = outcome == HpackDecoder::Outcome::partial;
        if (message().authority.empty()) message().authority = model::header(message(), "host").value_or("");
        return std::move(result_);
    }

 private:
    model::MessageHead& message() { return *result_.head; }

    void add_pseudo(std::string_view name, std::string_view value) {
        if (name == ":status") {
            int status = 0;
            std::from_chars(value.data(), value.data() + value.size(), status);
            if (status >= 100 && status <= 999) message().status = status;
            result_.kind = Http2Head::Kind::response;
            return;
        }
        result_.kind = Http2Head::Kind::request;
        if (name == ":method") message().method = value;
        if (name == ":path") message().target = value;
        if (name == ":authority") message().authority = value;
        if (name == ":protocol") {
            message().headers.push_back({std::string(name), std::string(value)});
            result_.asks_websocket = equals_ignoring_case(value, "websocket");
        }
    }

    const Limits& limits_;
    Http2Head result_ = lost_http2_head();
    std::size_t size_ = 0;
    bool too_large_ = false;
};

}  // namespace

Http2Head read_http2_head(HpackDecoder& decoder, base::Bytes block, const Limits& limits, model::LossCounters& losses) {
    HeadBuilder builder(limits);
    const auto outcome =
        decoder.decode(block, [&](std::string_view name, std::string_view value) { builder.add(name, value); });
    if (builder.too_large()) losses.add(model::Loss::http_head_limit);
    return builder.finish(outcome);
}

Http2Head lost_http2_head() {
    Http2Head lost;
    lost.head = std::make_shared<model::MessageHead>();
    lost.head->protocol = model::Protocol::http2;
    lost.head->lost = true;
    return lost;
}

}  // namespace llmsnoop::http
