#include "agent/base/printable.h"

#include <fmt/format.h>

#include "agent/base/utf8.h"

namespace llmsnoop::base {

namespace {

bool is_control(char32_t value) {
    return value < 0x20 || (value >= 0x7f && value < 0xa0);
}

void append_escape(std::string& out, std::string_view bytes) {
    for (const char byte : bytes) {
        switch (byte) {
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
        }
    }
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint next = decode_utf8(text);
        const std::string_view bytes = text.substr(0, next.length);
        if (next.valid && !is_control(next.value)) {
            out += bytes;
        } else {
            append_escape(out, bytes);
        }
        text.remove_prefix(next.length);
    }
    return out;
}

}  // namespace llmsnoop::base
