#include "agent/capture/live/libbpf_messages.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

#include "agent/base/log.h"

namespace llmsnoop::capture::live {

namespace {

constexpr std::size_t kLinesKept = 4;

thread_local LibbpfMessages* t_collector = nullptr;

int on_message(libbpf_print_level level, const char* format, va_list arguments) {
    char line[1024];
    const int size = std::vsnprintf(line, sizeof line, format, arguments);
    std::string text(line, size < 0 ? 0 : std::min<std::size_t>(static_cast<std::size_t>(size), sizeof line - 1));
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    base::log::debug("{}", text);
    if (level == LIBBPF_WARN && t_collector != nullptr && !text.empty()) t_collector->add(std::move(text));
    return 0;
}

}  // namespace

LibbpfMessages::LibbpfMessages() {
    libbpf_set_print(on_message);
    t_collector = this;
}

LibbpfMessages::~LibbpfMessages() {
    t_collector = nullptr;
}

void LibbpfMessages::add(std::string line) {
    if (lines_.size() == kLinesKept) lines_.erase(lines_.begin());
    lines_.push_back(std::move(line));
}

std::string LibbpfMessages::last() const {
    std::string out;
    for (const std::string& line : lines_)
        out += (out.empty() ? "" : "; ") + line;
    return out.empty() ? "no further message" : out;
}

}  // namespace llmsnoop::capture::live
