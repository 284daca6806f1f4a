#pragma once
// BoringSSL's SSL_read and SSL_write in an executable without symbols (Bun, Claude Code, opencode).
//
// Each error goes with its reason, the file's name and the line to one function. SSL_write is the one function of
// ssl_lib.cc with all of three reasons; the read that SSL_read makes has two of them; SSL_read has a third, calls that
// read, and changes the TLS object. Where this does not point to exactly one function each, the answer is a refusal.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/capture/live/stripped/anchors.h"

namespace llmsnoop::capture::live::stripped {

inline constexpr std::string_view kBoringsslAnchor = "ssl/ssl_lib.cc";

struct BoringsslFunctions {
    std::uint64_t read = 0;
    std::uint64_t write = 0;
    std::optional<std::uint64_t> create;  // SSL_new, which is not always to be found
};

// The error says in words for the user why there is no answer.
base::Result<BoringsslFunctions> find_boringssl_functions(const Image& image, const Machine& machine,
                                                          const std::vector<std::uint64_t>& anchors, Budget& budget);

}  // namespace llmsnoop::capture::live::stripped
