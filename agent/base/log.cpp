#include "agent/base/log.h"

#include <unistd.h>

#include <atomic>

#include "agent/base/clock.h"
#include "agent/base/printable.h"

namespace llmsnoop::base::log {

namespace {

std::atomic<Level> g_level{Level::info};

const char* name_of(Level level) {
    switch (level) {
        case Level::error:
            return "error";
        case Level::warn:
            return "warn";
        case Level::info:
            return "info";
        case Level::debug:
            return "debug";
    }
    return "?";
}

}  // namespace

void set_level(Level level) {
    g_level.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) {
    return level <= g_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
    if (!enabled(level)) return;
    const std::string line = fmt::format("{} {:5} {}\n", rfc3339(now()), name_of(level), printable(message));
    // A log line that cannot be written has nowhere to be reported.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace llmsnoop::base::log
