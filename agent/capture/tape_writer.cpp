#include "agent/capture/tape_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/endian.h"
#include "agent/capture/tape_codec.h"

namespace llmsnoop::capture {

namespace {

// The fastest level: recording must not slow down what is recorded.
constexpr int kLevel = 1;

template <typename Number>
void put(std::string& out, Number value) {
    std::array<std::uint8_t, sizeof(Number)> bytes{};
    base::store_le(bytes.data(), value);
    out.append(base::as_text(bytes));
}

void put_text(std::string& out, std::string_view text) {
    text = text.substr(0, TapeFormat::kHeader / 4);
    put(out, static_cast<std::uint16_t>(text.size()));
    out.append(text);
}

std::string file_head(const TapeHeader& header) {
    std::string content;
    put(content, static_cast<std::uint64_t>(base::unix_ns(header.created)));
    put_text(content, header.node);
    put_text(content, header.agent_version);

    std::string out(base::as_text(TapeFormat::kMagic));
    put(out, TapeFormat::kVersion);
    put(out, std::uint16_t{0});
    put(out, static_cast<std::uint32_t>(content.size()));
    out.append(content);
    put(out, tape_crc(base::as_bytes(content)));
    return out;
}

base::Time time_of(const model::CaptureEvent& event) {
    return std::visit(
        [](const auto& one) {
            if constexpr (requires { one.time; }) {
                return one.time;
            } else {
                return base::Time{};
            }
        },
        event);
}

}  // namespace

std::uint32_t tape_crc(base::Bytes bytes) {
    return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

void TapeWriter::FreeContext::operator()(ZSTD_CCtx_s* context) const {
    ZSTD_freeCCtx(context);
}

TapeWriter::TapeWriter(base::Fd fd, std::string path, TapeOptions options)
    : fd_(std::move(fd)), path_(std::move(path)), options_(std::move(options)) {
    options_.block = std::min<std::size_t>(options_.block, TapeFormat::kBlock / 2);
    if (options_.compress) compressor_.reset(ZSTD_createCCtx());
}

TapeWriter::TapeWriter(TapeWriter&&) noexcept = default;

TapeWriter::~TapeWriter() {
    // The error has been offered by `flush`; a destructor has nobody to tell.
    if (fd_) [[maybe_unused]]
        const auto result = flush();
}

base::Result<TapeWriter> TapeWriter::create(const std::string& path, const TapeHeader& header, TapeOptions options) {
    base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return base::system_error(path);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return base::system_error(path);
    if (S_ISREG(status.st_mode)) {
        if (status.st_uid != ::geteuid()) return base::error(path + ": belongs to another user; a tape must not");
        if (::fchmod(fd.get(), 0600) != 0 || ::ftruncate(fd.get(), 0) != 0) return base::system_error(path);
    }
    TapeWriter writer(std::move(fd), path, std::move(options));
    if (auto result = writer.write_all(base::as_bytes(file_head(header))); !result) return result.error();
    return writer;
}

base::Result<void> TapeWriter::append(const model::CaptureEvent& event) {
    if (failed_) return *failed_;
    const auto* chunk = std::get_if<model::Chunk>(&event);
    const base::Time time = time_of(event);
    if (chunk == nullptr || chunk->bytes.size() <= TapeFormat::kChunk) {
        encode(event, time, chunk);
    } else {
        model::Chunk part = *chunk;
        base::Bytes rest = chunk->bytes;
        for (; rest.size() > TapeFormat::kChunk; rest = rest.subspan(TapeFormat::kChunk)) {
            part.bytes = rest.first(TapeFormat::kChunk);
            part.length = part.bytes.size();
            encode(part, time, &part);
            part.offset += part.length;
            if (auto result = flush(); !result) return result;
        }
        part.bytes = rest;
        part.length = chunk->length - (part.offset - chunk->offset);
        encode(part, time, &part);
    }
    return records_.size() >= options_.block ? flush() : base::Result<void>();
}

void TapeWriter::encode(const model::CaptureEvent& event, base::Time time, const model::Chunk* chunk) {
    if (records_.empty()) base_time_ = time;
    const TapePayload payload = encode_tape_record(event, base_time_, records_);
    if (chunk == nullptr || !options_.mask) return;
    auto* bytes = reinterpret_cast<std::uint8_t*>(records_.data() + payload.at);
    options_.mask(*chunk, std::span(bytes, payload.size));
}

base::Result<void> TapeWriter::flush() {
    if (failed_) return *failed_;
    if (records_.empty()) return {};
    const std::size_t plain = records_.size();
    block_.assign(TapeFormat::kBlockHead, '\0');
    std::uint32_t flags = 0;
    if (compressor_) {
        block_.resize(TapeFormat::kBlockHead + ZSTD_compressBound(plain));
        const std::size_t size =
            ZSTD_compressCCtx(compressor_.get(), block_.data() + TapeFormat::kBlockHead,
                              block_.size() - TapeFormat::kBlockHead, records_.data(), plain, kLevel);
        const bool smaller = ZSTD_isError(size) == 0 && size < plain;
        if (smaller) flags = TapeFormat::kCompressed;
        block_.resize(TapeFormat::kBlockHead + (smaller ? size : 0));
    }
    if (flags == 0) block_.append(records_);

    const std::size_t stored = block_.size() - TapeFormat::kBlockHead;
    auto* head = reinterpret_cast<std::uint8_t*>(block_.data());
    std::copy(TapeFormat::kBlockMagic.begin(), TapeFormat::kBlockMagic.end(), head);
    base::store_le(head + 8, flags);
    base::store_le(head + 12, static_cast<std::uint32_t>(stored));
    base::store_le(head + 16, static_cast<std::uint32_t>(plain));
    base::store_le(head + 20, static_cast<std::uint64_t>(base::unix_ns(base_time_)));
    base::store_le(head + 28, tape_crc({head + TapeFormat::kBlockHead, stored}));
    base::store_le(head + 32, tape_crc({head, 32}));
    records_.clear();
    return write_all({head, block_.size()});
}

base::Result<void> TapeWriter::write_all(base::Bytes bytes) {
    for (base::Bytes rest = bytes; !rest.empty();) {
        const ssize_t count = ::write(fd_.get(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            failed_ = base::system_error(path_);
            // A full disk: what was written of the block goes, so that the tape ends cleanly. No harm if that fails as
            // well.
            [[maybe_unused]] const int ignored = ::ftruncate(fd_.get(), static_cast<off_t>(written_));
            return *failed_;
        }
        rest = rest.subspan(static_cast<std::size_t>(count));
    }
    written_ += bytes.size();
    return {};
}

}  // namespace llmsnoop::capture
