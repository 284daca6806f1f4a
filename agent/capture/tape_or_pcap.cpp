#include "agent/capture/tape_or_pcap.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/log.h"
#include "agent/capture/packet_input.h"
#include "agent/capture/pcap_decoder.h"
#include "agent/capture/tape_reader.h"

namespace llmsnoop::capture {

namespace {

using model::Loss;

static_assert(PcapLimits::kMagic == Unpacker::kMagic, "the input delivers so many bytes at once, if the file has them");

class FileSource final : public Source {
 public:
    FileSource(std::string name, Input input, model::LossCounters& losses, const TcpLimits& limits)
        : name_(std::move(name)), input_(std::move(input)), losses_(losses), limits_(limits) {}

    // Reads the beginning of a regular file, so that a file which is no recording is refused before anything starts.
    base::Result<void> look() {
        while (std::holds_alternative<std::monostate>(decoder_) && !finished_) {
            auto piece = next(base::Duration::zero());
            if (!piece) return piece.error();
            if (piece->state != Input::State::data) continue;
            waiting_ = piece->bytes;
        }
        return {};
    }

    base::Result<Status> poll(unsigned /*shard*/, base::Duration wait, EventOut out) override {
        if (finished_) return Status::finished;
        Input::Piece piece{Input::State::data, std::exchange(waiting_, {})};
        if (piece.bytes.empty()) {
            auto read = next(wait);
            if (!read) return read.error();
            piece = *read;
        }
        switch (piece.state) {
            case Input::State::nothing:
                return Status::idle;
            case Input::State::data:
                if (auto result = feed(piece.bytes, out); !result) {
                    finished_ = true;
                    return base::error(name_ + ": " + result.error().message, result.error().kind);
                }
                return Status::busy;
            case Input::State::cut_short:
                base::log::warn("{}: the compressed data ends early or is damaged", name_);
                losses_.add(std::holds_alternative<TapeReader>(decoder_) ? Loss::tape_damaged : Loss::packet_truncated);
                [[fallthrough]];
            case Input::State::end:
                finish(out);
                return Status::finished;
        }
        return Status::finished;
    }

 private:
    // The next piece of the file. The first one decides what the file is.
    base::Result<Input::Piece> next(base::Duration wait) {
        auto piece = input_.read(wait);
        if (!piece) {
            finished_ = true;
            return piece;
        }
        if (!std::holds_alternative<std::monostate>(decoder_) || piece->state == Input::State::nothing) return piece;
        head_.insert(head_.end(), piece->bytes.begin(), piece->bytes.end());
        if (piece->state == Input::State::data && head_.size() < PcapLimits::kMagic) return Input::Piece{};
        if (PcapReader::recognises(head_)) {
            decoder_.emplace<PcapDecoder>(head_, losses_, limits_);
        } else if (TapeReader::recognises(head_)) {
            decoder_.emplace<TapeReader>(losses_);
        } else {
            finished_ = true;
            const bool empty = head_.empty() && piece->state == Input::State::end;
            return base::error(name_ +
                               (empty ? ": is empty" : ": is no recording: neither pcap, nor pcapng, nor a tape"));
        }
        return Input::Piece{Input::State::data, head_};
    }

    base::Result<void> feed(base::Bytes bytes, EventOut out) {
        if (auto* tape = std::get_if<TapeReader>(&decoder_)) return tape->feed(bytes, out);
        std::get<PcapDecoder>(decoder_).feed(bytes, out);
        return {};
    }

    void finish(EventOut out) {
        finished_ = true;
        if (auto* tape = std::get_if<TapeReader>(&decoder_)) return tape->finish();
        auto& pcap = std::get<PcapDecoder>(decoder_);
        if (pcap.broken()) base::log::warn("{}: is damaged; what follows the damage was not read", name_);
        pcap.finish(out);
    }

    std::string name_;
    Input input_;
    model::LossCounters& losses_;
    TcpLimits limits_;
    std::vector<std::uint8_t> head_;  // the first piece, or what there is of it
    base::Bytes waiting_;             // read by `look`, not yet fed
    std::variant<std::monostate, PcapDecoder, TapeReader> decoder_;
    bool finished_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Source>> open_capture_file(const std::string& path, model::LossCounters& losses,
                                                        const TcpLimits& limits) {
    auto input = Input::open(path);
    if (!input) return input.error();
    const bool regular = input->regular();
    auto source =
        std::make_unique<FileSource>(path == "-" ? "standard input" : path, std::move(*input), losses, limits);
    if (regular) {
        if (auto result = source->look(); !result) return result.error();
    }
    return std::unique_ptr<Source>(std::move(source));
}

std::optional<TapeHeader> tape_header_of(const std::string& path) {
    if (path == "-") return std::nullopt;
    auto input = Input::open(path);
    if (!input || !input->regular()) return std::nullopt;
    std::vector<std::uint8_t> head;
    while (head.size() < TapeFormat::kFileHead + TapeFormat::kHeader + 4) {
        const auto piece = input->read(base::Duration::zero());
        if (!piece || piece->state == Input::State::end || piece->state == Input::State::cut_short) break;
        head.insert(head.end(), piece->bytes.begin(), piece->bytes.end());
    }
    if (!TapeReader::recognises(head)) return std::nullopt;
    model::LossCounters losses;
    TapeReader reader(losses);
    head.resize(std::min(head.size(), TapeFormat::kFileHead + TapeFormat::kHeader + 4));
    const auto fed = reader.feed(head, [](const model::CaptureEvent&) {});
    return fed ? reader.header() : std::nullopt;
}

}  // namespace llmsnoop::capture
