#include "agent/capture/live/stripped_finder.h"

#include <iterator>

#include "agent/capture/live/stripped/boringssl.h"
#include "agent/capture/live/stripped/openssl.h"
#include "agent/capture/live/stripped/rustls.h"

namespace llmsnoop::capture::live {

namespace {

struct Subject {
    const ElfFile& file;
    const stripped::Image& image;
    const stripped::Machine& machine;
    const std::vector<std::uint64_t>& anchors;
};

base::Result<std::vector<PlannedProbe>> plan_boringssl(const Subject& subject, stripped::Budget& budget) {
    const auto found = stripped::find_boringssl_functions(subject.image, subject.machine, subject.anchors, budget);
    if (!found) return found.error();
    std::vector<PlannedProbe> out;
    plan_probe(out, subject.file, TlsHook::boringssl_read, "SSL_read", found->read, Need::arguments_and_return);
    plan_probe(out, subject.file, TlsHook::boringssl_write, "SSL_write", found->write, Need::arguments_and_return);
    if (found->create)
        plan_probe(out, subject.file, TlsHook::boringssl_new, "SSL_new", *found->create, Need::arguments_and_return);
    return out;
}

base::Result<std::vector<PlannedProbe>> plan_openssl(const Subject& subject, stripped::Budget& budget) {
    const auto found = stripped::find_openssl_functions(subject.image, subject.machine, subject.anchors, budget);
    if (!found) return found.error();
    std::vector<PlannedProbe> out;
    const Need both = Need::arguments_and_return;
    plan_probe(out, subject.file, TlsHook::openssl_read_internal, "SSL_read+SSL_read_ex", found->read_internal, both);
    plan_probe(out, subject.file, found->write_has_flags ? TlsHook::openssl_write_flags : TlsHook::openssl_write_ex,
               "SSL_write+SSL_write_ex", found->write_internal, both);
    if (found->create) plan_probe(out, subject.file, TlsHook::openssl_new, "SSL_new", *found->create, both);
    if (found->handshake)
        plan_probe(out, subject.file, TlsHook::openssl_handshake, "SSL_do_handshake", *found->handshake, both);
    return out;
}

base::Result<std::vector<PlannedProbe>> plan_rustls(const Subject& subject, stripped::Budget& budget) {
    const auto found = stripped::find_rustls_functions(subject.image, subject.machine, budget);
    if (!found) return found.error();
    std::vector<PlannedProbe> out;
    const Need both = Need::arguments_and_return;
    for (const std::uint64_t one : found->encrypt)
        plan_probe(out, subject.file, TlsHook::rustls_encrypt, "MessageEncrypter::encrypt", one, both);
    for (const std::uint64_t one : found->decrypt)
        plan_probe(out, subject.file, TlsHook::rustls_decrypt, "MessageDecrypter::decrypt", one, both);
    // Connections of a cipher that is seen in one direction only would be worse than none.
    if (out.size() != found->encrypt.size() + found->decrypt.size()) out.clear();
    return out;
}

struct Method {
    model::Library library;
    std::string_view text;    // no file without it has this library; several methods may have it in common
    std::string_view anchor;  // the ending of texts that its code names; empty: it is found otherwise
    base::Result<std::vector<PlannedProbe>> (*plan)(const Subject&, stripped::Budget&);
};

// What the first two have in common: files without it, which is nearly all, are passed over once and not twice.
constexpr std::string_view kSslText = "ssl/ssl_lib.c";

constexpr Method kMethods[] = {
    {model::Library::boringssl, kSslText, stripped::kBoringsslAnchor, plan_boringssl},
    {model::Library::openssl, kSslText, stripped::kOpensslAnchor, plan_openssl},
    {model::Library::rustls, stripped::kRustlsText, {}, plan_rustls},
};

constexpr std::uint64_t kLeastCode = 256U << 10;

// What one method makes of a file that has its text; nothing if the library is not there after all.
std::optional<base::Result<std::vector<PlannedProbe>>> try_method(const Method& method, const ElfFile& file,
                                                                  const stripped::Image& image,
                                                                  const stripped::Machine& machine,
                                                                  stripped::Budget& budget) {
    const auto refused = [](std::string why) { return base::error(std::move(why), base::Error::Kind::unsupported); };
    std::vector<std::uint64_t> anchors;
    if (!method.anchor.empty()) {
        anchors = stripped::find_anchors(image, method.anchor);
        if (anchors.empty()) return std::nullopt;
        if (anchors.size() == stripped::kMaxAnchors)
            return refused("it names " + std::string(method.anchor) + " in too many places");
    }
    auto plan = method.plan({file, image, machine, anchors}, budget);
    if (!plan) return plan.error();
    // Reading alone, or writing alone, is no use to anybody.
    if (plan->size() < 2) return refused("its functions are not where code is");
    return plan;
}

}  // namespace

std::string names_of(const std::vector<model::Library>& libraries) {
    std::string out;
    for (const model::Library one : libraries) {
        if (!out.empty()) out += '+';
        out += model::name_of(one);
    }
    return out;
}

bool may_hold_stripped_tls(const ElfFile& file) {
    std::uint64_t code = 0;
    const stripped::Image image = file.image();
    for (const stripped::Segment& one : image.segments())
        code += one.executable ? one.bytes.size() : 0;
    return code >= kLeastCode;
}

StrippedTls find_stripped_tls(const ElfFile& file, const std::atomic<bool>* cancelled) {
    StrippedTls out;
    const stripped::Image image = file.image();
    if (!image.fits()) return out;
    const auto machine = stripped::x86_64_machine();
    std::optional<std::string_view> looked_for;
    bool there = false;
    for (const Method& method : kMethods) {
        if (looked_for != method.text) {
            looked_for = method.text;
            there = image.holds(method.text);
        }
        if (!there) continue;
        stripped::Budget budget(stripped::Budget::kInstructions, cancelled);
        auto plan = try_method(method, file, image, *machine, budget);
        if (budget.cancelled()) return {};
        if (!plan) continue;
        out.libraries.push_back(method.library);
        if (*plan) {
            std::move((*plan)->begin(), (*plan)->end(), std::back_inserter(out.probes));
        } else {
            if (!out.refusal.empty()) out.refusal += "; ";
            out.refusal += std::string(model::name_of(method.library)) + ": " + plan->error().message;
        }
    }
    if (!file.intact() && !out.libraries.empty()) {
        out.probes.clear();
        out.refusal = "the file changed while it was looked at";
    }
    return out;
}

}  // namespace llmsnoop::capture::live
