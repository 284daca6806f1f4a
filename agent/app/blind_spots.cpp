#include "agent/app/blind_spots.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/llm/provider.h"

namespace llmsnoop::app {

namespace {

using nlohmann::ordered_json;

bool matches(std::string_view host, const std::string& pattern) {
    return pattern[0] == '.' ? host.size() > pattern.size() && host.ends_with(pattern) : host == pattern;
}

void put(ordered_json& out, const char* key, const std::string& value) {
    if (!value.empty()) out[key] = value;
}

void put_identity(ordered_json& out, const model::Identity& who) {
    put(out, "comm", who.process.comm);
    put(out, "exe", who.process.exe);
    if (who.process.uid) out["uid"] = *who.process.uid;
    put(out, "systemd_unit", who.systemd_unit);
    if (who.container) {
        put(out["container"], "id", who.container->id);
        put(out["container"], "runtime", who.container->runtime);
        put(out["container"], "name", who.container->name);
        put(out["container"], "image", who.container->image);
    }
    if (who.pod) {
        put(out["pod"], "namespace", who.pod->namespace_name);
        put(out["pod"], "name", who.pod->name);
        put(out["pod"], "uid", who.pod->uid);
        put(out["pod"], "container", who.pod->container);
        put(out["pod"], "workload_kind", who.pod->workload_kind);
        put(out["pod"], "workload_name", who.pod->workload_name);
    }
}

ordered_json host_json(const model::BlindHost& host) {
    ordered_json out{{"host", host.host}, {"reason", std::string(name_of(host.cause.reason))}};
    put(out, "detail", host.cause.detail);
    out["since"] = base::rfc3339(host.since);
    out["last"] = base::rfc3339(host.last);
    out["connections"] = host.connections;
    return out;
}

}  // namespace

blind::BlindOptions blind_options(const Config& config) {
    blind::BlindOptions out;
    // Threads tell of what happens at the same time one after the other.
    out.after = std::max<std::chrono::milliseconds>(config.blind.after, std::chrono::seconds(1));
    out.keep = config.blind.keep;
    out.is_model_host = [hosts = config.blind.hosts](std::string_view host) {
        return llm::is_model_host(host, {}) ||
               std::any_of(hosts.begin(), hosts.end(), [&](const auto& one) { return matches(host, one); });
    };
    return out;
}

std::string blind_json(const std::vector<model::BlindProcess>& processes) {
    ordered_json out = ordered_json::array();
    for (const model::BlindProcess& process : processes) {
        ordered_json entry{{"pid", process.key.pid}};
        if (process.who) put_identity(entry, *process.who);
        if (process.ended) entry["ended"] = base::rfc3339(*process.ended);
        for (const model::BlindHost& host : process.hosts)
            entry["hosts"].push_back(host_json(host));
        out.push_back(std::move(entry));
    }
    return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace llmsnoop::app
