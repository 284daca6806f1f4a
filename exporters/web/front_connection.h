#pragma once
// One client of the front, from its first byte to its last. Does at each turn what can be done without waiting, and
// says for what it waits, and until when.
//
//     handshake  TLS is being set up
//     head       the request's line and headers are being read
//     waiting    there is a whole request, and nobody behind who could answer it yet
//     relay      the head goes to the server, which sees the end after it, and the answer comes back through one buffer
//     farewell   all is said; what the client still sends is thrown away. To hang up at once could cost it its answer
//     over
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/fd.h"
#include "exporters/web/channel.h"
#include "exporters/web/refusals.h"

namespace llmsnoop::exporters {

class FrontConnection {
 public:
    using Clock = std::chrono::steady_clock;
    enum class Stage { handshake, head, waiting, relay, farewell, over };
    // What is said to those who are refused after they have asked: whole HTTP answers.
    struct Answers {
        std::string request_timeout;
        std::string too_long;  // the head
        std::string busy;
    };
    struct Options {
        std::chrono::milliseconds timeout{};  // of the handshake, of the head, of waiting, and of taking 16 KiB
        Answers answers;
        RefusalCounters* refusals = nullptr;
    };

    // `options` must outlive it. `peer`: those who share it share what there is.
    FrontConnection(Channel channel, std::uint64_t peer, const Options& options);

    Stage stage() const { return stage_; }
    std::uint64_t peer() const { return peer_; }
    int client_fd() const { return channel_.fd(); }
    int server_fd() const { return server_.get(); }
    short client_events() const { return client_events_; }
    short server_events() const { return server_events_; }
    bool has_more_to_do() const { return more_; }  // without any event
    std::optional<Clock::time_point> deadline() const { return deadline_; }
    // What there is for the client has not been taken since then, however long the answer itself took.
    bool takes_slowly(Clock::time_point since) const {
        return stage_ == Stage::relay && !out_.empty() && filled_ <= since;
    }
    bool waits(Clock::time_point since) const { return stage_ == Stage::waiting && entered_ <= since; }

    void advance();
    void serve(base::Fd server);  // waiting: here is who answers; the socket does not block
    void expire();                // its deadline has passed
    void refuse(Refusal why);     // ends it, without an answer
    void end() { stage_ = Stage::over; }

 private:
    void shake_hands();
    void read_head();
    void relay();
    bool write_server();
    bool read_server();
    bool write_client();
    void finish();
    void say_farewell();
    void answer(const std::string& text);
    void enter(Stage stage);

    Channel channel_;
    std::uint64_t peer_;
    const Options& options_;
    Stage stage_ = Stage::handshake;
    Clock::time_point entered_;  // this stage
    std::optional<Clock::time_point> deadline_;
    base::Fd server_;
    std::string in_;   // the request's head, until it is passed on
    std::string out_;  // from the server, not yet taken by the client
    Clock::time_point filled_;
    std::size_t out_begin_ = 0;
    bool out_closed_ = false;
    short client_events_ = 0;
    short server_events_ = 0;
    bool more_ = false;
    std::size_t discarded_ = 0;
};

}  // namespace llmsnoop::exporters
