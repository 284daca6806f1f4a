// syscall_loop KIND: nanoseconds of CPU that one call takes, measured anew for each line that arrives on stdin.
//
//   file    pread-like reads of 256 bytes from /dev/zero
//   socket  256 bytes sent and received over a TCP connection of this process with itself, which began with a request
//
// Prints READY PID, and for each line the least of some batches: what else runs on the machine can only add to it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

#include "agent/base/fd.h"

namespace {

using llmsnoop::base::Fd;

constexpr unsigned kBatches = 15;
constexpr unsigned kCalls = 20000;  // in a batch
constexpr std::size_t kBytes = 256;

double cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Pair {
    Fd client, server;
};

Pair connected() {
    const Fd listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener.get(), 1) != 0)
        return {};
    getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    Pair out;
    out.client.reset(socket(AF_INET, SOCK_STREAM, 0));
    if (connect(out.client.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
    out.server.reset(accept(listener.get(), nullptr, nullptr));
    return out;
}

// Makes `calls` calls.
struct Files {
    Fd zero{open("/dev/zero", O_RDONLY)};
    bool run(unsigned calls) const {
        std::array<char, kBytes> buffer{};
        for (unsigned i = 0; i < calls; ++i) {
            if (read(zero.get(), buffer.data(), buffer.size()) != static_cast<ssize_t>(kBytes)) return false;
        }
        return true;
    }
};

struct Sockets {
    Pair pair;
    std::array<char, kBytes> bytes{};
    bool begin() {
        pair = connected();  // a connection for each measurement, so that one which was met late is not the next
        constexpr std::string_view kHead =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 1000000000000\r\n\r\n";
        std::array<char, kHead.size()> head{};
        bytes.fill(' ');
        return pair.server && write(pair.client.get(), kHead.data(), kHead.size()) > 0 &&
               read(pair.server.get(), head.data(), head.size()) > 0;
    }
    bool run(unsigned calls) {
        for (unsigned i = 0; i < calls; i += 2) {
            if (write(pair.client.get(), bytes.data(), kBytes) != static_cast<ssize_t>(kBytes)) return false;
            if (read(pair.server.get(), bytes.data(), kBytes) != static_cast<ssize_t>(kBytes)) return false;
        }
        return true;
    }
};

template <typename Loop>
double least(Loop& loop) {
    double out = 1e18;
    for (unsigned i = 0; i < kBatches; ++i) {
        const double before = cpu_ns();
        if (!loop.run(kCalls)) return -1;
        out = std::min(out, (cpu_ns() - before) / kCalls);
    }
    return out;
}

}  // namespace

int main(int count, char** words) {
    const std::string_view kind = count > 1 ? words[1] : "";
    if (kind != "file" && kind != "socket") {
        std::fprintf(stderr, "usage: syscall_loop file|socket\n");
        return 2;
    }
    std::printf("READY %d\n", getpid());
    std::fflush(stdout);
    std::array<char, 16> line{};
    while (std::fgets(line.data(), line.size(), stdin) != nullptr) {
        double ns = -1;
        if (kind == "file") {
            Files files;
            ns = least(files);
        } else {
            Sockets sockets;
            if (sockets.begin()) ns = least(sockets);
        }
        std::printf("%.1f\n", ns);
        std::fflush(stdout);
    }
    return 0;
}
