#pragma once
// rustls in an executable without symbols (Codex, Deno), whatever does its cryptography: ring, AWS-LC, or another.
//
// rustls encrypts and decrypts by way of trait objects, whose tables of functions (vtables) lie in the program's data.
// That of an encrypter has five words: what drops it, its size, its alignment, encrypt(), and a function that says how
// long a record becomes, which only adds a constant that TLS prescribes. That of the decrypter, with four words, lies
// near. Rust promises neither order nor layout, so what is found has yet to prove itself with each call
// (bpf/tls_rustls.bpf.c); where the tables do not belong together in one way only, the answer is a refusal.
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/capture/live/stripped/budget.h"
#include "agent/capture/live/stripped/image.h"
#include "agent/capture/live/stripped/machine.h"

namespace llmsnoop::capture::live::stripped {

// The beginning of what rustls says of a message that it does not understand.
inline constexpr std::string_view kRustlsText = "received corrupt message";

// One of each for every kind of cipher that the program holds; in order, and none twice.
struct RustlsFunctions {
    std::vector<std::uint64_t> encrypt;
    std::vector<std::uint64_t> decrypt;
};

// The error says in words for the user why there is no answer.
base::Result<RustlsFunctions> find_rustls_functions(const Image& image, const Machine& machine, Budget& budget);

}  // namespace llmsnoop::capture::live::stripped
