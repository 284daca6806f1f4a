#pragma once
// Cuts one direction of an HTTP/2 connection into what matters to an observer: data, header blocks, resets, GOAWAY.
//
// A pull parser: `next` uses some bytes and says what they were. DATA is passed on in pieces without copying; a header
// block is gathered over its CONTINUATION frames, up to a limit. Flow control, priorities and settings are passed over.
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/clock.h"
#include "agent/http/http2_frame.h"

namespace llmsnoop::http {

class Http2FrameReader {
 public:
    enum class Event : std::uint8_t {
        more,         // every byte was used, and nothing is to be reported
        began,        // a frame's header is complete; the caller may stop here and go on later
        data,         // a piece of DATA; with `end_stream` the last one, perhaps empty
        head,         // a header block
        promise,      // the header block of a PUSH_PROMISE
        reset,        // RST_STREAM
        go_away,      // GOAWAY: streams above `stream` are not processed
        out_of_step,  // what should be a frame's header is none; it was not used, see `take_gathered`
    };
    struct Step {
        Event event = Event::more;
        std::size_t used = 0;
        std::uint32_t stream = 0;
        base::Bytes bytes{};  // data, or a header block; valid until the next call, and as long as the input
        bool end_stream = false;
        bool block_lost = false;  // the header block is not there: bytes of it are missing, or it was too large
        bool too_large = false;
        base::Time started{};  // of a header block: when its first frame began
    };

    // Header blocks larger than `block_limit` are lost.
    explicit Http2FrameReader(std::size_t block_limit) : block_limit_(block_limit) {}

    // `bytes` may be empty: a frame can be complete without more, after `began` or `skip`.
    Step next(base::Bytes bytes, base::Time time);

    // Is there something to report without further bytes?
    bool pending() const { return state_ == State::begun || (state_ == State::payload && left_ == 0); }

    const Http2Frame& frame() const { return frame_; }
    bool begun() const {
        return state_ == State::begun;
    }  // the last event was `began`, and `next` was not called since

    // The stream of a DATA frame of which data is still to come.
    std::optional<std::uint32_t> amid_data() const;

    // So many bytes are missing. Within a frame the place is kept: `next` goes on, and says what is complete.
    struct Skip {
        bool in_data = false;                   // data of stream `frame().stream` is missing
        std::optional<std::uint64_t> length{};  // so much of it, where that can be told
        bool out_of_step = false;               // the gap reaches beyond the frame
    };
    Skip skip(std::uint64_t length);

    // After `out_of_step`: the bytes of the supposed header that earlier calls used.
    std::string take_gathered();

    // A header block is in progress whose bytes are dropped because there are too many.
    bool drops_block() const { return block_too_large_; }

    // The next byte begins a frame, and what came before is to be forgotten.
    void restart();

 private:
    enum class State : std::uint8_t { header, begun, payload };

    // Each returns how many bytes it used, and fills in the step if there is something to report.
    std::size_t read_header(base::Bytes bytes, base::Time time, Step& step);
    std::size_t read_data(base::Bytes bytes, Step& step);
    std::size_t read_whole(base::Bytes bytes, Step& step);

    void begin_payload();
    void frame_complete(base::Bytes payload, Step& step);
    void block_begins(base::Bytes payload, Step& step);
    void block_goes_on(base::Bytes payload, Step& step);
    void block_complete(base::Bytes block, Step& step);
    bool is_wanted() const;

    std::size_t block_limit_;
    State state_ = State::header;
    std::string header_;  // of a frame whose header is not complete
    Http2Frame frame_;
    base::Time frame_started_;
    std::uint32_t left_ = 0;        // of the payload
    std::uint32_t data_left_ = 0;   // of DATA: what is not padding
    bool padding_unknown_ = false;  // of DATA: the first octet of the payload is to tell
    bool payload_broken_ = false;   // bytes of it are missing, or it is too large
    std::string payload_;           // of a frame that is needed whole

    // The header block in progress.
    bool block_open_ = false;  // its frames so far did not end it
    bool block_lost_ = false;
    bool block_too_large_ = false;
    bool block_end_stream_ = false;
    Event block_event_ = Event::head;
    std::uint32_t block_stream_ = 0;
    base::Time block_started_;
    std::string block_;
};

}  // namespace llmsnoop::http
