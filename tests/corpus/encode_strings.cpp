// Encodes strings for a script that compares the result with a reference tokenizer (tokenizer_reference.mjs).
//
//   encode_strings ENCODING              strings in, tokens out
//   encode_strings ENCODING --speed N    counts one string N times and prints the best rate in MB/s
//
// In: each string as its size in 32 bits, little endian, and its bytes. Out: the number of tokens, then the tokens, 32
// bits each; at the end of the input one last word, the result of counting all strings without encoding them.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tokens/tokenizer.h"

namespace {

using namespace llmsnoop::tokens;

bool read_string(std::string& text) {
    std::uint32_t size = 0;
    if (std::fread(&size, sizeof size, 1, stdin) != 1) return false;
    text.resize(size);
    return std::fread(text.data(), 1, size, stdin) == size;
}

void write_words(const std::vector<std::uint32_t>& words) {
    std::fwrite(words.data(), sizeof(std::uint32_t), words.size(), stdout);
}

void encode_all(Encoding encoding) {
    std::uint32_t counted = 0;
    for (std::string text; read_string(text);) {
        std::vector<std::uint32_t> tokens = encode(encoding, text);
        counted += static_cast<std::uint32_t>(count_tokens(encoding, text));
        tokens.insert(tokens.begin(), static_cast<std::uint32_t>(tokens.size()));
        write_words(tokens);
    }
    write_words({counted});
}

void measure(Encoding encoding, int rounds) {
    std::string text;
    if (!read_string(text)) return;
    std::size_t tokens = count_tokens(encoding, text);
    double best = 1e9;
    for (int i = 0; i < rounds; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        tokens = count_tokens(encoding, text);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count());
    }
    std::printf("%zu %.1f\n", tokens, static_cast<double>(text.size()) / best / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const Encoding encoding = std::string_view(argv[1]) == "cl100k_base" ? Encoding::cl100k_base : Encoding::o200k_base;
    if (argc == 4 && std::strcmp(argv[2], "--speed") == 0) {
        measure(encoding, static_cast<int>(std::strtol(argv[3], nullptr, 10)));
    } else {
        encode_all(encoding);
    }
    return 0;
}
