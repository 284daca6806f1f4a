// Arbitrary bytes as the first that a TLS client sends.
//   - a name consists of what host names consist of, and is not longer than they may be;
//   - what is known of the beginning stays true of the whole.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/capture/client_hello.h"

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

std::optional<std::string> name_in(const std::uint8_t* data, std::size_t size) {
    // A copy of its own size, so that the sanitizer sees every step beyond it.
    const std::vector<std::uint8_t> bytes(data, data + size);
    return llmsnoop::capture::server_name_of(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMost = 4096;
    if (size > kMost) return 0;
    const auto whole = name_in(data, size);
    if (whole) {
        require(whole->size() <= 253, "a name is not too long");
        require(whole->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos,
                "a name is the name of a host");
    }
    for (std::size_t cut = 0; cut < size; cut = cut < 64 ? cut + 1 : cut + 13) {
        const auto part = name_in(data, cut);
        require(!part || part == whole, "what is known of the beginning stays true");
    }
    return 0;
}
