#include "agent/app/kubernetes.h"

#include <cstdlib>
#include <string>

#include "agent/app/agent.h"
#include "agent/base/log.h"

namespace llmsnoop::app {

namespace {

using attribution::kubernetes::PodSourceOptions;

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody changes the environment
    return value != nullptr ? value : "";
}

// The kubelet tells every container where the API server is.
std::string url_in_cluster() {
    std::string host = variable("KUBERNETES_SERVICE_HOST");
    const std::string port = variable("KUBERNETES_SERVICE_PORT");
    if (host.empty()) return {};
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return "https://" + host + ":" + (port.empty() ? "443" : port);
}

std::string node_of(const Config& config) {
    if (!config.kubernetes.node_name.empty()) return config.kubernetes.node_name;
    const std::string node = variable("NODE_NAME");
    return node.empty() ? node_name(config) : node;
}

}  // namespace

std::optional<PodSourceOptions> pod_source_options(const Config& config) {
    const Config::Kubernetes& from = config.kubernetes;
    if (from.mode == "off") return std::nullopt;
    PodSourceOptions out;
    const bool kubelet = from.mode == "kubelet";
    if (kubelet) {
        out.kind = PodSourceOptions::Kind::kubelet;
        out.api.url = from.kubelet_url;
    } else {
        out.api.url = from.api_url.empty() ? url_in_cluster() : from.api_url;
        if (out.api.url.empty()) {
            if (from.mode == "api")
                base::log::warn(
                    "kubernetes.mode is api, but neither kubernetes.api_url nor a pod's environment says "
                    "where that is: pods keep their uids for names");
            return std::nullopt;
        }
    }
    out.api.token_file = from.token_file;
    out.api.ca_file = from.ca_file;
    out.api.verify = from.verify;
    out.node = node_of(config);
    out.wanted = {from.labels, from.annotations};
    base::log::info("pods of node {} from {}", out.node, out.api.url);
    return out;
}

}  // namespace llmsnoop::app
