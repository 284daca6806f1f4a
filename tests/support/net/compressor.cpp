#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kBlock = std::size_t{32} << 10;

class ZlibCompressor final : public Compressor {
 public:
    // zlib's window bits choose the wrapping: 15 zlib, 15+16 gzip, -15 none.
    explicit ZlibCompressor(int window_bits) {
        deflateInit2(&stream_, 5, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    }
    ~ZlibCompressor() override { deflateEnd(&stream_); }
    ZlibCompressor(const ZlibCompressor&) = delete;
    ZlibCompressor& operator=(const ZlibCompressor&) = delete;

    void add(std::string_view input, Flush flush, std::string& out) override {
        const int mode = flush == Flush::none ? Z_NO_FLUSH : flush == Flush::sync ? Z_SYNC_FLUSH : Z_FINISH;
        // zlib's interface predates const; it does not write through next_in.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        stream_.avail_in = static_cast<uInt>(input.size());
        Bytef block[kBlock];
        do {
            stream_.next_out = block;
            stream_.avail_out = sizeof block;
            deflate(&stream_, mode);
            out.append(reinterpret_cast<const char*>(block), sizeof block - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }

 private:
    z_stream stream_{};
};

class BrotliCompressor final : public Compressor {
 public:
    BrotliCompressor() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
        BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, 4);
    }
    ~BrotliCompressor() override { BrotliEncoderDestroyInstance(state_); }
    BrotliCompressor(const BrotliCompressor&) = delete;
    BrotliCompressor& operator=(const BrotliCompressor&) = delete;

    void add(std::string_view input, Flush flush, std::string& out) override {
        const auto operation = flush == Flush::none   ? BROTLI_OPERATION_PROCESS
                               : flush == Flush::sync ? BROTLI_OPERATION_FLUSH
                                                      : BROTLI_OPERATION_FINISH;
        auto next_in = reinterpret_cast<const std::uint8_t*>(input.data());
        std::size_t left = input.size();
        std::uint8_t block[kBlock];
        do {
            std::uint8_t* next_out = block;
            std::size_t room = sizeof block;
            BrotliEncoderCompressStream(state_, operation, &left, &next_in, &room, &next_out, nullptr);
            out.append(reinterpret_cast<const char*>(block), sizeof block - room);
        } while (left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
    }

 private:
    BrotliEncoderState* state_;
};

class ZstdCompressor final : public Compressor {
 public:
    ZstdCompressor() : stream_(ZSTD_createCStream()) {}
    ~ZstdCompressor() override { ZSTD_freeCStream(stream_); }
    ZstdCompressor(const ZstdCompressor&) = delete;
    ZstdCompressor& operator=(const ZstdCompressor&) = delete;

    void add(std::string_view input, Flush flush, std::string& out) override {
        const auto mode = flush == Flush::none ? ZSTD_e_continue : flush == Flush::sync ? ZSTD_e_flush : ZSTD_e_end;
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        char block[kBlock];
        std::size_t left = 0;
        do {
            ZSTD_outBuffer produced{block, sizeof block, 0};
            left = ZSTD_compressStream2(stream_, &produced, &in, mode);
            if (ZSTD_isError(left) != 0) return;
            out.append(block, produced.pos);
        } while (in.pos < in.size || (flush != Flush::none && left > 0));
    }

 private:
    ZSTD_CStream* stream_;
};

}  // namespace

std::optional<Coding> coding_named(std::string_view name) {
    if (name == "identity") return Coding::identity;
    if (name == "gzip") return Coding::gzip;
    if (name == "deflate") return Coding::deflate;
    if (name == "deflate-raw") return Coding::deflate_raw;
    if (name == "br") return Coding::br;
    if (name == "zstd") return Coding::zstd;
    return std::nullopt;
}

std::string_view header_value(Coding coding) {
    switch (coding) {
        case Coding::identity:
            return "";
        case Coding::gzip:
            return "gzip";
        case Coding::deflate:
        case Coding::deflate_raw:
            return "deflate";
        case Coding::br:
            return "br";
        case Coding::zstd:
            return "zstd";
    }
    return "";
}

std::unique_ptr<Compressor> Compressor::create(Coding coding) {
    switch (coding) {
        case Coding::identity:
            return nullptr;
        case Coding::gzip:
            return std::make_unique<ZlibCompressor>(15 + 16);
        case Coding::deflate:
            return std::make_unique<ZlibCompressor>(15);
        case Coding::deflate_raw:
            return std::make_unique<ZlibCompressor>(-15);
        case Coding::br:
            return std::make_unique<BrotliCompressor>();
        case Coding::zstd:
            return std::make_unique<ZstdCompressor>();
    }
    return nullptr;
}

}  // namespace llmsnoop::support
