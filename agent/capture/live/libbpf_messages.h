#pragma once
// Collects what libbpf says on this thread while the object lives, so that it can become part of an Error instead of
// noise on stderr. Thread-safe: other threads' messages go to the debug log.
#include <string>
#include <vector>

namespace llmsnoop::capture::live {

class LibbpfMessages {
 public:
    LibbpfMessages();
    ~LibbpfMessages();
    LibbpfMessages(const LibbpfMessages&) = delete;
    LibbpfMessages& operator=(const LibbpfMessages&) = delete;

    // The last few lines that explain a failure, joined.
    std::string last() const;
    void add(std::string line);

 private:
    std::vector<std::string> lines_;
};

}  // namespace llmsnoop::capture::live
