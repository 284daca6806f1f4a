#pragma once
// Requests off a connection, one after the other (keep-alive, pipelined): heads, bodies by length or in chunks,
// Expect: 100-continue, compressed bodies.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/servers/channel.h"

namespace llmsnoop::support {

inline constexpr std::size_t kMaxHead = std::size_t{64} << 10;
inline constexpr std::size_t kMaxBody = std::size_t{64} << 20;          // as sent
inline constexpr std::size_t kMaxDecodedBody = std::size_t{256} << 20;  // after Content-Encoding

struct HttpRequest {
    std::string method;
    std::string target;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;                                          // decoded
    std::uint64_t body_bytes = 0;                              // as sent, without chunk framing
    bool keep_alive = true;

    // Empty where the header is absent.
    std::string_view header(std::string_view lower_name) const;
};

// Undoes the Content-Encoding of `request.body`. False if it is none that is known, or the body does not decode.
bool decode_body(HttpRequest& request);

enum class ReadOutcome : std::uint8_t {
    request,    // there is one
    closed,     // the peer has ended, or broke off inside a request
    malformed,  // answer 400 and close
    too_large,  // answer 413 and close
};

class RequestReader {
 public:
    explicit RequestReader(Channel& channel) : channel_(channel) {}

    ReadOutcome read(HttpRequest& request);

    // What was read beyond the last request: the first bytes of another protocol.
    std::string take_rest() { return std::exchange(buffer_, {}).substr(std::exchange(position_, 0)); }

 private:
    ReadOutcome read_head(HttpRequest& request);
    ReadOutcome read_body(HttpRequest& request);
    ReadOutcome read_chunked(HttpRequest& request);
    ReadOutcome take(std::string& into, std::size_t size);
    bool read_line(std::string& line);
    bool fill();
    std::size_t held() const { return buffer_.size() - position_; }

    Channel& channel_;
    std::string buffer_;  // read, and not yet used from `position_` on
    std::size_t position_ = 0;
};

}  // namespace llmsnoop::support
