#pragma once
// Names of containers that take a while to learn, and are not waited for: from the API of Docker or Podman, where their
// files tell nothing (another data directory), and from the files of users' own Podman, which lie where a user, or a
// file server, may make everybody wait.
//
// A thread of its own asks, one container after the other; it starts with the first question. Thread-safe. Bounded: in
// what is remembered, in questions that wait, in how long each takes; an engine that does not answer is left alone for
// a while, up to a minute.
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/attribution/bundle.h"
#include "agent/attribution/container_id.h"

namespace llmsnoop::attribution {

class LateNames {
 public:
    struct Options {
        std::vector<std::string> roots;    // of the host, as for Bundles
        std::vector<std::string> sockets;  // below a root: "run/docker.sock"
        std::chrono::milliseconds timeout{2000};
        std::chrono::milliseconds again{10'000};  // what is not known is asked for again
        std::size_t known = 8192;
        std::size_t waiting = 256;
    };

    explicit LateNames(Options options);
    ~LateNames();  // does not wait for somebody who hangs
    LateNames(const LateNames&) = delete;
    LateNames& operator=(const LateNames&) = delete;

    // What is known by now; otherwise it will be asked for, if anybody might know. Does not wait.
    std::optional<BundleFacts> find(const CgroupNames& names);

    static std::vector<std::string> usual_sockets();

 private:
    struct State;
    const std::shared_ptr<State> state_;
};

}  // namespace llmsnoop::attribution
