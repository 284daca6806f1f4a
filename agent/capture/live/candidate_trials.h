#pragma once
// Functions that were found by the structure of a file's code, and not by a name, are on trial: until what they move
// shows that they are those of a TLS library, the file may be mistaken for one that has it.
//
// It shows by the first bytes of a connection, which are HTTP's, or by a socket: the kernel programs tie one to a
// connection only where it is used within the calls, or sends exactly the ciphertext of what they were given. One
// connection proves it for good. Many of them without either refute it.
//
// begin() and end() are thread-safe; observe() may be called by one thread for each shard.
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "agent/capture/live/procfs.h"
#include "agent/model/capture_event.h"

namespace llmsnoop::capture::live {

class CandidateTrials {
 public:
    enum class Verdict : std::uint8_t { proved, refuted };

    static constexpr unsigned kStrikes = 32;                // connections without proof that refute a file
    static constexpr std::uint64_t kEnoughBytes = 1 << 16;  // of one of them, in either direction
    static constexpr std::size_t kWatched = 1024;           // connections at once, of a shard

    // The executable of a process; nothing if that is gone.
    using FileOf = std::function<std::optional<FileId>(std::uint32_t pid)>;
    using Out = std::function<void(const FileId&, Verdict)>;

    // `out` is called from observe(), once for a file.
    CandidateTrials(FileOf file_of, Out out) : file_of_(std::move(file_of)), out_(std::move(out)) {}

    // Before the first observe().
    void use_shards(unsigned count) { shards_.resize(count); }

    void begin(const FileId& file, const std::vector<model::Library>& libraries);
    void end(const FileId& file);

    void observe(unsigned shard, const model::CaptureEvent& event);

 private:
    struct Connection {
        FileId file;
        std::uint64_t bytes = 0;
    };
    using Shard = std::unordered_map<model::ConnectionId, Connection>;
    struct Trial {
        unsigned libraries = 0;  // bits, by model::Library
        unsigned strikes = 0;
    };

    void opened(Shard& shard, const model::ConnectionOpened& event);
    void moved(Shard& shard, const model::Chunk& event);
    void decide(Shard& shard, Shard::iterator at, bool proved);
    void count_libraries();  // with `mutex_` held

    FileOf file_of_;
    Out out_;
    std::vector<Shard> shards_;
    std::atomic<unsigned> libraries_{0};  // of all trials
    std::mutex mutex_;
    std::map<FileId, Trial> trials_;
};

// Is this how an HTTP connection begins, in either direction?
bool begins_like_http(base::Bytes bytes);

}  // namespace llmsnoop::capture::live
