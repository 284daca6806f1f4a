#pragma once
// The content codings of HTTP (RFC 9110, section 8.4.1) as test servers and clients use them: written with the
// libraries' encoders, and read independently of the agent's own decoders, so that one can check the other.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::support {

// `deflate_raw` is what some servers send under the name "deflate": without the zlib header that the RFC asks for.
enum class Coding : std::uint8_t { identity, gzip, deflate, deflate_raw, br, zstd };

// By the name used in `?encoding=`: identity, gzip, deflate, deflate-raw, br, zstd.
std::optional<Coding> coding_named(std::string_view name);

// The value of Content-Encoding; empty for identity.
std::string_view header_value(Coding coding);

enum class Flush : std::uint8_t { none, sync, finish };

// One body being compressed. After `add(..., Flush::sync, ...)` the receiver can decode everything added so far.
class Compressor {
 public:
    // nullptr for identity.
    static std::unique_ptr<Compressor> create(Coding coding);

    virtual ~Compressor() = default;
    virtual void add(std::string_view input, Flush flush, std::string& out) = 0;
};

struct Decompressed {
    std::string bytes;
    bool whole = false;  // the coding's own end mark was reached, and nothing was wrong before it
};

// Decodes as far as it goes, up to `limit` bytes of output.
Decompressed decompress(Coding coding, std::string_view input, std::size_t limit);

}  // namespace llmsnoop::support
