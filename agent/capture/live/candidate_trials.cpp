#include "agent/capture/live/candidate_trials.h"

#include <utility>

#include "agent/capture/tcp_first_bytes.h"

namespace llmsnoop::capture::live {

namespace {

unsigned bit_of(model::Library library) {
    return 1U << static_cast<unsigned>(library);
}

}  // namespace

bool begins_like_http(base::Bytes bytes) {
    if (kind_of_first_bytes(bytes) != FirstBytes::unknown) return true;
    // RFC 9113, section 3.4: a server's preface is a SETTINGS frame, on stream 0, of settings of 6 bytes each.
    constexpr std::size_t kFrameHeader = 9;
    constexpr std::uint8_t kSettings = 4, kMostSettings = 64;
    if (bytes.size() < kFrameHeader || bytes[0] != 0 || bytes[1] != 0 || bytes[3] != kSettings) return false;
    for (std::size_t i = 4; i < kFrameHeader; ++i) {
        if (bytes[i] != 0) return false;
    }
    return bytes[2] % 6 == 0 && bytes[2] / 6 <= kMostSettings;
}

void CandidateTrials::begin(const FileId& file, const std::vector<model::Library>& libraries) {
    const std::lock_guard lock(mutex_);
    Trial& trial = trials_[file];
    for (const model::Library one : libraries)
        trial.libraries |= bit_of(one);
    count_libraries();
}

void CandidateTrials::end(const FileId& file) {
    const std::lock_guard lock(mutex_);
    trials_.erase(file);
    count_libraries();
}

void CandidateTrials::count_libraries() {
    unsigned all = 0;
    for (const auto& [file, trial] : trials_)
        all |= trial.libraries;
    libraries_ = all;
}

void CandidateTrials::observe(unsigned shard_number, const model::CaptureEvent& event) {
    Shard& shard = shards_[shard_number];
    if (const auto* opening = std::get_if<model::ConnectionOpened>(&event)) {
        if ((libraries_.load(std::memory_order_relaxed) & bit_of(opening->library)) != 0) opened(shard, *opening);
        return;
    }
    if (shard.empty()) return;
    if (const auto* chunk = std::get_if<model::Chunk>(&event)) return moved(shard, *chunk);
    if (const auto* addressed = std::get_if<model::ConnectionAddressed>(&event)) {
        if (const auto at = shard.find(addressed->id); at != shard.end()) decide(shard, at, true);
    } else if (const auto* closed = std::get_if<model::ConnectionClosed>(&event)) {
        const auto at = shard.find(closed->id);
        if (at == shard.end()) return;
        if (at->second.bytes > 0)
            decide(shard, at, false);
        else
            shard.erase(at);
    }
}

void CandidateTrials::opened(Shard& shard, const model::ConnectionOpened& event) {
    if (!event.process || shard.size() >= kWatched) return;
    const auto file = file_of_(event.process->pid);
    if (!file) return;
    {
        const std::lock_guard lock(mutex_);
        if (!trials_.contains(*file)) return;
    }
    shard.insert_or_assign(event.id, Connection{*file, 0});
}

void CandidateTrials::moved(Shard& shard, const model::Chunk& event) {
    const auto at = shard.find(event.connection);
    if (at == shard.end()) return;
    if (event.offset == 0 && begins_like_http(event.bytes)) return decide(shard, at, true);
    at->second.bytes += event.length;
    if (at->second.bytes >= kEnoughBytes) decide(shard, at, false);
}

void CandidateTrials::decide(Shard& shard, Shard::iterator at, bool proved) {
    const FileId file = at->second.file;
    shard.erase(at);
    {
        const std::lock_guard lock(mutex_);
        const auto trial = trials_.find(file);
        if (trial == trials_.end()) return;  // decided meanwhile
        if (!proved && ++trial->second.strikes < kStrikes) return;
        trials_.erase(trial);
        count_libraries();
    }
    out_(file, proved ? Verdict::proved : Verdict::refuted);
}

}  // namespace llmsnoop::capture::live
