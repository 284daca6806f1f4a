// ssl_client --storm: many processes that live for milliseconds, started at a steady rate; each makes what the other
// flags say. Most are forks, one in so many is executed anew, so that its libraries are mapped and its name is told
// again.
//
// ssl_client --crowd: many connections that are open at once, in one thread.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/clients/behaviours.h"
#include "tests/support/clients/exchange.h"
#include "tests/support/net/append.h"

namespace llmsnoop::support {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kMostAtOnce = 400;  // should the machine be too slow for the rate, processes must not pile up

struct Ends {
    unsigned long started = 0, whole = 0, failed = 0, killed = 0;  // killed: by a signal, a crash for example
    unsigned long running() const { return started - whole - failed - killed; }
};

void count_end(int status, Ends& ends) {
    if (WIFSIGNALED(status)) {
        ++ends.killed;
    } else if (WEXITSTATUS(status) == 0) {
        ++ends.whole;
    } else {
        ++ends.failed;
    }
}

void reap(Ends& ends, int flags) {
    int status = 0;
    while (ends.running() > 0) {
        const pid_t pid = waitpid(-1, &status, flags);
        if (pid <= 0 && errno != EINTR) return;
        if (pid > 0) count_end(status, ends);
        if (pid > 0 && flags == 0) return;
    }
}

[[noreturn]] void be_a_child(const TlsClient& client, const ClientOptions& options, bool executed) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    if (executed) {
        setenv(kStormChild, "1", 1);
        execv("/proc/self/exe", options.arguments);
        _exit(127);
    }
    const int status = play_sequence(client, options);
    std::fflush(stdout);
    _exit(status);
}

void report(const ExchangeReport& one, const ClientOptions& options) {
    if (!options.quiet) std::puts(to_json_line(one).c_str());
}

}  // namespace

int play_storm(const TlsClient& client, const ClientOptions& options) {
    const auto [rate, seconds] = options.storm;
    const auto began = Clock::now();
    const auto until = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    Ends ends;
    unsigned long most = 0;
    // By the clock, so that a pause of the machine is made up for.
    while (Clock::now() < until) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
        const auto due = static_cast<unsigned long>(elapsed * rate) + 1;
        while (ends.started < due && ends.running() < kMostAtOnce) {
            const bool executed = options.storm_exec != 0 && ends.started % options.storm_exec == 0;
            const pid_t pid = fork();
            if (pid == 0) be_a_child(client, options, executed);
            if (pid < 0) break;
            ++ends.started;
        }
        most = std::max(most, ends.running());
        reap(ends, WNOHANG);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    while (ends.running() > 0)
        reap(ends, 0);
    std::printf(
        "{\"summary\":{\"seconds\":%.2f,\"processes\":%lu,\"per_second\":%.1f,\"at_once\":%lu,\"whole\":%lu,"
        "\"failed\":%lu,\"killed\":%lu}}\n",
        took, ends.started, static_cast<double>(ends.started) / took, most, ends.whole, ends.failed, ends.killed);
    std::fflush(stdout);
    return ends.failed + ends.killed == 0 ? 0 : 1;
}

int play_crowd(const TlsClient& client, const ClientOptions& options) {
    struct Line {
        std::unique_ptr<Transport> transport;
        std::string early;
    };
    std::vector<Line> lines;
    for (unsigned i = 0; i < options.crowd; ++i) {
        auto transport = Transport::connect(client, options.transport);
        if (!transport) {
            std::fprintf(stderr, "ssl_client: connection %u: %s\n", i, transport.error().message.c_str());
            return 1;
        }
        lines.push_back({std::move(*transport), {}});
    }
    bool good = true;
    unsigned long exchanges = 0;
    for (unsigned round = 1; round <= options.exchanges; ++round) {
        std::vector<std::unique_ptr<Exchange>> made;
        for (unsigned i = 0; i < lines.size(); ++i) {
            std::string mark;
            append(mark, "#", getpid(), ".", i, ".", round, " ");
            made.push_back(std::make_unique<Exchange>(*lines[i].transport, options.plan, mark,
                                                      std::uint64_t{i} << 32 | round, options.write_size));
            good = made.back()->send() && good;
        }
        for (unsigned i = 0; i < lines.size(); ++i) {
            good = made[i]->receive_all(lines[i].early) && good;
            report(made[i]->report(i, round), options);
            ++exchanges;
        }
    }
    for (Line& line : lines)
        line.transport->shutdown();
    std::printf("{\"summary\":{\"connections\":%zu,\"exchanges\":%lu}}\n", lines.size(), exchanges);
    std::fflush(stdout);
    return good ? 0 : 1;
}

}  // namespace llmsnoop::support
