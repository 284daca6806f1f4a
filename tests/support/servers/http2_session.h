#pragma once
// One client's HTTP/2 connection (RFC 9113), by libnghttp2: any number of streams at once, their pieces interleaved,
// each stream as its options ask. Of the options, `chunked`, `close` and `write` mean nothing here, and `die` resets
// the stream instead of ending the connection.
#include <nghttp2/nghttp2.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/servers/channel.h"
#include "tests/support/servers/desk.h"

namespace llmsnoop::support {

class Http2Session {
 public:
    // All references must outlive the session.
    Http2Session(Channel& channel, Desk& desk, const std::atomic<bool>& stop);
    ~Http2Session();
    Http2Session(const Http2Session&) = delete;
    Http2Session& operator=(const Http2Session&) = delete;

    // Answers requests until either side ends the connection. True if it ended in good order.
    bool serve();

 private:
    using Clock = std::chrono::steady_clock;

    struct Stream {
        HttpRequest request;
        bool answered = false;
        std::optional<OpenCall> call;  // absent for what is no API's
        std::string document;          // the whole body, where there is no call
        std::unique_ptr<Compressor> compressor;
        std::string ready;  // encoded, and not sent from `position` on
        std::size_t position = 0;
        std::size_t next_piece = 0;
        Clock::time_point due;  // the next piece is not sent before
        bool waiting = false;   // deferred until `due`
        SentBody sent;
    };

    Stream* find(std::int32_t id);
    void header(Stream& stream, std::string_view name, std::string_view value);
    void answer(std::int32_t id, Stream& stream);
    void respond(std::int32_t id, int status, const std::vector<std::pair<std::string, std::string>>& headers);
    ssize_t fill(Stream& stream, std::uint8_t* into, std::size_t size, std::uint32_t* flags);
    bool encode_next(Stream& stream);
    void closed(std::int32_t id, std::uint32_t error);
    void resume_due();
    int wait_for() const;
    // One frame; `done` when there is nothing to send now.
    enum class Sent : std::uint8_t { frame, done, failed };
    Sent send_frame();

    static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }
    static nghttp2_session_callbacks* callbacks();

    Channel& channel_;
    Desk& desk_;
    const std::atomic<bool>& stop_;
    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Stream> streams_;
};

}  // namespace llmsnoop::support
