#include "agent/capture/live/stripped_finder.h"

#include "agent/capture/live/stripped/boringssl.h"
#include "agent/capture/live/stripped/openssl.h"

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

struct Method {
    model::Library library;
    std::string_view anchor;
    base::Result<std::vector<PlannedProbe>> (*plan)(const Subject&, stripped::Budget&);
};

constexpr Method kMethods[] = {
    {model::Library::boringssl, stripped::kBoringsslAnchor, plan_boringssl},
    {model::Library::openssl, stripped::kOpensslAnchor, plan_openssl},
};

// What the anchors have in common: files without it, which is nearly all, are passed over once and not twice.
constexpr std::string_view kCommonPart = "ssl/ssl_lib.c";
constexpr std::uint64_t kLeastCode = 256U << 10;

}  // namespace

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
    if (!image.fits() || !image.holds(kCommonPart)) return out;
    const auto machine = stripped::x86_64_machine();
    for (const Method& method : kMethods) {
        const auto anchors = stripped::find_anchors(image, method.anchor);
        if (anchors.empty()) continue;
        out.library = method.library;
        stripped::Budget budget(stripped::Budget::kInstructions, cancelled);
        if (anchors.size() == stripped::kMaxAnchors) {
            out.refusal = "it names " + std::string(method.anchor) + " in too many places";
            continue;
        }
        auto plan = method.plan({file, image, *machine, anchors}, budget);
        if (budget.cancelled()) return {};
        // Reading alone, or writing alone, is no use to anybody.
        if (plan && plan->size() < 2) plan = base::error("its functions are not where code is");
        if (plan && file.intact()) {
            out.probes = std::move(*plan);
            out.refusal.clear();
            return out;
        }
        out.refusal = plan ? "the file changed while it was looked at" : plan.error().message;
    }
    return out;
}

}  // namespace llmsnoop::capture::live
