#include "agent/framing/zstd_codec.h"

#include <zstd_errors.h>

#include <algorithm>
#include <array>

namespace llmsnoop::framing {

namespace {

constexpr int kWindowLog = 23;

// RFC 8878 sections 3.1.1 and 3.1.2, little-endian. A skippable frame's first byte is anything from 0x50 to 0x5F.
constexpr std::array<std::uint8_t, 4> kFrame{0x28, 0xB5, 0x2F, 0xFD};
constexpr std::array<std::uint8_t, 4> kSkippable{0x50, 0x2A, 0x4D, 0x18};

}  // namespace

ZstdCodec::ZstdCodec() {
    if (context_ && ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLog)) != 0) {
        context_.reset();
    }
}

bool ZstdCodec::may_begin_frame(base::Bytes bytes) {
    if (std::equal(bytes.begin(), bytes.end(), kFrame.begin())) return true;
    return (bytes.front() & 0xF0) == kSkippable[0] &&
           std::equal(bytes.begin() + 1, bytes.end(), kSkippable.begin() + 1);
}

CodecStep ZstdCodec::step(base::Bytes in, CodecOut out) {
    if (!context_) return {.state = CodecStep::State::broken};
    if (!between_) return decode(in, out);

    base::Bytes rest = in;
    const bool complete = next_.collect(rest);
    const std::size_t consumed = in.size() - rest.size();
    if (consumed == 0) return {};
    if (!may_begin_frame(next_.seen())) {
        // Formats older than RFC 8878 are refused here as well.
        const auto state = frames_ ? CodecStep::State::done : CodecStep::State::broken;
        return {.state = state, .consumed = consumed};
    }
    if (!complete) return {.consumed = consumed};
    between_ = false;
    CodecStep step = decode(next_.seen(), out);
    step.consumed = consumed;
    return step;
}

CodecStep ZstdCodec::decode(base::Bytes in, CodecOut out) {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &output, &input);
    CodecStep step{.consumed = input.pos, .produced = output.pos};
    if (ZSTD_isError(result) != 0) {
        const bool too_large = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
        step.state = too_large ? CodecStep::State::too_large : CodecStep::State::broken;
    } else if (result == 0) {
        between_ = true;
        frames_ = true;
        next_.reset();
    }
    return step;
}

}  // namespace llmsnoop::framing
