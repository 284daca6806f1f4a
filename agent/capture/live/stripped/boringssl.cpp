#include "agent/capture/live/stripped/boringssl.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

namespace llmsnoop::capture::live::stripped {

namespace {

// include/openssl/err.h and ssl.h of BoringSSL. The numbers are part of its interface.
constexpr std::uint64_t kLibrarySsl = 16;
constexpr std::uint64_t kShouldNotHaveBeenCalled = 66;
constexpr std::uint64_t kBadLength = 111;
constexpr std::uint64_t kNullContext = 185;
constexpr std::uint64_t kHandshakeFailure = 215;
constexpr std::uint64_t kUninitialized = 226;
constexpr std::uint64_t kMostLines = 100'000;

struct ErrorSite {
    std::uint64_t line = 0;
    std::uint64_t reason = 0;
    auto operator<=>(const ErrorSite&) const = default;
};

// ERR_put_error(library, unused, reason, file, line). Link-time optimisation may drop the second argument, so the
// reason and the line are found by where the file is.
std::optional<ErrorSite> error_site(const Call& call, const std::vector<std::uint64_t>& anchors) {
    const auto file = anchor_argument(call, anchors);
    if (!file || *file < 2 || *file + 1 >= kArguments || !call.arguments[0].is(kLibrarySsl)) return std::nullopt;
    const Value& reason = call.arguments[*file - 1];
    const Value& line = call.arguments[*file + 1];
    if (reason.kind != Value::Kind::constant || line.kind != Value::Kind::constant) return std::nullopt;
    if (line.bits == 0 || line.bits > kMostLines) return std::nullopt;
    return ErrorSite{line.bits, reason.bits};
}

// A function and its errors.
struct Suspect {
    const Function* function = nullptr;
    std::set<ErrorSite> errors;

    bool has(std::uint64_t reason) const { return first_line(reason).has_value(); }
    std::optional<std::uint64_t> first_line(std::uint64_t reason) const {
        for (const ErrorSite& one : errors) {
            if (one.reason == reason) return one.line;
        }
        return std::nullopt;
    }
    bool has_between(std::uint64_t reason, std::uint64_t above, std::uint64_t below) const {
        return std::any_of(errors.begin(), errors.end(), [&](const ErrorSite& one) {
            return one.reason == reason && one.line > above && one.line < below;
        });
    }
};

template <typename Rule>
base::Result<const Suspect*> only_one(const std::vector<Suspect>& all, const char* name, Rule rule) {
    const Suspect* found = nullptr;
    unsigned count = 0;
    for (const Suspect& one : all) {
        if (!rule(one)) continue;
        found = &one;
        ++count;
    }
    if (count == 1) return found;
    return base::error(std::to_string(count) + " functions could be " + name + ", one is needed",
                       base::Error::Kind::unsupported);
}

}  // namespace

base::Result<BoringsslFunctions> find_boringssl_functions(const Image& image, const Machine& machine,
                                                          const std::vector<std::uint64_t>& anchors, Budget& budget) {
    const FunctionStarts starts(image, machine);
    const std::vector<Function> functions = functions_naming(image, machine, starts, anchors, budget);
    if (budget.left() == 0) return base::error("its code takes too long to follow", base::Error::Kind::unsupported);
    std::vector<Suspect> suspects;
    for (const Function& one : functions) {
        Suspect suspect{&one, {}};
        for (const Call& call : one.calls) {
            if (const auto site = error_site(call, anchors)) suspect.errors.insert(*site);
        }
        if (!suspect.errors.empty()) suspects.push_back(std::move(suspect));
    }
    if (suspects.empty()) {
        return base::error("no function was found that reports errors of " + std::string(kBoringsslAnchor),
                           base::Error::Kind::unsupported);
    }
    const auto write = only_one(suspects, "SSL_write", [](const Suspect& one) {
        return one.has(kUninitialized) && one.has(kHandshakeFailure) && one.has(kBadLength);
    });
    if (!write) return write.error();
    const std::uint64_t write_line = (*write)->errors.begin()->line;
    const auto inner = only_one(suspects, "the read within SSL_read", [&](const Suspect& one) {
        return one.has(kUninitialized) && one.has(kHandshakeFailure) && !one.has(kBadLength) &&
               *one.first_line(kHandshakeFailure) < write_line;
    });
    if (!inner) return inner.error();
    const std::uint64_t inner_line = *(*inner)->first_line(kHandshakeFailure);
    const std::uint64_t inner_start = (*inner)->function->start;
    // SSL_peek is like SSL_read but changes nothing; it is the part of SSL_read that has the reason.
    const auto read = only_one(suspects, "SSL_read", [&](const Suspect& one) {
        return one.has_between(kShouldNotHaveBeenCalled, inner_line, write_line) &&
               one.function->calls_function(inner_start) && one.function->stores_elsewhere;
    });
    if (!read) return read.error();
    BoringsslFunctions out{(*read)->function->start, (*write)->function->start, {}};
    if (const auto create = only_one(suspects, "SSL_new", [](const Suspect& one) { return one.has(kNullContext); }))
        out.create = (*create)->function->start;
    return out;
}

}  // namespace llmsnoop::capture::live::stripped
