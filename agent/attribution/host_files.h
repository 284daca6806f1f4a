#pragma once
// Files of the host below a root that may be another mount namespace's ("/proc/1/root"). Every link is followed as it
// would be by a process whose root that is (openat2(2), RESOLVE_IN_ROOT), so none leads out of it.
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fd.h"

namespace llmsnoop::attribution {

// The whole of a regular file. Nothing if there is none, if it cannot be read, if it is larger than `limit` bytes, or
// if it has another owner than the one that is wanted.
std::optional<std::string> read_below(const std::string& root, const std::string& path, std::size_t limit,
                                      std::optional<std::uint32_t> owner = std::nullopt);

// A socket in the file system, not opened but held: "/proc/self/fd/N" is a path to connect to. None if there is none.
base::Fd open_socket_below(const std::string& root, const std::string& path, struct stat& about);

// Names in a directory, at most `limit` of them, without "." and "..". Empty if there is no such directory.
std::vector<std::string> list_below(const std::string& root, const std::string& path, std::size_t limit);

}  // namespace llmsnoop::attribution
