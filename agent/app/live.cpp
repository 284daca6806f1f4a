#include "agent/app/live.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "agent/app/select.h"
#include "agent/base/log.h"

namespace llmsnoop::app {

namespace {

// One worker keeps up with several busy cores; more of them only help where there are many.
unsigned default_rings() {
    return std::bit_floor(std::clamp(std::thread::hardware_concurrency() / 8, 1U, 8U));
}

// Of this thread, and so of all that it starts from here on. Without CAP_SYS_NICE it stays as it is. Where the
// scheduler groups tasks by session (sched(7), autogroup), a nice value counts within the session only; that of the
// group counts too, and is ours to set if the session is.
void set_priority(const Config& config) {
    if (setpriority(PRIO_PROCESS, 0, static_cast<int>(config.capture.nice)) != 0) {
        base::log::debug("capture.nice: {}", std::string(std::strerror(errno)));
        return;
    }
    if (getsid(0) == getpid()) std::ofstream("/proc/self/autogroup") << config.capture.nice;
}

// Each file with probes takes some ten descriptors, and the usual limit is 1024. Nobody who is refused one would notice
// but by what is not captured.
void allow_descriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) base::log::debug("RLIMIT_NOFILE: {}", std::string(std::strerror(errno)));
}

}  // namespace

base::Result<std::unique_ptr<capture::live::LiveSource>> open_live(const Config& config, Shards shards,
                                                                   model::LossCounters& losses) {
    set_priority(config);
    allow_descriptors();
    capture::live::LiveOptions options;
    auto selection = make_selection(config);
    if (!selection) return selection.error();
    options.programs.selection = std::move(*selection);
    options.programs.rings = config.capture.rings != 0 ? static_cast<unsigned>(config.capture.rings) : default_rings();
    if (shards == Shards::one) options.programs.rings = 1;
    options.programs.ring_bytes = config.capture.ring_bytes;
    options.programs.call_limit = config.capture.call_limit_bytes;
    options.programs.socket_hook = capture::live::socket_hook_named(config.capture.socket_hook);
    options.programs.plain_hook = capture::live::plain_hook_named(config.capture.plain_tcp);
    options.programs.nobody_mutes = shards == Shards::one;  // a tape is written without a pipeline
    options.mute = config.capture.mute;
    options.libraries = config.capture.libraries;
    return capture::live::LiveSource::open(options, losses);
}

void set_log_level(const Config& config) {
    using base::log::Level;
    const std::string& level = config.log.level;
    base::log::set_level(level == "error"   ? Level::error
                         : level == "warn"  ? Level::warn
                         : level == "debug" ? Level::debug
                                            : Level::info);
}

}  // namespace llmsnoop::app
