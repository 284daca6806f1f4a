#include "agent/attribution/user_storage.h"

#include <algorithm>
#include <array>

#include "agent/attribution/host_files.h"

namespace llmsnoop::attribution {

namespace {

constexpr std::size_t kMaxPasswd = 4U << 20;
// Podman's default (containers-storage.conf(5), rootless_storage_path), by storage driver.
constexpr std::array<const char*, 2> kLists{"/.local/share/containers/storage/overlay-containers/containers.json",
                                            "/.local/share/containers/storage/vfs-containers/containers.json"};

// name:password:UID:GID:GECOS:directory:shell
constexpr std::size_t kUid = 2;
constexpr std::size_t kHome = 5;

std::string_view field(std::string_view line, std::size_t number) {
    for (; number > 0; --number) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return {};
        line.remove_prefix(colon + 1);
    }
    return line.substr(0, line.find(':'));
}

}  // namespace

std::string home_of(std::string_view passwd, std::uint32_t user) {
    const std::string wanted = std::to_string(user);
    while (!passwd.empty()) {
        const std::string_view line = passwd.substr(0, passwd.find('\n'));
        passwd.remove_prefix(std::min(line.size() + 1, passwd.size()));
        if (field(line, kUid) == wanted) return std::string(field(line, kHome));
    }
    return {};
}

std::optional<BundleFacts> find_in_user_storage(const std::string& root, std::uint32_t user, const std::string& id) {
    const auto passwd = read_below(root, "etc/passwd", kMaxPasswd);
    const std::string home = passwd ? home_of(*passwd, user) : "";
    if (!home.starts_with('/')) return std::nullopt;
    for (const char* list : kLists) {
        const auto text = read_below(root, home + list, kMaxBundleBytes, user);
        if (!text) continue;
        if (auto facts = read_storage_list(*text, id)) return facts;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::attribution
