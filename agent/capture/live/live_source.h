#pragma once
// The live capture source: kernel programs, probes on TLS libraries, ring buffers. Needs the privileges and the kernel
// that `llmsnoop doctor` asks for.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/capture/live/library_watch.h"
#include "agent/capture/live/probed_files.h"
#include "agent/capture/live/programs.h"
#include "agent/capture/live/ring_reader.h"
#include "agent/capture/record_decoder.h"
#include "agent/capture/source.h"
#include "agent/model/loss.h"

namespace llmsnoop::capture::live {

struct LiveOptions {
    ProgramOptions programs;
    std::vector<std::string> libraries;  // probed in any case
    bool mute = true;                    // false: what the pipeline has no use for is delivered all the same
};

class LiveSource final : public Source {
 public:
    static base::Result<std::unique_ptr<LiveSource>> open(const LiveOptions& options, model::LossCounters& losses);
    ~LiveSource() override;

    unsigned shards() const override { return static_cast<unsigned>(readers_.size()); }
    base::Result<Status> poll(unsigned shard, base::Duration wait, EventOut out) override;
    void mute(model::ConnectionId connection, model::Direction direction, std::optional<std::uint64_t> until) override;
    void settle() override;
    void released(model::ConnectionId connection) override;
    std::optional<model::BlindCause> why_unseen(const model::ProcessKey& process) override;

    std::vector<ProbedFiles::Report> probed_files() const { return files_->report(); }
    const Programs& programs() const { return *programs_; }

 private:
    explicit LiveSource(model::LossCounters& losses) : losses_(losses), decoder_(losses) {}
    void once_a_second();
    void take_kernel_losses();  // with `housekeeping_` held

    model::LossCounters& losses_;
    bool mute_ = true;
    RecordDecoder decoder_;
    std::unique_ptr<Programs> programs_;
    std::unique_ptr<ProbedFiles> files_;
    std::unique_ptr<LibraryWatch> watch_;
    std::vector<std::unique_ptr<RingReader>> readers_;

    std::mutex housekeeping_;
    std::vector<std::uint64_t> kernel_losses_;  // already added to losses_
    std::uint64_t skipped_runs_ = 0;
    std::int64_t last_housekeeping_ns_ = 0;
};

}  // namespace llmsnoop::capture::live
