#pragma once
// Names of containers that a user's own (rootless) Podman keeps below the user's home directory. What stands there is
// the user's word, and is believed about containers in that user's cgroups only. May block as long as the file system
// does.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/attribution/bundle.h"

namespace llmsnoop::attribution {

// Nothing if the user is not in /etc/passwd below the root, or if the list is not there, or not that user's own file.
std::optional<BundleFacts> find_in_user_storage(const std::string& root, std::uint32_t user, const std::string& id);

// The home directory of a user in the text of a passwd(5) file; empty if it has none.
std::string home_of(std::string_view passwd, std::uint32_t user);

}  // namespace llmsnoop::attribution
