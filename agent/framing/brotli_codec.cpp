#include "agent/framing/brotli_codec.h"

namespace llmsnoop::framing {

CodecStep BrotliCodec::step(base::Bytes in, CodecOut out) {
    if (!state_) return {.state = CodecStep::State::broken};
    const std::uint8_t* next_in = in.data();
    std::size_t left = in.size();
    std::uint8_t* next_out = out.data();
    std::size_t room = out.size();
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_.get(), &left, &next_in, &room, &next_out, nullptr);
    CodecStep step{.consumed = in.size() - left, .produced = out.size() - room};
    if (result == BROTLI_DECODER_RESULT_ERROR) step.state = CodecStep::State::broken;
    if (result == BROTLI_DECODER_RESULT_SUCCESS) {
        step.state = CodecStep::State::done;
        done_ = true;
    }
    return step;
}

}  // namespace llmsnoop::framing
