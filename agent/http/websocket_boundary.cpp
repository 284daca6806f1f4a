#include "agent/http/websocket_boundary.h"

#include <algorithm>
#include <array>

namespace llmsnoop::http {

using More = BoundarySeeker::More;
using Verdict = BoundarySeeker::Verdict;

namespace {

// Longer frames are not recognised after a gap: their end would have to be waited for.
constexpr std::uint64_t kLongestFrame = 256U << 10;
constexpr std::size_t kTextLookedAt = 64;

// Text frames hold UTF-8 without control characters other than white space, as far as a look at their beginning tells.
// Under a wrong mask nearly nothing does.
bool looks_like_text(base::Bytes bytes) {
    unsigned continuation = 0;
    for (const std::uint8_t c : bytes) {
        if (continuation > 0) {
            if ((c & 0xc0) != 0x80) return false;
            --continuation;
        } else if (c >= 0x80) {
            if (c < 0xc2 || c > 0xf4) return false;
            continuation = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        } else if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool plausible(const FrameHeader& header, const WebSocketLook& look) {
    if (header.masked != look.masked || header.length > kLongestFrame) return false;
    if (header.compressed && !look.may_be_compressed) return false;
    // "The minimal number of bytes MUST be used to encode the length" (section 5.2).
    const std::size_t length_bytes = header.size - 2 - (header.masked ? 4 : 0);
    return (length_bytes != 2 || header.length > 125) && (length_bytes != 8 || header.length > 65535);
}

}  // namespace

Verdict judge_websocket_boundary(base::Bytes bytes, More more, const WebSocketLook& look) {
    FrameHeader header;
    HeaderStatus status = read_frame_header(bytes, header);
    if (status == HeaderStatus::incomplete) return Verdict::undecided;
    if (status == HeaderStatus::invalid || !plausible(header, look) || header.opcode == Opcode::continuation) {
        return Verdict::no;
    }

    base::Bytes rest = bytes.subspan(header.size);
    if (header.opcode == Opcode::text && !header.compressed) {
        const base::Bytes start = rest.first(std::min<std::uint64_t>({rest.size(), header.length, kTextLookedAt}));
        std::array<std::uint8_t, kTextLookedAt> clear{};
        unmask(start, header.mask, 0, clear.data());
        if (!looks_like_text(base::Bytes(clear).first(start.size()))) return Verdict::no;
    }
    if (rest.size() < header.length) return Verdict::undecided;
    rest = rest.subspan(header.length);
    FrameHeader next;
    status = read_frame_header(rest, next);
    // The last frame of all is believed if it ends where the stream does.
    if (status == HeaderStatus::incomplete) return more == More::none ? Verdict::yes : Verdict::undecided;
    return status == HeaderStatus::complete && plausible(next, look) ? Verdict::yes : Verdict::no;
}

}  // namespace llmsnoop::http
