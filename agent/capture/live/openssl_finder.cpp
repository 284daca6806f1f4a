#include "agent/capture/live/openssl_finder.h"

#include <map>

namespace llmsnoop::capture::live {

namespace {

using Functions = std::map<std::string, std::uint64_t>;

struct IoHooks {
    TlsHook plain, extended, internal;
};

// One direction: the function behind both exported ones if that is cheaper, else each of them.
void plan_io(std::vector<PlannedProbe>& out, const ElfFile& file, const Functions& functions, const std::string& plain,
             const std::string& extended, const IoHooks& hooks) {
    const auto plain_at = functions.find(plain);
    const auto extended_at = functions.find(extended);
    std::vector<PlannedProbe> exported;
    plan_probe(exported, file, hooks.plain, plain, plain_at->second, Need::arguments_and_return);
    if (extended_at == functions.end()) {  // OpenSSL before 1.1.1
        out.insert(out.end(), exported.begin(), exported.end());
        return;
    }
    plan_probe(exported, file, hooks.extended, extended, extended_at->second, Need::arguments_and_return);
    bool all_cheap = true;
    for (const PlannedProbe& one : exported)
        all_cheap = all_cheap && one.site.emulated;
    if (!all_cheap) {
        if (const auto callee = shared_callee(file, plain_at->second, extended_at->second)) {
            auto site = choose_site(file, *callee, Need::arguments_and_return);
            if (site && site->emulated) {
                site->place = ProbeSite::Place::internal;
                out.push_back({hooks.internal, plain + "+" + extended, *site});
                return;
            }
        }
    }
    out.insert(out.end(), exported.begin(), exported.end());
}

}  // namespace

std::vector<PlannedProbe> find_openssl(const ElfFile& file) {
    const Functions functions = file.functions({"SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex", "SSL_new",
                                                "SSL_free", "SSL_ctrl", "SSL_do_handshake"});
    std::vector<PlannedProbe> out;
    if (!functions.contains("SSL_read") || !functions.contains("SSL_write")) return out;
    plan_io(out, file, functions, "SSL_read", "SSL_read_ex",
            {TlsHook::openssl_read, TlsHook::openssl_read_ex, TlsHook::openssl_read_internal});
    plan_io(out, file, functions, "SSL_write", "SSL_write_ex",
            {TlsHook::openssl_write, TlsHook::openssl_write_ex, TlsHook::openssl_write_ex});
    const struct {
        const char* function;
        TlsHook hook;
        Need need;
    } others[] = {{"SSL_new", TlsHook::openssl_new, Need::arguments_and_return},
                  {"SSL_do_handshake", TlsHook::openssl_handshake, Need::arguments_and_return},
                  {"SSL_free", TlsHook::openssl_free, Need::arguments},
                  {"SSL_ctrl", TlsHook::openssl_ctrl, Need::arguments}};
    for (const auto& one : others) {
        if (const auto at = functions.find(one.function); at != functions.end()) {
            plan_probe(out, file, one.hook, one.function, at->second, one.need);
        }
    }
    return out;
}

}  // namespace llmsnoop::capture::live
