#include "agent/framing/brotli_codec.h"

#include <malloc.h>

#include <cstdlib>

namespace llmsnoop::framing {

// The library does not say what it holds, so it is counted here.
void* BrotliCodec::allocate(void* codec, std::size_t size) {
    void* memory = std::malloc(size);
    if (memory != nullptr) static_cast<BrotliCodec*>(codec)->held_ += malloc_usable_size(memory);
    return memory;
}

void BrotliCodec::release(void* codec, void* memory) {
    if (memory == nullptr) return;
    static_cast<BrotliCodec*>(codec)->held_ -= malloc_usable_size(memory);
    std::free(memory);
}

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
