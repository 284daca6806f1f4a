#pragma once
// Files of the host below a root that may be another mount namespace's ("/proc/1/root"). Every link is followed as it
// would be by a process whose root that is (openat2(2), RESOLVE_IN_ROOT), so none leads out of it.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace llmsnoop::attribution {

// The whole of a regular file. Nothing if there is none, if it cannot be read, or if it is larger than `limit` bytes.
std::optional<std::string> read_below(const std::string& root, const std::string& path, std::size_t limit);

// Names in a directory, at most `limit` of them, without "." and "..". Empty if there is no such directory.
std::vector<std::string> list_below(const std::string& root, const std::string& path, std::size_t limit);

}  // namespace llmsnoop::attribution
