#include "agent/http/http2_frame.h"

#include "agent/base/endian.h"

namespace llmsnoop::http {
namespace {

constexpr std::uint32_t kMostSettings = 32;
constexpr std::uint32_t kLargestStreamAfterGap = 1U << 24;

std::uint8_t defined_flags(Http2Type type) {
    using namespace http2_flag;
    switch (type) {
        case Http2Type::data:
            return kEndStream | kPadded;
        case Http2Type::headers:
            return kEndStream | kEndHeaders | kPadded | kPriority;
        case Http2Type::settings:
        case Http2Type::ping:
            return kAck;
        case Http2Type::push_promise:
            return kEndHeaders | kPadded;
        case Http2Type::continuation:
            return kEndHeaders;
        default:
            return 0;
    }
}

}  // namespace

Http2Frame read_http2_frame(base::Bytes bytes) {
    const std::uint8_t* at = bytes.data();
    Http2Frame frame;
    frame.length = static_cast<std::uint32_t>(at[0]) << 16 | base::load_be<std::uint16_t>(at + 1);
    frame.type = static_cast<Http2Type>(at[3]);
    frame.flags = at[4];
    frame.stream = base::load_be<std::uint32_t>(at + 5) & 0x7fffffff;  // the reserved bit is ignored when receiving
    return frame;
}

bool is_lawful(const Http2Frame& frame) {
    switch (frame.type) {
        case Http2Type::data:
        case Http2Type::headers:
        case Http2Type::push_promise:
        case Http2Type::continuation:
            return frame.stream != 0;
        case Http2Type::priority:
            return frame.stream != 0 && frame.length == 5;
        case Http2Type::rst_stream:
            return frame.stream != 0 && frame.length == 4;
        case Http2Type::settings:
            return frame.stream == 0 && frame.length % 6 == 0;
        case Http2Type::ping:
            return frame.stream == 0 && frame.length == 8;
        case Http2Type::goaway:
            return frame.stream == 0 && frame.length >= 8;
        case Http2Type::window_update:
            return frame.length == 4;
    }
    return true;
}

bool is_plausible(const Http2Frame& frame, std::uint32_t largest) {
    if (frame.type > Http2Type::continuation || !is_lawful(frame)) return false;
    if (frame.stream != 0 && frame.stream % 2 == 0) return false;  // pushed: hardly anybody does
    if (frame.length > largest || frame.stream > kLargestStreamAfterGap) return false;
    if ((frame.flags & ~defined_flags(frame.type)) != 0) return false;
    switch (frame.type) {
        case Http2Type::settings:
            return frame.has(http2_flag::kAck) ? frame.length == 0 : frame.length <= 6 * kMostSettings;
        case Http2Type::data:  // an empty one serves to end a stream, and else for nothing
            return frame.length > 0 || frame.has(http2_flag::kEndStream);
        case Http2Type::headers:
            return frame.length > 0;
        default:
            return true;
    }
}

}  // namespace llmsnoop::http
