#pragma once
// OpenSSL linked into an executable without symbols.
//
// Each error of OpenSSL 3 is told with the file's name, the line and the name of the function in which it happened;
// OpenSSL 1.1 tells a number for the function. So the functions name themselves. Those that read and write are taken
// only if each name stands for one function, and the exported ones are seen to call the internal ones with the
// address of a local variable for the number of bytes.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/capture/live/stripped/anchors.h"

namespace llmsnoop::capture::live::stripped {

inline constexpr std::string_view kOpensslAnchor = "ssl/ssl_lib.c";

struct OpensslFunctions {
    std::uint64_t read_internal = 0;         // (ssl, buffer, size, *done)
    std::uint64_t write_internal = 0;        // the same, or
    bool write_has_flags = false;            // (ssl, buffer, size, flags, *done), from OpenSSL 3.2 on
    std::optional<std::uint64_t> create;     // SSL_new
    std::optional<std::uint64_t> handshake;  // SSL_do_handshake
};

// The error says in words for the user why there is no answer.
base::Result<OpensslFunctions> find_openssl_functions(const Image& image, const Machine& machine,
                                                      const std::vector<std::uint64_t>& anchors, Budget& budget);

}  // namespace llmsnoop::capture::live::stripped
