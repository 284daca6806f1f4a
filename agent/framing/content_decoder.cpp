#include "agent/framing/content_decoder.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "agent/framing/brotli_codec.h"
#include "agent/framing/content_coding_list.h"
#include "agent/framing/inflate_codec.h"
#include "agent/framing/text_probe.h"
#include "agent/framing/zstd_codec.h"

namespace llmsnoop::framing {

namespace {

constexpr std::size_t kOutBytes = 32U << 10;

// One coding to be undone.
struct Stage {
    enum class State : std::uint8_t { probing, decoding, text, done };

    explicit Stage(Coding which) : coding(which), probe(which) {}

    // Windows and tables are made only for a body that has bytes and is encoded indeed.
    void begin_decoding() {
        state = State::decoding;
        out = std::make_unique<std::array<std::uint8_t, kOutBytes>>();
        switch (coding) {
            case Coding::gzip:
                codec.emplace<GzipCodec>();
                break;
            case Coding::deflate:
                codec.emplace<DeflateCodec>();
                break;
            case Coding::brotli:
                codec.emplace<BrotliCodec>();
                break;
            case Coding::zstd:
                codec.emplace<ZstdCodec>();
                break;
        }
    }
    CodecStep step(base::Bytes in) {
        return std::visit(
            [&](auto& one) -> CodecStep {
                if constexpr (requires { one.step(in, CodecOut(*out)); }) return one.step(in, CodecOut(*out));
                return {.state = CodecStep::State::broken};
            },
            codec);
    }
    bool may_end() const {
        return std::visit(
            [](const auto& one) {
                if constexpr (requires { one.may_end(); }) return one.may_end();
                return true;
            },
            codec);
    }
    std::size_t held_bytes() const {
        const std::size_t windows = std::visit(
            [](const auto& one) -> std::size_t {
                if constexpr (requires { one.held_bytes(); }) return one.held_bytes();
                return 0;
            },
            codec);
        return windows + (out ? kOutBytes : 0);
    }

    Coding coding;
    TextProbe probe;
    State state = State::probing;
    std::variant<std::monostate, GzipCodec, DeflateCodec, BrotliCodec, ZstdCodec> codec;
    std::unique_ptr<std::array<std::uint8_t, kOutBytes>> out;
    std::uint64_t produced = 0;
};

}  // namespace

class ContentDecoder::Impl {
 public:
    Impl(std::string_view codings, const DecoderLimits& limits) : limits_(limits) {
        const ContentCodingList list = read_content_codings(codings, limits.codings);
        failed_ = list.refused;
        if (failed_) return;
        for (const Coding coding : list.undo)
            stages_.push_back(std::make_unique<Stage>(coding));
    }

    void feed(base::Bytes bytes, BytesOut out) {
        if (!bytes.empty() && !gap_) push(0, bytes, out);
    }

    void end(bool whole, BytesOut out) {
        for (std::size_t at = 0; at < stages_.size() && !failed_ && !gap_; ++at) {
            Stage& stage = *stages_[at];
            if (stage.state == Stage::State::probing) settle(at, stage.probe.at_end(), stage.probe.kept(), out);
            if (whole && stage.state == Stage::State::decoding && !stage.may_end())
                failed_ = model::Loss::content_coding_broken;
        }
    }

    void gap() {
        for (const auto& stage : stages_) {
            if (stage->state != Stage::State::text) gap_ = true;
        }
    }

    void give_up() {
        gap_ = true;
        stages_.clear();
    }

    std::size_t held_bytes() const {
        std::size_t held = 0;
        for (const auto& stage : stages_)
            held += stage->held_bytes();
        return held;
    }

    std::optional<model::Loss> failed() const { return failed_; }

 private:
    // Passes `bytes` through the stages from number `at` on; behind the last they are output.
    void push(std::size_t at, base::Bytes bytes, BytesOut out) {
        if (failed_) return;
        if (at == stages_.size()) return out(bytes);
        Stage& stage = *stages_[at];
        switch (stage.state) {
            case Stage::State::probing: {
                const std::size_t before = stage.probe.kept().size();
                const TextProbe::Verdict verdict = stage.probe.look(bytes);
                settle(at, verdict, stage.probe.kept().first(before), out);
                if (verdict != TextProbe::Verdict::undecided) push(at, bytes, out);
                break;
            }
            case Stage::State::decoding:
                decode(at, bytes, out);
                break;
            case Stage::State::text:
                push(at + 1, bytes, out);
                break;
            case Stage::State::done:
                break;
        }
    }

    void settle(std::size_t at, TextProbe::Verdict verdict, base::Bytes kept, BytesOut out) {
        if (verdict == TextProbe::Verdict::undecided) return;
        Stage& stage = *stages_[at];
        if (verdict == TextProbe::Verdict::coded) {
            stage.begin_decoding();
        } else {
            stage.state = Stage::State::text;
        }
        if (!kept.empty()) push(at, kept, out);
    }

    void decode(std::size_t at, base::Bytes in, BytesOut out) {
        Stage& stage = *stages_[at];
        while (stage.state == Stage::State::decoding && !failed_) {
            const CodecStep step = stage.step(in);
            in = in.subspan(step.consumed);
            if (at == 0) consumed_ += step.consumed;
            if (step.produced > 0) emit(at, base::Bytes(*stage.out).first(step.produced), out);
            if (failed_) return;
            switch (step.state) {
                case CodecStep::State::more:
                    break;
                case CodecStep::State::done:
                    stage.state = Stage::State::done;
                    return;
                case CodecStep::State::broken:
                    failed_ = model::Loss::content_coding_broken;
                    return;
                case CodecStep::State::too_large:
                    failed_ = model::Loss::content_coding_limit;
                    return;
            }
            const bool is_full = step.produced == kOutBytes;
            if (in.empty() && !is_full) return;
            if (step.consumed == 0 && step.produced == 0) failed_ = model::Loss::content_coding_broken;
        }
    }

    std::uint64_t room_after(std::uint64_t produced) const {
        if (limits_.ordinary_ratio > 0 && produced / limits_.ordinary_ratio < consumed_)
            return std::numeric_limits<std::uint64_t>::max();
        return limits_.output_bytes - std::min(limits_.output_bytes, produced);
    }

    // The limits hold for the output of every stage, so that a bomb within a bomb goes off early.
    void emit(std::size_t at, base::Bytes bytes, BytesOut out) {
        Stage& stage = *stages_[at];
        const std::uint64_t room = room_after(stage.produced);
        const bool is_too_long = bytes.size() > room;
        if (is_too_long) bytes = bytes.first(room);
        stage.produced += bytes.size();
        const bool is_bomb = stage.produced > limits_.ratio_floor && stage.produced / limits_.ratio > consumed_;
        if (!bytes.empty() && !is_bomb) push(at + 1, bytes, out);
        if (is_too_long || is_bomb) failed_ = model::Loss::content_coding_limit;
    }

    DecoderLimits limits_;
    std::vector<std::unique_ptr<Stage>> stages_;
    std::uint64_t consumed_ = 0;  // of the body
    bool gap_ = false;            // and nothing behind it can be decoded
    std::optional<model::Loss> failed_;
};

ContentDecoder::ContentDecoder(std::string_view codings, const DecoderLimits& limits)
    : impl_(std::make_unique<Impl>(codings, limits)) {}
ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

void ContentDecoder::feed(base::Bytes bytes, BytesOut out) {
    impl_->feed(bytes, out);
}
void ContentDecoder::end(bool whole, BytesOut out) {
    impl_->end(whole, out);
}
void ContentDecoder::gap() {
    impl_->gap();
}
void ContentDecoder::give_up() {
    impl_->give_up();
}
std::size_t ContentDecoder::held_bytes() const {
    return impl_->held_bytes();
}
std::optional<model::Loss> ContentDecoder::failed() const {
    return impl_->failed();
}

}  // namespace llmsnoop::framing
