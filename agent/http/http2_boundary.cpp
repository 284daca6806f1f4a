#include "agent/http/http2_boundary.h"

namespace llmsnoop::http {

using More = BoundarySeeker::More;
using Verdict = BoundarySeeker::Verdict;

namespace {

// "All implementations MUST be capable of receiving frames up to 2^14 octets" (RFC 9113 section 4.2), and hardly
// anybody sends larger ones. Longer ones are not recognised after a gap.
constexpr std::uint32_t kLargestFrame = 1U << 14;

// Frames whose nine bytes are all but fixed: chance does not make them.
bool is_unmistakable(const Http2Frame& frame) {
    return frame.stream == 0 && (frame.type == Http2Type::window_update || frame.type == Http2Type::ping ||
                                 (frame.type == Http2Type::settings && frame.has(http2_flag::kAck)));
}

// Empty frames are hardly more than zeroes, of which other protocols are full.
bool says_something(const Http2Frame& frame) {
    return frame.length > 0 && frame.type != Http2Type::settings;
}

}  // namespace

Verdict judge_http2_boundary(base::Bytes bytes, More more, Http2Known known) {
    const unsigned needed = known == Http2Known::yes ? 2 : 3;
    bool says_enough = known == Http2Known::yes;
    std::size_t at = 0;
    for (unsigned count = 0; count < needed; ++count) {
        if (bytes.size() < at + kHttp2FrameHeader) {
            // At the end of the stream one frame less will do, if it ends there.
            const bool ends_here = more == More::none && bytes.size() == at && count + 1 >= needed && says_enough;
            return ends_here ? Verdict::yes : Verdict::undecided;
        }
        const Http2Frame frame = read_http2_frame(bytes.subspan(at));
        if (!is_plausible(frame, kLargestFrame)) return Verdict::no;
        if (known == Http2Known::yes && count == 0 && is_unmistakable(frame)) return Verdict::yes;
        says_enough |= says_something(frame);
        at += kHttp2FrameHeader + frame.length;
    }
    return says_enough ? Verdict::yes : Verdict::no;
}

}  // namespace llmsnoop::http
