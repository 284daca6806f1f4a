#include "agent/capture/live/unseen.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "agent/capture/live/procfs.h"

namespace llmsnoop::capture::live {

namespace {

using model::BlindCause;
using model::BlindReason;

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// Those that a finder knows, by the beginning of their name.
bool is_traced_library(std::string_view path) {
    return base_name(path).starts_with("libssl.so") || base_name(path).starts_with("libgnutls.so");
}

// What one file tells. Its reason is the worse the more it explains: a library that is not traced says more about a
// connection that is not seen than one beside it that is.
std::optional<BlindCause> look_at(const MappedFile& file, const ProbedFiles& files) {
    const auto state = files.state_of(file.id);
    if (state && !state->refusal.empty())
        return BlindCause{BlindReason::library_refused, file.path + ": " + state->refusal};
    if (const auto name = untraced_library(file.path); !name.empty())
        return BlindCause{BlindReason::library_unsupported, file.path + ": " + std::string(name)};
    if (state && state->under_analysis)
        return BlindCause{BlindReason::library_not_attached, file.path + ": its code is still being analysed"};
    if (state && state->probed) return BlindCause{BlindReason::connection_missed, file.path + " is probed"};
    if (!state && is_traced_library(file.path))
        return BlindCause{BlindReason::library_not_attached, file.path + ": not probed"};
    return std::nullopt;
}

// kBlindReasons stand in this order.
bool explains_more(const BlindCause& a, const BlindCause& b) {
    return a.reason < b.reason;
}

}  // namespace

std::string_view untraced_library(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames{{{"libssl3.so", "nss"},
                                                                                   {"libmbedtls.so", "mbedtls"},
                                                                                   {"libwolfssl.so", "wolfssl"},
                                                                                   {"libs2n.so", "s2n"},
                                                                                   {"libtls.so", "libretls"},
                                                                                   {"libbearssl.so", "bearssl"}}};
    for (const auto& [prefix, name] : kNames) {
        if (base_name(path).starts_with(prefix)) return name;
    }
    return {};
}

std::optional<BlindCause> why_unseen(std::uint32_t pid, const ProbedFiles& files) {
    const auto mapped = mapped_files(pid);
    if (mapped.empty()) return std::nullopt;
    std::optional<BlindCause> out;
    for (const MappedFile& file : mapped) {
        auto cause = look_at(file, files);
        if (cause && (!out || explains_more(*cause, *out))) out = std::move(cause);
    }
    if (!out) out = BlindCause{BlindReason::no_library, ""};
    return out;
}

}  // namespace llmsnoop::capture::live
