#pragma once
// Exchanges over one HTTP/2 connection, by libnghttp2: as many at once as were added, each read as its frames come.
#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/clients/exchange.h"
#include "tests/support/clients/model_call.h"
#include "tests/support/clients/transport.h"

namespace llmsnoop::support {

class Http2Streams {
 public:
    // `transport`, connected with the protocol "h2", must outlive this. `connection` goes into the reports.
    Http2Streams(Transport& transport, unsigned connection);
    ~Http2Streams();
    Http2Streams(const Http2Streams&) = delete;
    Http2Streams& operator=(const Http2Streams&) = delete;

    // One more exchange, sent by the next run(). `reset_after`: cancel it after so many DATA frames of the answer.
    bool add(const CallPlan& plan, std::string_view mark, std::uint64_t seed, std::optional<unsigned> reset_after);

    // Sends what was added and reads until every stream is over. False if the connection broke.
    bool run();

    // GOAWAY (RFC 9113, section 6.8).
    void say_goodbye();

    // What is known of the exchanges since the last call, in the order in which they were added.
    std::vector<ExchangeReport> take_reports();

 private:
    using Clock = std::chrono::steady_clock;

    struct Stream {
        ExchangeReport report;
        std::string request;  // the body as sent
        std::size_t sent = 0;
        std::string response;
        std::string encoding;
        unsigned data_frames = 0;
        std::optional<unsigned> reset_after;
        Clock::time_point began;
    };

    void header(Stream& stream, std::string_view name, std::string_view value);
    void data_frame(std::int32_t id, Stream& stream);
    void closed(std::int32_t id, std::uint32_t error);
    bool send();
    Stream* find(std::int32_t id);

    static Http2Streams& self(void* user) { return *static_cast<Http2Streams*>(user); }
    static nghttp2_session_callbacks* callbacks();

    Transport& transport_;
    const unsigned connection_;
    unsigned added_ = 0;
    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Stream> open_;
    std::map<std::int32_t, ExchangeReport> over_;
};

}  // namespace llmsnoop::support
