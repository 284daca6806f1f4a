#pragma once
// Pods as the Kubernetes API writes them (core/v1), read from JSON. Pure functions; the texts are taken for hostile: a
// pod's owner writes most of it, and names only count together with the uid.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/attribution/pod_table.h"

namespace llmsnoop::attribution::kubernetes {

// Of labels and annotations, those that are asked for; a label wins over an annotation of the same name.
struct WantedLabels {
    std::vector<std::string> labels;
    std::vector<std::string> annotations;
};

// An etcd object is at most 1.5 MiB by default; JSON may be larger than that.
inline constexpr std::size_t kMaxEventBytes = 8U << 20;
// Of one page of a list, or of all pods where the server does not page.
inline constexpr std::size_t kMaxListBytes = 64U << 20;

struct PodList {
    std::vector<PodFacts> pods;
    std::size_t malformed = 0;     // items without a uid or name
    std::string resource_version;  // from which a watch goes on
    std::string continue_token;    // of the next page; empty: this is the last
};

// A PodList, or nothing if the text is none.
std::optional<PodList> read_pod_list(std::string_view text, const WantedLabels& wanted);

// One line of a watch.
struct WatchEvent {
    enum class Type : std::uint8_t { added, modified, deleted, bookmark, error, malformed };

    Type type = Type::malformed;
    PodFacts pod;                  // added, modified, deleted
    std::string resource_version;  // of all but errors
    int code = 0;                  // of an error: the Status's, as in HTTP; 410 stands for a version that is too old
};
WatchEvent read_watch_event(std::string_view line, const WantedLabels& wanted);

}  // namespace llmsnoop::attribution::kubernetes
