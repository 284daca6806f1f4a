#include "agent/capture/packet_unpacker.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "agent/base/endian.h"

namespace llmsnoop::capture {

namespace {

constexpr std::size_t kPiece = 256U << 10;
constexpr int kWindowLog = 27;
constexpr int kGzipOnly = 16;  // added to the window bits: a gzip header is expected, not a zlib one

}  // namespace

Unpacker::Coding Unpacker::coding_of(base::Bytes magic) {
    if (magic.size() < kMagic) return Coding::none;
    if (magic[0] == 0x1f && magic[1] == 0x8b && magic[2] == 8) return Coding::gzip;     // RFC 1952 section 2.3.1
    if (base::load_le<std::uint32_t>(magic.data()) == 0xfd2fb528) return Coding::zstd;  // RFC 8878 section 3.1.1
    return Coding::none;
}

Unpacker::Unpacker(Coding coding) : out_(coding == Coding::none ? 0 : kPiece) {
    if (coding == Coding::gzip) {
        gzip_.reset(new z_stream{});
        broken_ = inflateInit2(gzip_.get(), MAX_WBITS + kGzipOnly) != Z_OK;
    }
    if (coding == Coding::zstd) {
        zstd_.reset(ZSTD_createDCtx());
        broken_ = !zstd_ || ZSTD_isError(ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kWindowLog)) != 0;
    }
}

Unpacker::~Unpacker() = default;
Unpacker::Unpacker(Unpacker&&) noexcept = default;
Unpacker& Unpacker::operator=(Unpacker&&) noexcept = default;

void Unpacker::EndInflate::operator()(z_stream_s* stream) const {
    inflateEnd(stream);
    delete stream;
}

void Unpacker::FreeContext::operator()(ZSTD_DCtx_s* context) const {
    ZSTD_freeDCtx(context);
}

base::Bytes Unpacker::unpack(base::Bytes* in) {
    if (broken_) return {};
    if (!gzip_ && !zstd_) return std::exchange(*in, {});
    return base::Bytes(out_).first(gzip_ ? unpack_gzip(in) : unpack_zstd(in));
}

std::size_t Unpacker::unpack_gzip(base::Bytes* in) {
    std::size_t made = 0;
    // Each round takes or makes something, or it ends: what is already decoded comes out even when the input is used
    // up.
    while (made < out_.size()) {
        const std::size_t before = in->size() + made;
        gzip_->next_in = const_cast<Bytef*>(in->data());
        gzip_->avail_in = static_cast<uInt>(std::min<std::size_t>(in->size(), 1U << 30));
        const uInt offered = gzip_->avail_in;
        gzip_->next_out = out_.data() + made;
        gzip_->avail_out = static_cast<uInt>(std::min<std::size_t>(out_.size() - made, 1U << 30));
        const uInt room = gzip_->avail_out;
        const int result = inflate(gzip_.get(), Z_NO_FLUSH);
        *in = in->subspan(offered - gzip_->avail_in);
        made += room - gzip_->avail_out;
        if (result == Z_STREAM_END) {
            middle_ = false;
            inflateReset(gzip_.get());
            if (in->empty()) break;
            continue;
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            broken_ = true;
            break;
        }
        if (offered > 0) middle_ = true;
        if (in->size() + made == before && result == Z_BUF_ERROR) break;
    }
    return made;
}

std::size_t Unpacker::unpack_zstd(base::Bytes* in) {
    ZSTD_outBuffer to{out_.data(), out_.size(), 0};
    // To be called without input is an error to zstd when it happens often, and it makes sense only if the last output
    // was full, so that more may be waiting.
    while (to.pos < to.size && (!in->empty() || full_)) {
        ZSTD_inBuffer from{in->data(), in->size(), 0};
        const std::size_t before = to.pos;
        const std::size_t result = ZSTD_decompressStream(zstd_.get(), &to, &from);
        *in = in->subspan(from.pos);
        full_ = to.pos == to.size;
        if (ZSTD_isError(result) != 0) {
            broken_ = true;
            break;
        }
        if (from.pos == 0 && to.pos == before) break;
        middle_ = result != 0;
    }
    return to.pos;
}

}  // namespace llmsnoop::capture
