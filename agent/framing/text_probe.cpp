#include "agent/framing/text_probe.h"

#include <algorithm>

#include "agent/framing/inflate_codec.h"
#include "agent/framing/zstd_codec.h"

namespace llmsnoop::framing {

namespace {

// Printable, and well-formed UTF-8 as far as it goes; the last character may be cut.
bool is_text(base::Bytes bytes) {
    unsigned continuation = 0;
    for (const std::uint8_t byte : bytes) {
        if (continuation > 0) {
            if ((byte & 0xC0) != 0x80) return false;
            --continuation;
        } else if (byte < 0x80) {
            const bool is_printable = byte >= 0x20 && byte != 0x7F;
            if (!is_printable && byte != '\t' && byte != '\r' && byte != '\n') return false;
        } else if (byte >= 0xC2 && byte <= 0xF4) {
            continuation = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace

TextProbe::Magic TextProbe::magic() const {
    const base::Bytes bytes = kept();
    switch (coding_) {
        case Coding::gzip:
            return bytes[0] == 0x1F ? Magic::yes : Magic::no;
        case Coding::zstd:
            if (!ZstdCodec::may_begin_frame(bytes.first(std::min<std::size_t>(bytes.size(), 4)))) return Magic::no;
            return bytes.size() < 4 ? Magic::perhaps : Magic::yes;
        case Coding::deflate:
            return bytes.size() >= 2 && DeflateCodec::is_zlib_header(bytes) ? Magic::yes : Magic::perhaps;
        case Coding::brotli:
            break;
    }
    return Magic::perhaps;  // no magic: any byte may be the first
}

TextProbe::Verdict TextProbe::look(base::Bytes bytes) {
    const std::size_t added = std::min(bytes.size(), kBytes - size_);
    std::copy_n(bytes.begin(), added, kept_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += added;
    if (size_ == 0) return Verdict::undecided;
    if (magic() == Magic::yes || !is_text(kept())) return Verdict::coded;
    // 16 bytes of text in a row are one chance in a million in compressed data.
    return size_ == kBytes ? Verdict::text : Verdict::undecided;
}

TextProbe::Verdict TextProbe::at_end() const {
    if (size_ == 0) return Verdict::undecided;
    if (magic() == Magic::no) return Verdict::text;
    return kept_[0] == '{' || kept_[0] == '[' ? Verdict::text : Verdict::coded;
}

}  // namespace llmsnoop::framing
