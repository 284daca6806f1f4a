// A pod table kept up to date by a source of pods, for tests/kubernetes: commands on standard input, answers as JSON
// lines on standard output.
//
//   pod_driver api|kubelet URL TOKEN_FILE CA_FILE NODE        ("-": none)
//   table            the pods that are there
//   ask UID ID       what a process in that pod and container is told
//   counts           requests, memory
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/attribution/kubernetes/pod_source.h"

namespace {

using namespace llmsnoop;
using attribution::PodFacts;
using attribution::PodTable;
using attribution::kubernetes::PodSource;
using attribution::kubernetes::PodSourceOptions;
using nlohmann::json;

json of(const PodFacts& pod) {
    json containers = json::object();
    for (const auto& one : pod.containers)
        containers[one.id] = one.name;
    return {{"namespace", pod.namespace_name},
            {"name", pod.name},
            {"node", pod.node},
            {"labels", pod.labels},
            {"workload", pod.workload_kind + "/" + pod.workload_name},
            {"containers", containers}};
}

json table_of(const PodTable& table) {
    json out = json::object();
    for (const PodFacts& pod : table.present())
        out[pod.uid] = of(pod);
    return out;
}

json ask(PodTable& table, const std::string& uid, const std::string& container) {
    model::Identity identity;
    identity.container = model::Container{container, "", "", ""};
    identity.pod.emplace();
    identity.pod->uid = uid;
    const bool complete = table.complete(identity) == PodTable::Answer::complete;
    return {{"complete", complete},
            {"namespace", identity.pod->namespace_name},
            {"pod", identity.pod->name},
            {"container", identity.pod->container}};
}

std::uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    in >> size >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

json counts_of(const PodSource& source, const PodTable& table) {
    const auto counts = source.counts();
    return {{"lists", counts.lists},         {"watches", counts.watches},     {"events", counts.events},
            {"bookmarks", counts.bookmarks}, {"malformed", counts.malformed}, {"relists", counts.relists},
            {"failures", counts.failures},   {"pods", table.size()},          {"resident_bytes", resident_bytes()}};
}

std::string unless_none(const char* argument) {
    return std::string(argument) == "-" ? "" : argument;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 6) {
        fmt::print(stderr, "usage: pod_driver api|kubelet URL TOKEN_FILE CA_FILE NODE\n");
        return 2;
    }
    PodSourceOptions options;
    options.kind =
        std::string(arguments[1]) == "kubelet" ? PodSourceOptions::Kind::kubelet : PodSourceOptions::Kind::api;
    options.api.url = arguments[2];
    options.api.token_file = unless_none(arguments[3]);
    options.api.ca_file = unless_none(arguments[4]);
    options.node = arguments[5];
    options.wanted = {{"team"}, {"example.com/cost-centre"}};
    options.page = 50;
    options.watch_time = std::chrono::seconds(4);
    options.first_backoff = std::chrono::milliseconds(20);
    options.longest_backoff = std::chrono::milliseconds(500);
    options.kubelet_pause = std::chrono::milliseconds(200);
    options.kubelet_refresh = std::chrono::minutes(10);
    model::LossCounters losses;
    PodTable table;
    const auto source = PodSource::start(options, table, losses);
    if (!source) {
        fmt::print(stderr, "{}\n", source.error().message);
        return 1;
    }
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string command, uid, container;
        words >> command >> uid >> container;
        const json answer = command == "table" ? table_of(table)
                            : command == "ask" ? ask(table, uid, container)
                                               : counts_of(**source, table);
        fmt::print("{}\n", answer.dump());
        std::fflush(stdout);
    }
    return 0;
}
