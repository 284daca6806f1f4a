#pragma once
// Gathers one message head where one must stand: at the beginning of a connection, or right after the message before
// it.
//
// A head that lies in one piece of input is not copied. Memory is bounded by Limits::head_bytes. Every verdict depends
// on the bytes alone, not on how they are cut.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/http/limits.h"
#include "agent/http/start_line.h"

namespace llmsnoop::http {

class HeadCollector {
 public:
    enum class Status : std::uint8_t {
        more,        // everything was used, and the head is not complete
        complete,    // `text()` is the whole head
        not_a_head,  // no message begins with `text()`, gathered by earlier calls, and the bytes that were not used
        too_large,   // the head began and does not end within the limit
    };
    struct Step {
        Status status = Status::more;
        std::size_t used = 0;
    };

    explicit HeadCollector(std::size_t limit) : limit_(limit) {}

    Step feed(base::Bytes bytes, base::Time time, Expected expected);

    // Valid until the next call, and no longer than the bytes last fed.
    std::string_view text() const { return whole_.empty() ? std::string_view(gathered_) : whole_; }
    base::Time started() const { return started_; }  // when the first byte of the head came
    bool start_line_seen() const { return start_line_seen_; }

    // May what was gathered so far be the beginning of such a message?
    bool agrees(Expected expected) const;

    void keep();  // a complete head from now on outlives the bytes it came with
    void clear();

 private:
    enum class Start : std::uint8_t { wrong, incomplete, right };
    static Start judge_start(std::string_view head, std::size_t searched, Expected expected);

    std::size_t limit_;
    std::string gathered_;
    std::string_view whole_;    // a head that lay in one piece of input
    std::size_t searched_ = 0;  // no empty line ends before here
    bool start_line_seen_ = false;
    base::Time started_;
};

}  // namespace llmsnoop::http
