#include "agent/capture/live/live_source.h"

#include <ctime>
#include <limits>

#include "agent/capture/live/procfs.h"
#include "agent/capture/live/unseen.h"

namespace llmsnoop::capture::live {

namespace {

std::int64_t clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

constexpr std::int64_t kHousekeepingNs = 1'000'000'000;

}  // namespace

base::Result<std::unique_ptr<LiveSource>> LiveSource::open(const LiveOptions& options, model::LossCounters& losses) {
    std::unique_ptr<LiveSource> out(new LiveSource(losses));
    out->mute_ = options.mute;
    auto programs = Programs::load(detect_kernel_features(), options.programs);
    if (!programs) return programs.error();
    out->programs_ = std::move(*programs);
    out->decoder_.set_clock(base::Duration(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC)));
    for (unsigned i = 0; i < out->programs_->rings(); ++i) {
        auto reader = RingReader::open(out->programs_->ring_fd(i));
        if (!reader) return reader.error();
        out->readers_.push_back(std::move(*reader));
    }
    if (auto attached = out->programs_->attach_hooks(); !attached) return attached.error();
    out->files_ = std::make_unique<ProbedFiles>(*out->programs_);
    out->files_->trials().use_shards(out->shards());
    out->watch_ = std::make_unique<LibraryWatch>(options.programs.selection, options.libraries, *out->files_,
                                                 *out->programs_, losses);
    if (auto started = out->watch_->start(); !started) return started.error();
    return out;
}

LiveSource::~LiveSource() = default;

base::Result<Source::Status> LiveSource::poll(unsigned shard, base::Duration wait, EventOut out) {
    const auto count = readers_[shard]->read(wait, [&](base::Bytes record) {
        const auto event = decoder_.decode(record);
        if (!event) return;
        files_->trials().observe(shard, *event);
        out(*event);
    });
    if (!count) return count.error();
    once_a_second();
    return *count > 0 ? Status::busy : Status::idle;
}

void LiveSource::once_a_second() {
    const std::unique_lock lock(housekeeping_, std::try_to_lock);
    const std::int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (!lock || now - last_housekeeping_ns_ < kHousekeepingNs) return;
    last_housekeeping_ns_ = now;
    decoder_.set_clock(base::Duration(clock_ns(CLOCK_REALTIME) - now));
    take_kernel_losses();
}

void LiveSource::settle() {
    const std::lock_guard lock(housekeeping_);
    take_kernel_losses();
}

void LiveSource::take_kernel_losses() {
    const std::vector<std::uint64_t> counts = programs_->losses();
    kernel_losses_.resize(counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i) {
        losses_.add(loss_of_wire(static_cast<std::uint32_t>(i)), counts[i] - kernel_losses_[i]);
        kernel_losses_[i] = counts[i];
    }
    const std::uint64_t skipped = programs_->skipped_runs();
    losses_.add(model::Loss::program_skipped, skipped - skipped_runs_);
    skipped_runs_ = skipped;
}

void LiveSource::mute(model::ConnectionId connection, model::Direction direction, std::optional<std::uint64_t> until) {
    if (mute_) programs_->mute(connection, direction, until.value_or(std::numeric_limits<std::uint64_t>::max()));
}

void LiveSource::released(model::ConnectionId connection) {
    programs_->forget(connection);
}

std::optional<model::BlindCause> LiveSource::why_unseen(const model::ProcessKey& process) {
    // Another process may have its number by now; it began later, and the clock ticks once in 10 ms.
    constexpr std::uint64_t kTick = 20'000'000;
    const auto stat = read_stat(process.pid);
    if (!stat || stat->start_boot_ns > process.start_boot_ns + kTick) return std::nullopt;
    return live::why_unseen(process.pid, *files_);
}

}  // namespace llmsnoop::capture::live
