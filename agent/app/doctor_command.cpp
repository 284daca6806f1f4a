#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/app/commands.h"
#include "agent/app/live.h"
#include "agent/app/select.h"
#include "agent/app/tls_census.h"
#include "agent/base/printable.h"
#include "agent/capture/live/kernel_features.h"

namespace llmsnoop::app {

namespace {

using nlohmann::ordered_json;
using namespace capture::live;

ordered_json kernel_json(const KernelFeatures& features) {
    ordered_json out{{"release", features.release}};
    for (const Feature* one : features.all()) {
        ordered_json entry{{"available", one->available}};
        if (!one->why.empty()) entry["why"] = one->why;
        out["features"][one->name] = entry;
    }
    return out;
}

ordered_json hooks_json(const KernelFeatures& features, SocketHook socket, PlainHook plain) {
    ordered_json out{{"tls", std::string(capture::live::name_of(features.uprobe_ways().front()))},
                     {"socket", name_of(socket)},
                     {"plain_tcp", name_of(plain)}};
    const std::string why = plain == PlainHook::none ? "" : features.why_not_better(plain);
    if (!why.empty()) out["plain_tcp_no_better"] = why;
    // What io_uring moves is in no system call's buffer; the kernel's functions are the same.
    if (plain == PlainHook::syscall || plain == PlainHook::tracepoint)
        out["plain_tcp_blind"] = "sockets used by io_uring";
    // Traffic shows them, which a look at the machine does not.
    out["blind_spots"] = plain == PlainHook::none ? "not noticed: without plain TCP no ClientHello is seen"
                                                  : "noticed by ClientHello: /api/v1/processes of the running agent";
    out["process"] = "tp_btf";
    out["new_libraries"] = features.mmap_events.available ? "perf mmap events" : "scan of /proc every 2 s";
    return out;
}

ordered_json file_json(const TlsFile& file) {
    ordered_json out{{"path", file.path}, {"library", file.library}, {"traced", !file.probes.empty()}};
    if (!file.why_not.empty()) out["why"] = file.why_not;
    for (const PlannedProbe& probe : file.probes) {
        out["probes"].push_back({{"function", probe.function},
                                 {"place", name_of(probe.site.place)},
                                 {"offset", fmt::format("0x{:x}", probe.site.file_offset)},
                                 {"cheap", probe.site.emulated}});
    }
    return out;
}

ordered_json make_report(const KernelFeatures& features, const TlsCensus& census, SocketHook socket, PlainHook plain,
                         const base::Result<void>& possible) {
    ordered_json out{{"can_trace", static_cast<bool>(possible)}};
    if (!possible) out["why"] = possible.error().message;
    if (const std::string missed = features.out_of_reach(); !missed.empty()) out["out_of_reach"] = missed;
    out["kernel"] = kernel_json(features);
    out["hooks"] = hooks_json(features, socket, plain);
    out["files"] = ordered_json::array();
    for (const TlsFile& file : census.files)
        out["files"].push_back(file_json(file));
    out["processes"] = ordered_json::array();
    for (const TlsProcess& process : census.processes) {
        ordered_json entry{{"pid", process.pid}, {"comm", process.comm}, {"tls", ordered_json::array()}};
        for (const std::size_t i : process.files) {
            const TlsFile& file = census.files[i];
            entry["tls"].push_back({{"library", file.library}, {"traced", !file.probes.empty()}, {"file", file.path}});
        }
        out["processes"].push_back(entry);
    }
    out["processes_looked_at"] = census.looked_at;
    return out;
}

// Names of processes and files are somebody else's text.
std::string text_of(const ordered_json& value) {
    return base::printable(value.get<std::string>());
}

// One line for all probes of a function at places of one kind: a call passes by one of them.
void print_probes(const ordered_json& probes) {
    for (std::size_t i = 0; i < probes.size();) {
        const auto& probe = probes[i];
        std::size_t alike = 1;
        while (i + alike < probes.size() && probes[i + alike]["function"] == probe["function"] &&
               probes[i + alike]["place"] == probe["place"])
            ++alike;
        fmt::print("    {:26} {:13} {:10} {}{}\n", text_of(probe["function"]), text_of(probe["place"]),
                   text_of(probe["offset"]),
                   probe["cheap"].get<bool>() ? "emulated: cheap" : "single-stepped: a trap more per call",
                   alike > 1 ? fmt::format(" ({} places)", alike) : "");
        i += alike;
    }
}

void print_text(const ordered_json& report) {
    fmt::print("kernel {}\n", text_of(report["kernel"]["release"]));
    for (const auto& [name, feature] : report["kernel"]["features"].items()) {
        fmt::print("  {:20} {}{}\n", name, feature["available"].get<bool>() ? "yes" : "no ",
                   feature.contains("why") ? "  " + text_of(feature["why"]) : "");
    }
    fmt::print("hooks\n");
    for (const auto& [name, hook] : report["hooks"].items())
        fmt::print("  {:20} {}\n", name, text_of(hook));
    fmt::print("TLS libraries\n");
    for (const auto& file : report["files"]) {
        const std::string why = file.contains("why") ? text_of(file["why"]) : "";
        fmt::print("  {} ({}){}\n", text_of(file["path"]), text_of(file["library"]),
                   !file["traced"].get<bool>() ? "  NOT SEEN: " + why
                   : why.empty()               ? ""
                                               : "  NOT WHOLLY SEEN: " + why);
        if (!file.contains("probes")) continue;
        print_probes(file["probes"]);
    }
    fmt::print("processes that have a TLS library mapped ({} looked at)\n",
               report["processes_looked_at"].get<std::size_t>());
    for (const auto& process : report["processes"]) {
        fmt::print("  {:>7} {:16}", process["pid"].get<std::uint32_t>(), text_of(process["comm"]));
        for (const auto& one : process["tls"]) {
            fmt::print(" {}{}", text_of(one["library"]), one["traced"].get<bool>() ? "" : " (not seen)");
        }
        fmt::print("\n");
    }
    if (!report["can_trace"].get<bool>())
        fmt::print("tracing is NOT possible: {}\n", text_of(report["why"]));
    else if (report.contains("out_of_reach"))
        fmt::print("tracing is possible IN PART: {}\n", text_of(report["out_of_reach"]));
    else
        fmt::print("tracing is possible\n");
}

struct Findings {
    ordered_json report;
    base::Result<void> possible;
};

Findings look(const Config& config, const Selection& selection) {
    const KernelFeatures features = detect_kernel_features();
    auto possible = require_tracing(features);
    const auto wanted = socket_hook_named(config.capture.socket_hook).value_or(features.socket_hook());
    const auto socket = features.socket_hook(wanted);
    if (possible && !socket) possible = socket.error();
    const auto wanted_plain = plain_hook_named(config.capture.plain_tcp).value_or(features.plain_hooks().front());
    const auto plain = features.plain_hook(wanted_plain);
    if (possible && !plain) possible = plain.error();
    ordered_json out = make_report(features, take_census(selection, config.capture.libraries),
                                   socket ? *socket : wanted, plain ? *plain : wanted_plain, possible);
    return {std::move(out), std::move(possible)};
}

}  // namespace

std::string doctor_json(const Config& config) {
    const auto selection = make_selection(config);
    if (!selection) return "{\"can_trace\":false}";
    return look(config, *selection).report.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

int doctor_command(const DoctorOptions& options) {
    const auto config = options.config();
    if (!config) return report(config.error());
    set_log_level(*config);
    const auto selection = make_selection(*config);
    if (!selection) return report(selection.error());
    const auto [out, possible] = look(*config, *selection);
    if (options.json)
        fmt::print("{}\n", out.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    else
        print_text(out);
    return possible ? kSuccess : kFailure;
}

}  // namespace llmsnoop::app
