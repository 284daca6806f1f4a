#include "agent/http/permessage_deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "agent/http/field_text.h"

namespace llmsnoop::http {
namespace {

constexpr int kRawLargestWindow = -15;

// "The sender removes 4 octets 0x00 0x00 0xff 0xff from the tail end" (RFC 7692 section 7.2.1); the receiver puts them
// back.
constexpr std::array<std::uint8_t, 4> kTail{0x00, 0x00, 0xff, 0xff};

// Each costs a copy of the window, and real messages hold one at most.
constexpr unsigned kMostLastBlocks = 16;

}  // namespace

DeflateTerms read_deflate_terms(std::string_view extensions) {
    DeflateTerms terms;
    for (std::string_view extension; next_element(extensions, extension);) {
        std::string_view name;
        if (!next_element(extension, name, ';') || !equals_ignoring_case(name, "permessage-deflate")) continue;
        terms.agreed = true;
        for (std::string_view parameter; next_element(extension, parameter, ';');) {
            const std::string_view key = trim(parameter.substr(0, parameter.find('=')));
            if (equals_ignoring_case(key, "client_no_context_takeover")) terms.client = ContextTakeover::no;
            if (equals_ignoring_case(key, "server_no_context_takeover")) terms.server = ContextTakeover::no;
        }
        break;
    }
    return terms;
}

struct Inflater::Stream {
    Stream() { ready = inflateInit2(&z, kRawLargestWindow) == Z_OK; }
    ~Stream() {
        if (ready) inflateEnd(&z);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    z_stream z{};
    bool ready = false;
};

Inflater::Inflater(ContextTakeover takeover) : takeover_(takeover) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;

Inflater::Status Inflater::feed(base::Bytes compressed, std::string& out, std::size_t limit) {
    if (!stream_) stream_ = std::make_unique<Stream>();
    if (!stream_->ready) return Status::broken;
    z_stream& z = stream_->z;
    std::array<std::uint8_t, 16384> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    for (;;) {
        const std::size_t step = std::min<std::size_t>(compressed.size(), std::numeric_limits<uInt>::max());
        z.next_in = const_cast<Bytef*>(compressed.data());
        z.avail_in = static_cast<uInt>(step);
        z.next_out = room.data();
        z.avail_out = static_cast<uInt>(room.size());
        const int result = inflate(&z, Z_SYNC_FLUSH);
        const std::size_t made = room.size() - z.avail_out;
        compressed = compressed.subspan(step - z.avail_in);
        const std::size_t fits = limit - std::min(limit, out.size());
        out.append(reinterpret_cast<const char*>(room.data()), std::min(made, fits));
        if (made > fits) return Status::full;

        if (result == Z_STREAM_END) {
            if (++last_blocks_ > kMostLastBlocks || !go_on_after_last_block()) return Status::broken;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return Status::broken;
        }
        if (compressed.empty() && z.avail_out > 0) return Status::good;
        if (result == Z_BUF_ERROR && made == 0) return Status::broken;  // no progress is possible
    }
}

// A block may be marked as the last one (RFC 7692 section 7.2.3.4); the message and the window go on nevertheless.
bool Inflater::go_on_after_last_block() {
    std::array<Bytef, 32768> window;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    uInt size = 0;
    z_stream& z = stream_->z;
    return inflateGetDictionary(&z, window.data(), &size) == Z_OK && inflateReset(&z) == Z_OK &&
           (size == 0 || inflateSetDictionary(&z, window.data(), size) == Z_OK);
}

Inflater::Status Inflater::end_message(std::string& out, std::size_t limit) {
    const Status status = feed(kTail, out, limit);
    last_blocks_ = 0;
    if (status == Status::good && takeover_ == ContextTakeover::no) lose_context();
    return status;
}

void Inflater::lose_context() {
    last_blocks_ = 0;
    if (stream_ && stream_->ready) inflateReset(&stream_->z);
}

}  // namespace llmsnoop::http
