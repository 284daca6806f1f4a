#include "agent/capture/live/uprobe_link.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace llmsnoop::capture::live {

// struct bpf_attr's link_create part with its uprobe_multi member (include/uapi/linux/bpf.h, 6.6).
int create_uprobe_link(int program, bpf_attach_type type, std::uint32_t multi_flags, const char* path,
                       std::uint64_t offset) {
    struct {
        std::uint32_t program, target, attach_type, flags;
        std::uint64_t path, offsets, reference_counters, cookies;
        std::uint32_t count, multi_flags, pid, padding;
    } attributes{};
    attributes.program = static_cast<std::uint32_t>(program);
    attributes.attach_type = type;
    attributes.multi_flags = multi_flags;
    attributes.path = reinterpret_cast<std::uint64_t>(path);
    attributes.offsets = reinterpret_cast<std::uint64_t>(&offset);
    attributes.count = 1;
    return static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes));
}

}  // namespace llmsnoop::capture::live
