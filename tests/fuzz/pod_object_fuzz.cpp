// Any bytes as what an API server sends: as a list, and as the stream of a watch, which must give the same lines
// however it is cut. What is read has bounded names, and goes through a pod table.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/attribution/kubernetes/pod_object.h"
#include "agent/attribution/kubernetes/watch_lines.h"

namespace {

using namespace llmsnoop::attribution;
using namespace llmsnoop::attribution::kubernetes;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const PodFacts& pod, PodTable& table) {
    require(!pod.uid.empty() && !pod.name.empty() && !pod.namespace_name.empty());
    require(pod.uid.size() <= 1024 && pod.workload_name.size() <= 1024 && pod.containers.size() <= 128);
    require(!pod.workload_kind.empty() && pod.labels.size() <= 2);
    table.put(pod);
    llmsnoop::model::Identity identity;
    identity.pod.emplace();
    identity.pod->uid = pod.uid;
    table.complete(identity);
    require(identity.pod->name == pod.name && identity.pod->labels == pod.labels);
}

std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
    constexpr std::size_t kLimit = 4096;
    std::vector<std::string> out;
    WatchLines lines(kLimit);
    const auto line = [&](std::string_view one) { out.emplace_back(one); };
    const auto too_long = [&] { out.emplace_back(); };
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        lines.feed(text.substr(0, piece), {line, too_long});
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const WantedLabels wanted{{"team"}, {"cost"}};
    PodTable table;
    if (const auto list = read_pod_list(text, wanted)) {
        for (const PodFacts& pod : list->pods)
            check(pod, table);
    }
    const std::vector<std::string> lines = lines_of(text, size + 1);
    require(lines == lines_of(text, 1) && lines == lines_of(text, 7));
    for (const std::string& line : lines) {
        const WatchEvent event = read_watch_event(line, wanted);
        if (event.type == WatchEvent::Type::added || event.type == WatchEvent::Type::modified ||
            event.type == WatchEvent::Type::deleted)
            check(event.pod, table);
    }
    return 0;
}
