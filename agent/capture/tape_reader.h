#pragma once
// Reads a tape (tape_format.h). Sans-IO: the file comes in pieces cut anywhere. Nothing in it is trusted; what is
// damaged is skipped to the next block that is not, and each damage is counted once as tape_damaged. Not thread-safe.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/capture/packet_cutter.h"
#include "agent/capture/source.h"
#include "agent/capture/tape_format.h"

struct ZSTD_DCtx_s;

namespace llmsnoop::capture {

class TapeReader {
 public:
    explicit TapeReader(model::LossCounters& losses);
    TapeReader(TapeReader&&) noexcept;
    ~TapeReader();

    static bool recognises(base::Bytes magic);

    // An error: the tape is of another version, or no tape. Then nothing more must be fed.
    base::Result<void> feed(base::Bytes piece, EventOut out);

    // The file ends here. A block that is not whole was being written when its writer died.
    void finish();

    // Known as soon as the first bytes were fed.
    const std::optional<TapeHeader>& header() const { return header_; }

 private:
    enum class Step : std::uint8_t { file_head, header, block_head, block_body, skipping, searching };

    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
    };

    base::Result<bool> step(EventOut out);  // false: more input is needed
    base::Result<void> begin(base::Bytes head);
    void read_header(base::Bytes header);
    void begin_block(base::Bytes head);
    bool search();
    void body(base::Bytes stored, EventOut out);
    void records(base::Bytes plain, EventOut out);
    void count_loss_in(const model::CaptureEvent& event);
    void lose_place();
    void damaged();

    model::LossCounters& losses_;
    Cutter cutter_;
    Step step_ = Step::file_head;
    std::uint64_t size_ = 0;  // of what comes next, where it varies
    std::optional<TapeHeader> header_;
    std::array<std::uint8_t, TapeFormat::kBlockHead> head_{};
    std::vector<std::uint8_t> plain_;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> decompressor_;
};

}  // namespace llmsnoop::capture
