#include "agent/capture/tape_reader.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "agent/base/endian.h"
#include "agent/capture/tape_codec.h"
#include "agent/capture/tape_fields.h"

namespace llmsnoop::capture {

namespace {

using base::load_le;
using model::Loss;

bool is_block_head(base::Bytes head) {
    return std::equal(TapeFormat::kBlockMagic.begin(), TapeFormat::kBlockMagic.end(), head.begin()) &&
           load_le<std::uint32_t>(head.data() + 32) == tape_crc(head.first(32));
}

}  // namespace

TapeReader::TapeReader(model::LossCounters& losses) : losses_(losses) {}
TapeReader::TapeReader(TapeReader&&) noexcept = default;
TapeReader::~TapeReader() = default;

void TapeReader::FreeContext::operator()(ZSTD_DCtx_s* context) const {
    ZSTD_freeDCtx(context);
}

bool TapeReader::recognises(base::Bytes magic) {
    // The first four bytes are enough to tell; the rest is looked at when it is there.
    const std::size_t size = std::min(magic.size(), TapeFormat::kMagic.size());
    return size >= 4 &&
           std::equal(magic.begin(), magic.begin() + static_cast<std::ptrdiff_t>(size), TapeFormat::kMagic.begin());
}

base::Result<void> TapeReader::feed(base::Bytes piece, EventOut out) {
    cutter_.supply(piece);
    for (;;) {
        auto more = step(out);
        if (!more) return more.error();
        if (!*more) return {};
    }
}

void TapeReader::finish() {
    // While searching, the damage has been counted already.
    if (step_ == Step::searching || (step_ == Step::block_head && cutter_.kept() == 0)) return;
    losses_.add(Loss::tape_damaged);
}

base::Result<bool> TapeReader::step(EventOut out) {
    switch (step_) {
        case Step::file_head: {
            const auto head = cutter_.take(TapeFormat::kFileHead);
            if (!head) return false;
            if (auto result = begin(*head); !result) return result.error();
            return true;
        }
        case Step::header: {
            const auto header = cutter_.take(static_cast<std::size_t>(size_));
            if (!header) return false;
            read_header(*header);
            return true;
        }
        case Step::block_head: {
            const auto head = cutter_.take(TapeFormat::kBlockHead);
            if (!head) return false;
            begin_block(*head);
            return true;
        }
        case Step::block_body: {
            const auto stored = cutter_.take(static_cast<std::size_t>(size_));
            if (!stored) return false;
            step_ = Step::block_head;
            body(*stored, out);
            return true;
        }
        case Step::skipping:
            if (!cutter_.skip(&size_)) return false;
            step_ = Step::block_head;
            return true;
        case Step::searching:
            return search();
    }
    return false;
}

base::Result<void> TapeReader::begin(base::Bytes head) {
    if (!std::equal(TapeFormat::kMagic.begin(), TapeFormat::kMagic.end(), head.begin())) {
        return base::error("not a tape, or one that was damaged by conversion of its line ends");
    }
    const auto version = load_le<std::uint16_t>(head.data() + 8);
    const auto size = load_le<std::uint32_t>(head.data() + 12);
    if (version != TapeFormat::kVersion) {
        losses_.add(Loss::record_version);
        return base::error("a tape of version " + std::to_string(version) + "; this agent reads version " +
                               std::to_string(TapeFormat::kVersion),
                           base::Error::Kind::unsupported);
    }
    size_ = std::uint64_t{size} + 4;
    step_ = Step::header;
    if (size > TapeFormat::kHeader) lose_place();
    return {};
}

void TapeReader::read_header(base::Bytes header) {
    step_ = Step::block_head;
    const base::Bytes content = header.first(header.size() - 4);
    if (load_le<std::uint32_t>(header.data() + content.size()) != tape_crc(content)) return lose_place();
    TapeFieldReader in(content);
    TapeHeader out;
    const base::Bytes created = in.take(8);
    if (in.ok())
        out.created = base::time_from_unix_ns(static_cast<std::int64_t>(load_le<std::uint64_t>(created.data())));
    for (std::string* text : {&out.node, &out.agent_version}) {
        const base::Bytes size = in.take(2);
        if (in.ok()) *text = base::as_text(in.take(load_le<std::uint16_t>(size.data())));
    }
    if (!in.ok()) return damaged();
    header_ = std::move(out);
}

void TapeReader::begin_block(base::Bytes head) {
    std::copy(head.begin(), head.end(), head_.begin());
    if (!is_block_head(head)) return lose_place();
    const auto stored = load_le<std::uint32_t>(head.data() + 12);
    size_ = stored;
    step_ = Step::block_body;
    if (stored > TapeFormat::kBlock || load_le<std::uint32_t>(head.data() + 16) > TapeFormat::kBlock) {
        damaged();
        step_ = Step::skipping;
    }
}

// Byte by byte, which is as fast as damage is rare.
bool TapeReader::search() {
    for (;;) {
        const auto next = cutter_.take(1);
        if (!next) return false;
        std::copy(head_.begin() + 1, head_.end(), head_.begin());
        head_.back() = (*next)[0];
        if (head_[0] != TapeFormat::kBlockMagic[0] || !is_block_head(head_)) continue;
        begin_block(head_);
        return true;
    }
}

void TapeReader::body(base::Bytes stored, EventOut out) {
    if (load_le<std::uint32_t>(head_.data() + 28) != tape_crc(stored)) return damaged();
    const auto size = load_le<std::uint32_t>(head_.data() + 16);
    if ((load_le<std::uint32_t>(head_.data() + 8) & TapeFormat::kCompressed) == 0) return records(stored, out);

    if (!decompressor_) decompressor_.reset(ZSTD_createDCtx());
    if (!decompressor_) return damaged();
    plain_.resize(size);
    const std::size_t got =
        ZSTD_decompressDCtx(decompressor_.get(), plain_.data(), plain_.size(), stored.data(), stored.size());
    if (ZSTD_isError(got) != 0 || got != size) return damaged();
    records(plain_, out);
}

void TapeReader::records(base::Bytes plain, EventOut out) {
    const base::Time base_time =
        base::time_from_unix_ns(static_cast<std::int64_t>(load_le<std::uint64_t>(head_.data() + 20)));
    model::CaptureEvent event;
    while (!plain.empty()) {
        if (plain.size() < kTapeRecordSize) return damaged();
        const auto size = load_le<std::uint32_t>(plain.data());
        plain = plain.subspan(kTapeRecordSize);
        if (size > plain.size()) return damaged();
        switch (decode_tape_record(plain.first(size), base_time, event)) {
            case TapeRecord::event:
                count_loss_in(event);
                out(event);
                break;
            case TapeRecord::unknown_kind:
                losses_.add(Loss::record_kind);
                break;
            case TapeRecord::broken:
                damaged();
                break;
        }
        plain = plain.subspan(size);
    }
}

// What the recording source has lost of a chunk, this source loses once more: a replay shows the losses of the
// recording.
void TapeReader::count_loss_in(const model::CaptureEvent& event) {
    const auto* chunk = std::get_if<model::Chunk>(&event);
    if (chunk == nullptr || chunk->length == chunk->bytes.size() || chunk->missing == Loss::stream_gap) return;
    losses_.add(chunk->missing);
}

void TapeReader::lose_place() {
    damaged();
    step_ = Step::searching;
}

void TapeReader::damaged() {
    losses_.add(Loss::tape_damaged);
}

}  // namespace llmsnoop::capture
