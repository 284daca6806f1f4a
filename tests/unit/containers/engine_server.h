#pragma once
// An HTTP server over a Unix socket that answers as a test wants: well as the Docker Engine API documents it, or badly.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/fd.h"

namespace llmsnoop::attribution {

class EngineServer {
 public:
    // Writes to the client until it has enough; false: the client is gone, or the server shall end.
    using Write = std::function<bool(const std::string&)>;
    // `target` is that of the request line.
    using Answer = std::function<void(const std::string& target, const Write& write)>;

    EngineServer(const std::string& path, Answer answer) : answer_(std::move(answer)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        unlink(path.c_str());
        listener_ = base::Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ok_ = bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
              listen(listener_.get(), 16) == 0;
        thread_ = std::thread([this] { serve(); });
    }
    ~EngineServer() {
        stop_.store(true);
        thread_.join();
    }
    EngineServer(const EngineServer&) = delete;
    EngineServer& operator=(const EngineServer&) = delete;

    bool ok() const { return ok_; }
    bool stopping() const { return stop_.load(); }

    // The targets that were asked for so far.
    std::vector<std::string> asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

    static std::string reply(const std::string& status, const std::string& body) {
        return "HTTP/1.1 " + status +
               "\r\nApi-Version: 1.47\r\nContent-Type: application/json\r\nDocker-Experimental: false\r\nOstype: "
               "linux\r\nServer: Docker/27.3.1 (linux)\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }

 private:
    bool readable(int fd) const {
        pollfd one{fd, POLLIN, 0};
        while (!stop_.load()) {
            if (poll(&one, 1, 20) > 0) return true;
        }
        return false;
    }

    void serve() {
        while (readable(listener_.get())) {
            const base::Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            std::string head;
            char buffer[4096];
            while (client && head.find("\r\n\r\n") == std::string::npos && readable(client.get())) {
                const ssize_t got = recv(client.get(), buffer, sizeof buffer, 0);
                if (got <= 0) break;
                head.append(buffer, static_cast<std::size_t>(got));
            }
            const std::size_t begin = head.find(' ') + 1;
            const std::string target = head.substr(begin, head.find(' ', begin) - begin);
            {
                const std::lock_guard lock(mutex_);
                asked_.push_back(head.substr(0, begin) + target);
            }
            answer_(target, [&](const std::string& text) {
                for (std::size_t at = 0; at < text.size();) {
                    if (stop_.load()) return false;
                    pollfd one{client.get(), POLLOUT, 0};
                    if (poll(&one, 1, 20) <= 0) continue;
                    const ssize_t sent = send(client.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
                    if (sent <= 0) return false;
                    at += static_cast<std::size_t>(sent);
                }
                return true;
            });
        }
    }

    Answer answer_;
    base::Fd listener_;
    bool ok_ = false;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
    std::thread thread_;
};

}  // namespace llmsnoop::attribution
