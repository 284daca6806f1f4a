#include "agent/base/sha256.h"

#include <openssl/evp.h>

namespace llmsnoop::base {

struct Sha256::Context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(md); }
    Context() { EVP_DigestInit_ex(md, EVP_sha256(), nullptr); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(Bytes bytes) {
    EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
    size_ += bytes.size();
}

std::string Sha256::finish_hex() {
    std::array<std::uint8_t, 32> digest{};
    EVP_DigestFinal_ex(context_->md, digest.data(), nullptr);
    return to_hex(digest);
}

std::string sha256_hex(std::string_view text) {
    Sha256 hash;
    hash.update(text);
    return hash.finish_hex();
}

std::string to_hex(Bytes bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

}  // namespace llmsnoop::base
