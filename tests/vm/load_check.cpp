// bpf_load_check: what this kernel's verifier says of each BPF program by itself. One line per program on stdout,
// "NAME accepted STEPS" or "NAME refused 0"; STEPS: how many instructions the verifier looked at, of the million that
// it does. The end of the verifier's log of those refused on stderr. Needs root.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"
// The skeleton uses the types of the two headers above.
#include "llmsnoop.skel.h"

namespace {

// enum bpf_attach_type since 6.13; bookworm's headers do not have it yet.
constexpr auto kUprobeSession = static_cast<bpf_attach_type>(57);
constexpr std::size_t kLinesShown = 12;
constexpr __u32 kOnlyStatistics = 4;  // BPF_LOG_STATS of the kernel's bpf_verifier.h
constexpr unsigned kEntries = 64;     // in each table: the real sizes only cost time here

std::string messages;

int keep_message(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    std::vector<char> text(1 << 20);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    messages += text.data();
    return 0;
}

void show_end_of_messages(const char* name) {
    std::size_t at = messages.size();
    for (std::size_t lines = 0; at > 0 && lines <= kLinesShown; --at)
        lines += messages[at - 1] == '\n' ? 1 : 0;
    std::fprintf(stderr, "%s:\n%s\n", name, messages.c_str() + at);
}

std::vector<std::string> program_names() {
    std::vector<std::string> out;
    llmsnoop_bpf* skeleton = llmsnoop_bpf__open();
    if (skeleton == nullptr) return out;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) out.emplace_back(bpf_program__name(program));
    llmsnoop_bpf__destroy(skeleton);
    return out;
}

// As the agent sets them where everything is in use: the verifier leaves out what a 0 here switches off.
knobs everything_in_use(unsigned receive_arguments) {
    knobs out{};
    out.select = SELECT_PID | SELECT_CGROUP | SELECT_COMM | SELECT_EXE | SELECT_UID;
    out.with_children = 1;
    out.own_pid = static_cast<__u32>(getpid());
    out.cgroups = SELECT_CGROUPS_MAX;
    out.ring_mask = RINGS_MAX - 1;
    out.receive_arguments = receive_arguments;
    out.plain_tells_sockets = 1;
    out.wake_bytes = 1 << 20;
    out.call_limit = CALL_LIMIT_MAX;
    return out;
}

// How many instructions the verifier looked at, by its log's last words; none: refused.
std::optional<unsigned> steps_of_loading(const std::string& wanted, unsigned receive_arguments) {
    llmsnoop_bpf* skeleton = llmsnoop_bpf__open();
    if (skeleton == nullptr) return std::nullopt;
    std::vector<char> log(1 << 16);
    skeleton->rodata->knobs = everything_in_use(receive_arguments);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        const std::string name = bpf_program__name(program);
        bpf_program__set_autoload(program, name == wanted);
        if (name == wanted) {
            bpf_program__set_log_level(program, kOnlyStatistics);
            bpf_program__set_log_buf(program, log.data(), log.size());
        }
        if (name.find("_session") != std::string::npos) bpf_program__set_expected_attach_type(program, kUprobeSession);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        if (bpf_map__max_entries(map) > kEntries && bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF)
            bpf_map__set_max_entries(map, kEntries);
    }
    const bool loaded = llmsnoop_bpf__load(skeleton) == 0;
    llmsnoop_bpf__destroy(skeleton);
    if (!loaded) {
        messages += log.data();
        return std::nullopt;
    }
    const char* said = std::strstr(log.data(), "processed ");
    return said == nullptr ? 0 : static_cast<unsigned>(std::strtoul(said + std::strlen("processed "), nullptr, 10));
}

}  // namespace

int main() {
    libbpf_set_print(keep_message);
    const std::vector<std::string> names = program_names();
    for (const std::string& name : names) {
        std::optional<unsigned> steps;
        // How many tcp_recvmsg() takes: 6 until 5.18, then 5, in some 4. The agent looks it up; here one of them must
        // do.
        for (unsigned receive_arguments = 6; !steps && receive_arguments >= 4; --receive_arguments) {
            messages.clear();
            steps = steps_of_loading(name, receive_arguments);
        }
        std::printf("%s %s %u\n", name.c_str(), steps ? "accepted" : "refused", steps.value_or(0));
        std::fflush(stdout);
        if (!steps) show_end_of_messages(name.c_str());
    }
    return names.empty() ? 1 : 0;
}
