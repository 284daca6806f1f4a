#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kBlock = std::size_t{32} << 10;

Decompressed inflate_all(std::string_view input, int window_bits, std::size_t limit) {
    Decompressed result;
    z_stream stream{};
    if (inflateInit2(&stream, window_bits) != Z_OK) return result;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    Bytef block[kBlock];
    int status = Z_OK;
    while (status == Z_OK && result.bytes.size() < limit) {
        stream.next_out = block;
        stream.avail_out = sizeof block;
        status = inflate(&stream, Z_NO_FLUSH);
        result.bytes.append(reinterpret_cast<const char*>(block), sizeof block - stream.avail_out);
    }
    result.whole = status == Z_STREAM_END;
    inflateEnd(&stream);
    return result;
}

Decompressed unbrotli(std::string_view input, std::size_t limit) {
    Decompressed result;
    BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    auto next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    std::size_t left = input.size();
    std::uint8_t block[kBlock];
    auto status = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    while (status == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && result.bytes.size() < limit) {
        std::uint8_t* next_out = block;
        std::size_t room = sizeof block;
        status = BrotliDecoderDecompressStream(state, &left, &next_in, &room, &next_out, nullptr);
        result.bytes.append(reinterpret_cast<const char*>(block), sizeof block - room);
    }
    result.whole = status == BROTLI_DECODER_RESULT_SUCCESS;
    BrotliDecoderDestroyInstance(state);
    return result;
}

Decompressed unzstd(std::string_view input, std::size_t limit) {
    Decompressed result;
    ZSTD_DStream* stream = ZSTD_createDStream();
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    char block[kBlock];
    for (;;) {
        ZSTD_outBuffer produced{block, sizeof block, 0};
        const std::size_t hint = ZSTD_decompressStream(stream, &produced, &in);
        result.bytes.append(block, produced.pos);
        if (ZSTD_isError(hint) != 0) break;
        result.whole = hint == 0;
        if ((in.pos == in.size && produced.pos < sizeof block) || result.bytes.size() >= limit) break;
    }
    ZSTD_freeDStream(stream);
    return result;
}

}  // namespace

Decompressed decompress(Coding coding, std::string_view input, std::size_t limit) {
    switch (coding) {
        case Coding::identity:
            return {std::string(input), true};
        case Coding::gzip:
            return inflate_all(input, 15 + 16, limit);
        case Coding::deflate: {
            Decompressed wrapped = inflate_all(input, 15, limit);
            // No zlib header where the standard wants one: the sender means raw deflate.
            return wrapped.bytes.empty() && !wrapped.whole ? inflate_all(input, -15, limit) : wrapped;
        }
        case Coding::deflate_raw:
            return inflate_all(input, -15, limit);
        case Coding::br:
            return unbrotli(input, limit);
        case Coding::zstd:
            return unzstd(input, limit);
    }
    return {};
}

}  // namespace llmsnoop::support
