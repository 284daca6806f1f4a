#include "agent/capture/live/gnutls_finder.h"

#include <map>

namespace llmsnoop::capture::live {

std::vector<PlannedProbe> find_gnutls(const ElfFile& file) {
    const auto functions =
        file.functions({"gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_recv_packet",
                        "gnutls_record_send", "gnutls_record_send2", "gnutls_record_send_range", "gnutls_record_uncork",
                        "gnutls_handshake", "gnutls_init", "gnutls_deinit", "gnutls_server_name_set"});
    if (!functions.contains("gnutls_record_recv") || !functions.contains("gnutls_record_send")) return {};
    std::vector<PlannedProbe> out;
    const auto plan = [&](const char* function, TlsHook hook, Need need) {
        if (const auto at = functions.find(function); at != functions.end())
            plan_probe(out, file, hook, function, at->second, need);
    };
    constexpr Need kBoth = Need::arguments_and_return;
    plan("gnutls_record_recv", TlsHook::gnutls_recv, kBoth);
    plan("gnutls_record_recv_seq", TlsHook::gnutls_recv, kBoth);
    plan("gnutls_record_recv_packet", TlsHook::gnutls_recv_packet, kBoth);
    // gnutls_record_send is gnutls_record_send2 (3.6.3) without padding and flags. Where it is nothing but the jump
    // there, that one sees it all. Where both do the work, both are probed, and the outer call is the one that counts.
    const auto send2 = functions.find("gnutls_record_send2");
    const auto send = functions.at("gnutls_record_send");
    if (send2 == functions.end() || !only_jumps_to(file, send, send2->second))
        plan("gnutls_record_send", TlsHook::gnutls_send, kBoth);
    plan("gnutls_record_send2", TlsHook::gnutls_send, kBoth);
    // Sends piece by piece by ways of its own, or the whole by gnutls_record_send.
    plan("gnutls_record_send_range", TlsHook::gnutls_send, kBoth);
    plan("gnutls_record_uncork", TlsHook::gnutls_uncork, kBoth);
    plan("gnutls_handshake", TlsHook::gnutls_handshake, kBoth);
    plan("gnutls_init", TlsHook::gnutls_init, kBoth);
    plan("gnutls_deinit", TlsHook::gnutls_deinit, Need::arguments);
    plan("gnutls_server_name_set", TlsHook::gnutls_server_name_set, Need::arguments);
    return out;
}

}  // namespace llmsnoop::capture::live
