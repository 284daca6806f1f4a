#include "agent/attribution/kubernetes/workload.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/attribution/json_value.h"

namespace llmsnoop::attribution::kubernetes {

namespace {

constexpr std::size_t kMaxName = 1024;

// A CronJob names its Jobs NAME-MINUTES, the scheduled time in minutes since 1970: eight digits. Dates, which people
// put behind the names of Jobs that they make by hand, are smaller numbers (20261120) than the minutes of 2017 and
// later.
bool is_of_cron_job(std::string_view job, std::size_t& name_size) {
    constexpr std::size_t kDigits = 8;
    constexpr unsigned kMinutesOf2017 = 24'720'000;
    constexpr unsigned kMinutesOf2060 = 47'350'000;
    if (job.size() < kDigits + 2 || job[job.size() - kDigits - 1] != '-') return false;
    const std::string_view digits = job.substr(job.size() - kDigits);
    unsigned minutes = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), minutes);
    if (problem != std::errc() || end != digits.data() + digits.size()) return false;
    name_size = job.size() - kDigits - 1;
    return minutes >= kMinutesOf2017 && minutes < kMinutesOf2060;
}

}  // namespace

Workload owner_of(const nlohmann::json& metadata) {
    const nlohmann::json& owners = member_of(metadata, "ownerReferences");
    if (!owners.is_array()) return {};
    for (const nlohmann::json& owner : owners) {
        const nlohmann::json& controls = member_of(owner, "controller");
        if (!controls.is_boolean() || !controls.get<bool>()) continue;
        Workload out{text_at(owner, "kind", kMaxName), text_at(owner, "name", kMaxName)};
        if (!out.kind.empty() && !out.name.empty()) return out;
    }
    return {};
}

Workload workload_of(const Workload& owner, const std::string& template_hash, const std::string& pod_name) {
    if (owner.kind.empty() || owner.kind == "Node") return {"Pod", pod_name};
    const std::string_view name = owner.name;
    if (owner.kind == "ReplicaSet" && !template_hash.empty() && name.size() > template_hash.size() + 1 &&
        name.ends_with(template_hash) && name[name.size() - template_hash.size() - 1] == '-') {
        return {"Deployment", owner.name.substr(0, name.size() - template_hash.size() - 1)};
    }
    std::size_t size = 0;
    if (owner.kind == "Job" && is_of_cron_job(name, size)) return {"CronJob", owner.name.substr(0, size)};
    return owner;
}

}  // namespace llmsnoop::attribution::kubernetes
