// 1 GB of output from at most 1 MB of input: stopped by the limits, and harmless where the limits let it through.
#include <brotli/encode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <zstd.h>

#include "agent/framing/content_decoder.h"
#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

using framing::ContentDecoder;
using framing::DecoderLimits;
using model::Loss;
using testing::Optional;

constexpr std::uint64_t kOutput = 1U << 30;
constexpr std::size_t kPiece = 1U << 20;

// The encoders are set to the widest windows that the decoders take, so that the memory they need is the most.
std::string brotli_bomb(const std::string& zeros) {
    BrotliEncoderState* const encoder = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    BrotliEncoderSetParameter(encoder, BROTLI_PARAM_QUALITY, 2);
    BrotliEncoderSetParameter(encoder, BROTLI_PARAM_LGWIN, BROTLI_MAX_WINDOW_BITS);
    std::string out;
    for (std::uint64_t done = 0; done < kOutput; done += zeros.size()) {
        const bool last = done + zeros.size() >= kOutput;
        std::size_t left = zeros.size();
        const auto* next = reinterpret_cast<const std::uint8_t*>(zeros.data());
        do {
            std::size_t no_room = 0;
            BrotliEncoderCompressStream(encoder, last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, &left,
                                        &next, &no_room, nullptr, nullptr);
            std::size_t size = 0;
            const std::uint8_t* const block = BrotliEncoderTakeOutput(encoder, &size);
            out.append(reinterpret_cast<const char*>(block), size);
        } while (left > 0 || BrotliEncoderHasMoreOutput(encoder) == BROTLI_TRUE ||
                 (last && BrotliEncoderIsFinished(encoder) != BROTLI_TRUE));
    }
    BrotliEncoderDestroyInstance(encoder);
    return out;
}

std::string zstd_bomb(const std::string& zeros) {
    ZSTD_CCtx* const encoder = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(encoder, ZSTD_c_windowLog, 23);
    std::string out;
    std::string block(ZSTD_CStreamOutSize(), '\0');
    for (std::uint64_t done = 0; done < kOutput; done += zeros.size()) {
        const bool last = done + zeros.size() >= kOutput;
        ZSTD_inBuffer in{zeros.data(), zeros.size(), 0};
        std::size_t left = 0;
        do {
            ZSTD_outBuffer produced{block.data(), block.size(), 0};
            left = ZSTD_compressStream2(encoder, &produced, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            out.append(block, 0, produced.pos);
        } while (in.pos < in.size || (last && left > 0));
    }
    ZSTD_freeCCtx(encoder);
    return out;
}

std::string bomb(Coding coding) {
    const std::string zeros(kPiece, '\0');
    if (coding == Coding::br) return brotli_bomb(zeros);
    if (coding == Coding::zstd) return zstd_bomb(zeros);
    const auto compressor = Compressor::create(coding);
    std::string out;
    for (std::uint64_t done = 0; done < kOutput; done += kPiece) {
        compressor->add(zeros, done + kPiece < kOutput ? Flush::none : Flush::finish, out);
    }
    return out;
}

// What malloc has given out; AddressSanitizer's allocator does not say.
std::size_t memory_in_use() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

struct Outcome {
    std::uint64_t output = 0;
    std::size_t largest_piece = 0;
    std::size_t most_memory = 0;
    std::optional<Loss> failed;
};

Outcome explode(std::string_view codings, const std::string& input, const DecoderLimits& limits) {
    Outcome outcome;
    const std::size_t before = memory_in_use();
    ContentDecoder decoder(codings, limits);
    const auto out = [&](base::Bytes bytes) {
        outcome.output += bytes.size();
        outcome.largest_piece = std::max(outcome.largest_piece, bytes.size());
        const std::size_t now = memory_in_use();
        if (now > before) outcome.most_memory = std::max(outcome.most_memory, now - before);
    };
    decoder.feed(base::as_bytes(input), out);
    decoder.end(true, out);
    outcome.failed = decoder.failed();
    return outcome;
}

struct Case {
    Coding coding;
    std::size_t memory;  // as content_decoder.h states it, output buffer included
};

class DecompressionBomb : public testing::TestWithParam<Case> {};

TEST_P(DecompressionBomb, IsDefused) {
    const auto [coding, memory] = GetParam();
    const std::string input = bomb(coding);
    ASSERT_LE(input.size(), 1U << 20) << "of " << header_value(coding);

    const Outcome stopped = explode(header_value(coding), input, {});
    EXPECT_THAT(stopped.failed, Optional(Loss::content_coding_limit));
    EXPECT_LE(stopped.output, DecoderLimits{}.output_bytes);
    EXPECT_LE(stopped.most_memory, memory);

    const DecoderLimits none{.output_bytes = 2 * kOutput, .ratio = kOutput};
    const Outcome let_through = explode(header_value(coding), input, none);
    EXPECT_FALSE(let_through.failed);
    EXPECT_EQ(let_through.output, kOutput);
    EXPECT_LE(let_through.largest_piece, 32U << 10);
    EXPECT_LE(let_through.most_memory, memory);
}

INSTANTIATE_TEST_SUITE_P(Codings, DecompressionBomb,
                         testing::Values(Case{Coding::gzip, 80U << 10}, Case{Coding::deflate, 80U << 10},
                                         Case{Coding::br, 26U << 20}, Case{Coding::zstd, 9U << 20}),
                         [](const auto& test) { return std::string(header_value(test.param.coding)); });

TEST(DecompressionBombs, AreStoppedByTheirRatioLongBeforeTheirSize) {
    for (const Coding coding : {Coding::br, Coding::zstd}) {
        const Outcome outcome = explode(header_value(coding), bomb(coding), {});
        EXPECT_THAT(outcome.failed, Optional(Loss::content_coding_limit));
        EXPECT_LE(outcome.output, DecoderLimits{}.ratio_floor + (1U << 20)) << header_value(coding);
    }
}

TEST(DecompressionBombs, AreFoundWithinOtherCodings) {
    std::string input = bomb(Coding::gzip);
    std::string again;
    Compressor::create(Coding::gzip)->add(input, Flush::finish, again);
    const Outcome outcome = explode("gzip, gzip", again, {});
    EXPECT_THAT(outcome.failed, Optional(Loss::content_coding_limit));
    EXPECT_LE(outcome.output, DecoderLimits{}.ratio_floor + (1U << 20));
}

TEST(DecompressionBombs, OfZstdMayNotAskForALargeWindow) {
    // A frame header that declares a window of 16 MB: Window_Descriptor 0x70 is 2^(10 + 14).
    const std::string header("\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00", 9);
    const Outcome outcome = explode("zstd", header, {});
    EXPECT_THAT(outcome.failed, Optional(Loss::content_coding_limit));
}

}  // namespace
}  // namespace llmsnoop::support
