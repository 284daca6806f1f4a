#pragma once
// Links of the kinds that libbpf 1.1 does not know, made by the system call itself.
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstdint>

namespace llmsnoop::capture::live {

// enum bpf_attach_type since 6.6 and 6.13, and a flag of such links; bookworm's headers do not have them yet.
inline constexpr auto kUprobeMulti = static_cast<bpf_attach_type>(48);
inline constexpr auto kUprobeSession = static_cast<bpf_attach_type>(57);
inline constexpr std::uint32_t kMultiReturn = 1;

// A descriptor, or -1 and errno.
int create_uprobe_link(int program, bpf_attach_type type, std::uint32_t multi_flags, const char* path,
                       std::uint64_t offset);

}  // namespace llmsnoop::capture::live
