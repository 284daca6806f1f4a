#pragma once
// Writes a tape (tape_format.h): what a source delivers, for a later replay.
//
// Events are gathered into blocks; a block is written with one write(2) when it is full or when the caller flushes.
// What was written survives the death of the process; what was not is lost, so a caller that records live flushes every
// second or so. The file is readable by its owner only. Not thread-safe.
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/capture/tape_format.h"
#include "agent/model/capture_event.h"

struct ZSTD_CCtx_s;

namespace llmsnoop::capture {

struct TapeOptions {
    std::size_t block = 256U << 10;  // a block is written when it holds at least this much
    bool compress = true;

    // Overwrites in place what must not be kept of a chunk's payload, credentials for example. `chunk` tells where the
    // bytes belong; its own `bytes` are the original ones. Called for every chunk, in the order of `append`, empty ones
    // included.
    std::function<void(const model::Chunk& chunk, std::span<std::uint8_t> bytes)> mask;
};

class TapeWriter {
 public:
    // Replaces a file of that name, but not one of another user: its owner would read what is recorded.
    static base::Result<TapeWriter> create(const std::string& path, const TapeHeader& header, TapeOptions options = {});

    TapeWriter(TapeWriter&&) noexcept;
    TapeWriter& operator=(TapeWriter&&) = delete;
    ~TapeWriter();  // flushes; use `flush` to learn whether that succeeded

    // After an error the tape ends with the last block that was written whole; every further call returns the same
    // error.
    base::Result<void> append(const model::CaptureEvent& event);
    base::Result<void> flush();

    std::uint64_t bytes_written() const { return written_; }

 private:
    struct FreeContext {
        void operator()(ZSTD_CCtx_s* context) const;
    };

    TapeWriter(base::Fd fd, std::string path, TapeOptions options);
    void encode(const model::CaptureEvent& event, base::Time time, const model::Chunk* chunk);
    base::Result<void> write_all(base::Bytes bytes);

    base::Fd fd_;
    std::string path_;
    TapeOptions options_;
    std::unique_ptr<ZSTD_CCtx_s, FreeContext> compressor_;
    std::string records_;  // of the block being gathered
    base::Time base_time_;
    std::string block_;  // as it goes to the file
    std::uint64_t written_ = 0;
    std::optional<base::Error> failed_;
};

}  // namespace llmsnoop::capture
