#pragma once
// Recording proxies and some servers leave Content-Encoding on a body that is no longer, or never was, encoded. The
// first bytes tell: they are not the coding's magic, and they are text.
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

enum class Coding : std::uint8_t { gzip, deflate, brotli, zstd };

class TextProbe {
 public:
    enum class Verdict : std::uint8_t { undecided, coded, text };

    static constexpr std::size_t kBytes = 16;

    explicit TextProbe(Coding coding) : coding_(coding) {}

    // Looks at the next bytes of the body. While the verdict is undecided, all bytes so far are kept.
    Verdict look(base::Bytes bytes);
    Verdict at_end() const;
    base::Bytes kept() const { return base::Bytes(kept_).first(size_); }

 private:
    enum class Magic : std::uint8_t { no, perhaps, yes };
    Magic magic() const;

    Coding coding_;
    std::array<std::uint8_t, kBytes> kept_{};
    std::size_t size_ = 0;
};

}  // namespace llmsnoop::framing
