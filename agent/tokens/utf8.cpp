#include "agent/tokens/utf8.h"

#include <cstdint>
#include <cstring>

#include "agent/base/utf8.h"

namespace llmsnoop::tokens {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

const char* skip_ascii(const char* at, const char* end) {
    while (end - at >= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        if ((word & 0x8080808080808080U) != 0) break;
        at += 8;
    }
    while (at < end && static_cast<std::uint8_t>(*at) < 0x80)
        ++at;
    return at;
}

struct Flaw {
    const char* at;  // the end of the text where there is none
    unsigned size = 0;
};

Flaw next_flaw(const char* at, const char* end) {
    for (;;) {
        at = skip_ascii(at, end);
        while (at < end && static_cast<std::uint8_t>(*at) >= 0x80) {
            const base::CodePoint point = base::decode_utf8({at, end});
            if (!point.valid) return {at, point.length};
            at += point.length;
        }
        if (at == end) return {end};
    }
}

}  // namespace

std::string_view valid_utf8(std::string_view text, std::string& storage) {
    const char* const end = text.data() + text.size();
    const char* from = text.data();
    Flaw flaw = next_flaw(from, end);
    if (flaw.at == end) return text;
    storage.clear();
    storage.reserve(text.size() + text.size() / 8);
    while (flaw.at != end) {
        storage.append(from, flaw.at);
        storage.append(kReplacement);
        from = flaw.at + flaw.size;
        flaw = next_flaw(from, end);
    }
    storage.append(from, end);
    return storage;
}

}  // namespace llmsnoop::tokens
