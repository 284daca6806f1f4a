#include "tests/support/net/message_deflate.h"

#include <zlib.h>

namespace llmsnoop::support {
namespace {

constexpr int kRawWindow = -15;  // no zlib header, 32 KB
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
constexpr std::size_t kBlock = 16384;

void give(z_stream& stream, std::string_view input) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
}

}  // namespace

struct MessageDeflater::State {
    z_stream stream{};
};
struct MessageInflater::State {
    z_stream stream{};
};

std::optional<Deflate> deflate_named(std::string_view name) {
    if (name == "none") return Deflate::none;
    if (name == "takeover") return Deflate::takeover;
    if (name == "no-takeover") return Deflate::no_takeover;
    return std::nullopt;
}

MessageDeflater::MessageDeflater(Deflate mode) : mode_(mode), state_(std::make_unique<State>()) {
    deflateInit2(&state_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindow, 8, Z_DEFAULT_STRATEGY);
}

MessageDeflater::~MessageDeflater() {
    deflateEnd(&state_->stream);
}

std::string MessageDeflater::deflate(std::string_view message) {
    z_stream& stream = state_->stream;
    if (mode_ == Deflate::no_takeover) deflateReset(&stream);
    give(stream, message);
    std::string out;
    do {
        const std::size_t filled = out.size();
        out.resize(filled + kBlock);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
        stream.avail_out = kBlock;
        ::deflate(&stream, Z_SYNC_FLUSH);
        out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    if (std::string_view(out).ends_with(kTail)) out.resize(out.size() - kTail.size());
    return out;
}

MessageInflater::MessageInflater(Deflate mode) : mode_(mode), state_(std::make_unique<State>()) {
    inflateInit2(&state_->stream, kRawWindow);
}

MessageInflater::~MessageInflater() {
    inflateEnd(&state_->stream);
}

std::optional<std::string> MessageInflater::inflate(std::string payload) {
    z_stream& stream = state_->stream;
    if (mode_ == Deflate::no_takeover) inflateReset(&stream);
    payload += kTail;
    give(stream, payload);
    std::string out;
    do {
        const std::size_t filled = out.size();
        out.resize(filled + kBlock);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
        stream.avail_out = kBlock;
        const int status = ::inflate(&stream, Z_SYNC_FLUSH);
        if (status != Z_OK && status != Z_BUF_ERROR) return std::nullopt;
        out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return out;
}

}  // namespace llmsnoop::support
