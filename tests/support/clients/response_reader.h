#pragma once
// Reads HTTP/1.1 responses, fed in any cuts. It is written for clients that must know the truth, not for speed alone:
// what it cannot make sense of is an end with `failed`.
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::support {

class ResponseReader {
 public:
    enum class Keep : std::uint8_t { body, size_only };

    explicit ResponseReader(Keep keep) : keep_(keep) {}

    // Before each response.
    void begin();

    // Takes what belongs to the response and returns how much that was; the rest is the next one's.
    std::size_t feed(std::string_view bytes);

    // The connection has ended: the end of a body without a length, the cut of any other.
    void feed_end();

    bool finished() const { return state_ == State::done || state_ == State::failed; }
    bool whole() const { return state_ == State::done; }
    bool continued() const { return continued_; }  // a 100 (Continue) came
    bool body_started() const { return body_bytes_ > 0; }
    int status() const { return status_; }
    bool closes() const { return closes_; }                    // no further response on this connection
    const std::string& encoding() const { return encoding_; }  // Content-Encoding; empty if none
    const std::string& body() const { return body_; }          // as sent, without chunk framing
    std::uint64_t body_bytes() const { return body_bytes_; }

 private:
    enum class State : std::uint8_t {
        head,
        length,
        chunk_size,
        chunk_data,
        chunk_end,
        trailer,
        until_close,
        done,
        failed
    };

    std::size_t feed_line(std::string_view bytes);
    std::size_t feed_body(std::string_view bytes);
    void take_line(std::string_view line);
    void take_header(std::string_view line);
    void end_head();

    const Keep keep_;
    State state_ = State::head;
    std::string line_;  // a line not yet complete
    bool first_line_ = true;
    bool continued_ = false;
    int status_ = 0;
    bool chunked_ = false;
    bool has_length_ = false;
    bool closes_ = false;
    std::uint64_t left_ = 0;  // of the body or the chunk
    std::string encoding_;
    std::string body_;
    std::uint64_t body_bytes_ = 0;
};

}  // namespace llmsnoop::support
