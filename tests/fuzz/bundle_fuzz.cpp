// Any bytes as what a container runtime has written down: read or refused, with names of bounded length. The first byte
// chooses the reader.
#include <cstdlib>
#include <string_view>

#include "agent/attribution/bundle.h"
#include "agent/attribution/container_id.h"
#include "agent/attribution/user_storage.h"

namespace {

using namespace llmsnoop::attribution;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_path(std::string_view path) {
    const auto names = names_of_cgroup(path);
    if (!names) return;
    require(!names->container_id.empty() || !names->pod_uid.empty());
    require(names->container_id.size() <= 255 && names->container_id.find('/') == std::string::npos);
    require(names->pod_uid.empty() || names->pod_uid.size() == 32 || names->pod_uid.size() == 36);
    require(systemd_unit_of_cgroup(path).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::optional<BundleFacts> facts;
    switch (data[0] % 4) {
        case 0:
            facts = read_oci_config(text);
            break;
        case 1:
            facts = read_docker_config(text);
            if (const auto answer = read_engine_answer(text, "a1")) require(facts && answer->name == facts->name);
            break;
        case 2:
            facts = read_storage_list(text, "a1");
            break;
        default:
            check_path(text);
            check_path("/" + std::string(text));
            require(home_of(text, 1000).find('\n') == std::string::npos);
            check_path(cgroup_of_proc(text));
            break;
    }
    if (!facts) return 0;
    for (const std::string* name :
         {&facts->name, &facts->image, &facts->pod_uid, &facts->pod_namespace, &facts->pod_name, &facts->pod_container})
        require(name->size() <= kMaxBundleName);
    return 0;
}
