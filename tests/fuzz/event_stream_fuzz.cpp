// application/vnd.amazon.eventstream, with the checksums as they come, and once more with them made right, so that what
// lies behind them is reached.
#include <zlib.h>

#include <string>

#include "tests/fuzz/framing_property.h"

namespace {

std::uint32_t load(const std::string& text, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<std::uint8_t>(text[at + i]);
    return value;
}

void store_checksum(std::string& text, std::size_t from, std::size_t to) {
    const auto crc =
        static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()) + from, to - from));
    for (std::size_t i = 0; i < 4; ++i)
        text[to + i] = static_cast<char>(crc >> (24 - 8 * i) & 0xFF);
}

// Goes from message to message as the lengths say, as far as they make sense.
void make_checksums_right(std::string& text) {
    std::size_t at = 1;
    while (text.size() - at >= 16) {
        const std::size_t total = load(text, at);
        if (total < 16 || total > text.size() - at) return;
        store_checksum(text, at, at + 8);
        store_checksum(text, at, at + total - 4);
        at += total;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::model::Framing;
    if (size == 0) return 0;
    llmsnoop::fuzz::check_framing(Framing::event_stream, "", data, size);
    std::string repaired(reinterpret_cast<const char*>(data), size);
    make_checksums_right(repaired);
    return llmsnoop::fuzz::check_framing(Framing::event_stream, "",
                                         reinterpret_cast<const std::uint8_t*>(repaired.data()), size);
}
