#pragma once
// A disk that fills up, by means of the file size limit of this process: write(2) then takes a part of what it is
// given, and after that nothing. Until destruction.
#include <sys/resource.h>

#include <csignal>

namespace llmsnoop::support {

class FullDisk {
 public:
    explicit FullDisk(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

 private:
    rlimit before_{};
};

}  // namespace llmsnoop::support
