// bpf_load_check: what this kernel's verifier says of each BPF program by itself. One line per program on stdout,
// "NAME accepted" or "NAME refused"; the end of the verifier's log of those refused on stderr. Needs root.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
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
constexpr unsigned kEntries = 64;  // in each table: the real sizes only cost time here

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

bool loads(const std::string& wanted) {
    llmsnoop_bpf* skeleton = llmsnoop_bpf__open();
    if (skeleton == nullptr) return false;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        const std::string name = bpf_program__name(program);
        bpf_program__set_autoload(program, name == wanted);
        if (name.find("_session") != std::string::npos) bpf_program__set_expected_attach_type(program, kUprobeSession);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton->obj) {
        if (bpf_map__max_entries(map) > kEntries && bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF)
            bpf_map__set_max_entries(map, kEntries);
    }
    const bool loaded = llmsnoop_bpf__load(skeleton) == 0;
    llmsnoop_bpf__destroy(skeleton);
    return loaded;
}

}  // namespace

int main() {
    libbpf_set_print(keep_message);
    const std::vector<std::string> names = program_names();
    for (const std::string& name : names) {
        messages.clear();
        const bool loaded = loads(name);
        std::printf("%s %s\n", name.c_str(), loaded ? "accepted" : "refused");
        std::fflush(stdout);
        if (!loaded) show_end_of_messages(name.c_str());
    }
    return names.empty() ? 1 : 0;
}
