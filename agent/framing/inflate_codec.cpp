#include "agent/framing/inflate_codec.h"

#include <algorithm>
#include <array>

namespace llmsnoop::framing {

namespace {

// RFC 1952 section 2.3.1: ID1, ID2, and the only method there is.
constexpr std::array<std::uint8_t, 3> kGzipMagic{0x1f, 0x8b, 8};

constexpr std::size_t kPiece = 1U << 30;  // zlib counts in unsigned int

}  // namespace

Inflater::Inflater(int window_bits) : ready_(inflateInit2(&stream_, window_bits) == Z_OK) {}

Inflater::~Inflater() {
    if (ready_) inflateEnd(&stream_);
}

void Inflater::restart(int window_bits) {
    ready_ = ready_ && inflateReset2(&stream_, window_bits) == Z_OK;
}

CodecStep Inflater::step(base::Bytes in, CodecOut out) {
    if (!ready_) return {.state = CodecStep::State::broken};
    const auto offered = static_cast<uInt>(std::min(in.size(), kPiece));
    const auto room = static_cast<uInt>(std::min(out.size(), kPiece));
    stream_.next_in = const_cast<Bytef*>(in.data());  // zlib only reads it
    stream_.avail_in = offered;
    stream_.next_out = out.data();
    stream_.avail_out = room;
    const int result = inflate(&stream_, Z_SYNC_FLUSH);
    CodecStep step{.consumed = offered - stream_.avail_in, .produced = room - stream_.avail_out};
    if (result == Z_STREAM_END) {
        step.state = CodecStep::State::done;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {  // the latter: no progress was possible, which is no error
        step.state = CodecStep::State::broken;
    }
    return step;
}

CodecStep GzipCodec::step(base::Bytes in, CodecOut out) {
    if (!between_) {
        CodecStep step = inflater_.step(in, out);
        if (step.state == CodecStep::State::done) {
            step.state = CodecStep::State::more;
            between_ = true;
            next_.reset();
        }
        return step;
    }
    base::Bytes rest = in;
    const bool complete = next_.collect(rest);
    const std::size_t consumed = in.size() - rest.size();
    if (!std::equal(next_.seen().begin(), next_.seen().end(), kGzipMagic.begin())) {
        return {.state = CodecStep::State::done, .consumed = consumed};
    }
    if (!complete) return {.consumed = consumed};
    between_ = false;
    inflater_.restart(Inflater::kGzip);
    CodecStep step = inflater_.step(next_.seen(), out);
    step.consumed = consumed;
    return step;
}

bool DeflateCodec::is_zlib_header(base::Bytes first_two) {
    const unsigned method_and_window = first_two[0];
    const unsigned flags = first_two[1];
    const bool has_dictionary = (flags & 0x20) != 0;
    return (method_and_window & 15) == 8 && (method_and_window >> 4) <= 7 &&
           (method_and_window * 256 + flags) % 31 == 0 && !has_dictionary;
}

CodecStep DeflateCodec::step(base::Bytes in, CodecOut out) {
    CodecStep step;
    if (begun_) {
        step = inflater_.step(in, out);
    } else {
        base::Bytes rest = in;
        begun_ = head_.collect(rest);
        if (begun_) {
            if (!is_zlib_header(head_.seen())) inflater_.restart(Inflater::kRaw);
            step = inflater_.step(head_.seen(), out);
        }
        step.consumed = in.size() - rest.size();
    }
    done_ = step.state == CodecStep::State::done;
    return step;
}

}  // namespace llmsnoop::framing
