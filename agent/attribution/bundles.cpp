#include "agent/attribution/bundles.h"

#include <array>
#include <utility>

#include "agent/attribution/host_files.h"
#include "agent/base/function_ref.h"

namespace llmsnoop::attribution {

namespace {

constexpr std::size_t kKnownKept = 8192;
constexpr auto kLookAgain = std::chrono::seconds(10);
constexpr auto kSearchAgain = std::chrono::seconds(1);
constexpr std::size_t kMaxNamespaces = 64;
constexpr std::size_t kMaxContainers = 4096;

// Where containerd keeps its bundles: .../NAMESPACE/ID/config.json. Of its own packages, k3s and RKE2, k0s, MicroK8s.
constexpr std::array<const char*, 4> kContainerd{
    "run/containerd/io.containerd.runtime.v2.task", "run/k3s/containerd/io.containerd.runtime.v2.task",
    "run/k0s/containerd/io.containerd.runtime.v2.task",
    "var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task"};
// CRI-O and Podman: .../ID/userdata/config.json.
constexpr const char* kStorageRun = "run/containers/storage/overlay-containers";
constexpr const char* kStorageList = "var/lib/containers/storage/overlay-containers/containers.json";
constexpr const char* kDocker = "var/lib/docker/containers";

// An id becomes part of a path.
bool is_safe_name(const std::string& name) {
    return !name.empty() && name.size() <= 255 && name[0] != '.' && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

std::optional<BundleFacts> from_docker(const std::string& root, const std::string& id) {
    const auto text = read_below(root, std::string(kDocker) + "/" + id + "/config.v2.json", kMaxBundleBytes);
    return text ? read_docker_config(*text) : std::nullopt;
}

std::optional<BundleFacts> from_storage(const std::string& root, const std::string& id) {
    const auto text = read_below(root, std::string(kStorageRun) + "/" + id + "/userdata/config.json", kMaxBundleBytes);
    auto facts = text ? read_oci_config(*text) : std::nullopt;
    if (!facts || !facts->runtime.empty()) return facts;
    // Podman's bundles do not name the container.
    const auto list = read_below(root, kStorageList, kMaxBundleBytes);
    auto named = list ? read_storage_list(*list, id) : std::nullopt;
    return named ? named : facts;
}

std::optional<BundleFacts> from_containerd_namespace(const std::string& root, const std::string& directory,
                                                     const std::string& id) {
    const auto text = read_below(root, directory + "/" + id + "/config.json", kMaxBundleBytes);
    return text ? read_oci_config(*text) : std::nullopt;
}

std::optional<BundleFacts> from_containerd(const std::string& root, const std::string& id) {
    for (const std::string base : kContainerd) {
        // The kubelet's containers are in "k8s.io"; so the others are looked through only where it is not there.
        if (auto facts = from_containerd_namespace(root, base + "/k8s.io", id)) return facts;
        for (const std::string& one : list_below(root, base, kMaxNamespaces)) {
            if (one == "k8s.io") continue;
            if (auto facts = from_containerd_namespace(root, base + "/" + one, id)) return facts;
        }
    }
    return std::nullopt;
}

// All files of one root, whichever runtime wrote them: (id, facts).
void each_container(const std::string& root, base::FunctionRef<void(const std::string&, const BundleFacts&)> visit) {
    const auto tell = [&](const std::string& id, const std::optional<BundleFacts>& facts) {
        if (facts) visit(id, *facts);
    };
    for (const std::string base : kContainerd) {
        for (const std::string& one : list_below(root, base, kMaxNamespaces)) {
            for (const std::string& id : list_below(root, base + "/" + one, kMaxContainers))
                tell(id, from_containerd_namespace(root, base + "/" + one, id));
        }
    }
    for (const std::string& id : list_below(root, kStorageRun, kMaxContainers))
        tell(id, from_storage(root, id));
    for (const std::string& id : list_below(root, kDocker, kMaxContainers))
        tell(id, from_docker(root, id));
}

// The path is the kubelet's word, what a runtime keeps of a pod is whoever's.
void believe_only_of(const CgroupNames& names, BundleFacts& facts) {
    if (!names.pod_uid.empty() && facts.pod_uid == names.pod_uid) return;
    facts.pod_uid.clear();
    facts.pod_namespace.clear();
    facts.pod_name.clear();
    facts.pod_container.clear();
}

}  // namespace

Bundles::Bundles(std::vector<std::string> roots, Ask ask) : roots_(std::move(roots)), ask_(std::move(ask)) {}

std::optional<BundleFacts> Bundles::find(const CgroupNames& names) {
    auto facts = find_in_files(names);
    if (!ask_ || (facts && !facts->name.empty())) return facts;
    auto answer = ask_(names);
    if (!answer) return facts;
    believe_only_of(names, *answer);
    if (facts && answer->pod_name.empty()) {  // what its sandbox has told
        answer->pod_uid = facts->pod_uid;
        answer->pod_namespace = facts->pod_namespace;
        answer->pod_name = facts->pod_name;
    }
    return answer;
}

std::optional<BundleFacts> Bundles::find_in_files(const CgroupNames& names) {
    if (names.made_by != CgroupNames::MadeBy::system || !is_safe_name(names.container_id)) return std::nullopt;
    const std::string key = names.container_id + "/" + names.pod_uid;
    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        const auto at = known_.find(key);
        if (at != known_.end() && at->second.facts) return at->second.facts;
        if (at != known_.end() && now < at->second.again) return of_pod(names);
    }
    auto facts = read(names);
    if (facts) believe_only_of(names, *facts);
    std::unique_lock lock(mutex_);
    remember(key, facts);
    if (facts) return facts;
    if (names.pod_uid.empty() || pods_.contains(names.pod_uid) || now < next_search_) return of_pod(names);
    next_search_ = now + kSearchAgain;
    lock.unlock();
    auto found = search_pod(names.pod_uid);
    lock.lock();
    if (found) remember_pod(names.pod_uid, std::move(*found));
    return of_pod(names);
}

std::optional<Bundles::PodName> Bundles::search_pod(const std::string& uid) const {
    std::optional<PodName> out;
    for (const std::string& root : roots_) {
        each_container(root, [&](const std::string& /*id*/, const BundleFacts& facts) {
            if (facts.pod_uid == uid && !facts.pod_name.empty()) out = PodName{facts.pod_namespace, facts.pod_name};
        });
        if (out) break;
    }
    return out;
}

void Bundles::remember(const std::string& key, const std::optional<BundleFacts>& facts) {
    const auto again = std::chrono::steady_clock::now() + kLookAgain;
    if (known_.insert_or_assign(key, Entry{facts, again}).second) order_.push_back(key);
    for (; order_.size() > kKnownKept; order_.pop_front())
        known_.erase(order_.front());
    if (!facts || facts->pod_uid.empty() || facts->pod_name.empty()) return;
    remember_pod(facts->pod_uid, PodName{facts->pod_namespace, facts->pod_name});
}

void Bundles::remember_pod(const std::string& uid, PodName name) {
    if (pods_.insert_or_assign(uid, std::move(name)).second) pod_order_.push_back(uid);
    for (; pod_order_.size() > kKnownKept; pod_order_.pop_front())
        pods_.erase(pod_order_.front());
}

std::optional<BundleFacts> Bundles::of_pod(const CgroupNames& names) const {
    const auto at = pods_.find(names.pod_uid);
    if (at == pods_.end()) return std::nullopt;
    BundleFacts out;
    out.pod_uid = names.pod_uid;
    out.pod_namespace = at->second.namespace_name;
    out.pod_name = at->second.name;
    return out;
}

std::optional<BundleFacts> Bundles::read(const CgroupNames& names) const {
    using Reader = std::optional<BundleFacts> (*)(const std::string&, const std::string&);
    // Docker's containers have a bundle of containerd's too, one without names: so Docker's own file comes first.
    std::vector<Reader> readers{from_docker, from_containerd, from_storage};
    if (names.runtime == "containerd") readers = {from_containerd};
    if (names.runtime == "docker") readers = {from_docker};
    if (names.runtime == "cri-o" || names.runtime == "podman") readers = {from_storage};
    for (const std::string& root : roots_) {
        for (const Reader reader : readers) {
            if (auto facts = reader(root, names.container_id)) return facts;
        }
    }
    return std::nullopt;
}

std::vector<Bundles::Named> Bundles::all() const {
    std::vector<Named> out;
    for (const std::string& root : roots_)
        each_container(root, [&](const std::string& id, const BundleFacts& facts) { out.push_back({id, facts}); });
    return out;
}

}  // namespace llmsnoop::attribution
