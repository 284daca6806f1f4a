#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "agent/app/agent.h"
#include "agent/app/commands.h"
#include "agent/app/deadline.h"
#include "agent/app/live.h"
#include "agent/app/signals.h"
#include "agent/app/version.h"
#include "agent/attribution/process_table.h"
#include "agent/base/log.h"
#include "agent/capture/tape_writer.h"
#include "agent/policy/credential_mask.h"

namespace llmsnoop::app {

namespace {

constexpr auto kFlushEvery = std::chrono::seconds(1);
constexpr base::Duration kLongestWait = std::chrono::milliseconds(200);

// Masks credentials on their way to the tape, each direction of each connection on its own.
class TapeMask {
 public:
    void operator()(const model::Chunk& chunk, std::span<std::uint8_t> bytes) {
        Stream& stream = streams_[{chunk.connection, chunk.direction}];
        if (chunk.offset != stream.next) stream.mask.skip();
        stream.mask.mask(bytes);
        stream.next = chunk.offset + bytes.size();
    }
    void closed(model::ConnectionId connection) {
        streams_.erase({connection, model::Direction::sent});
        streams_.erase({connection, model::Direction::received});
    }

 private:
    struct Stream {
        policy::CredentialMask mask;
        std::uint64_t next = 0;
    };
    std::map<std::pair<model::ConnectionId, model::Direction>, Stream> streams_;
};

struct Recording {
    capture::TapeWriter tape;
    attribution::ProcessTable& processes;
    TapeMask& mask;
    std::optional<base::Error> failure;
    std::uint64_t events = 0;

    void take(const model::CaptureEvent& event) {
        if (failure) return;
        base::Result<void> written;
        if (const auto* seen = std::get_if<model::ProcessSeen>(&event)) {
            // What only the live machine knows goes onto the tape with the process.
            written = tape.append(model::ProcessSeen{seen->time, processes.seen(seen->process)});
        } else {
            written = tape.append(event);
        }
        if (const auto* closed = std::get_if<model::ConnectionClosed>(&event)) mask.closed(closed->id);
        if (!written) failure = written.error();
        ++events;
    }
};

base::Result<void> record(const RecordOptions& options) {
    const auto config = options.config();
    if (!config) return config.error();
    set_log_level(*config);
    const auto duration = options.duration();
    if (!duration) return duration.error();

    std::atomic<bool> stop{false};
    const Signals signals([&] { stop = true; });
    model::LossCounters losses;
    auto source = open_live(*config, Shards::one, losses);
    if (!source) return source.error();

    TapeMask mask;
    capture::TapeOptions tape_options;
    if (!options.keep_credentials) tape_options.mask = std::ref(mask);
    capture::TapeHeader header;
    header.created = base::now();
    header.node = node_name(*config);
    header.agent_version = std::string("llmsnoop ") + kVersion;
    auto tape = capture::TapeWriter::create(options.file, header, tape_options);
    if (!tape) return tape.error();
    attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events_and_proc, losses);
    Recording recording{std::move(*tape), processes, mask, {}, 0};

    std::optional<Deadline> deadline;
    if (*duration) deadline.emplace(**duration, [&] { stop = true; });
    base::log::info("recording to {}: prompts and completions are in it; Ctrl-C ends it", options.file);
    if (!options.keep_credentials) {
        base::log::warn(
            "credentials are masked where they can be read; not in HTTP/2 header blocks (HPACK), compressed bodies and "
            "the "
            "masked frames of WebSocket clients, which are kept as they are");
    }
    auto flushed = std::chrono::steady_clock::now();
    for (bool last = false; !last && !recording.failure;) {
        last = stop;  // one more round, for what came before the signal
        const auto status = (*source)->poll(0, last ? base::Duration(0) : kLongestWait,
                                            [&](const model::CaptureEvent& event) { recording.take(event); });
        if (!status) return status.error();
        if (std::chrono::steady_clock::now() - flushed < kFlushEvery && !last) continue;
        flushed = std::chrono::steady_clock::now();
        if (auto done = recording.tape.flush(); !done) return done;
    }
    (*source)->settle();
    if (recording.failure) return *recording.failure;
    base::log::info("{} events, {} bytes; lost: {}", recording.events, recording.tape.bytes_written(),
                    describe_losses(losses));
    return {};
}

}  // namespace

int record_command(const RecordOptions& options) {
    if (auto done = record(options); !done) return report(done.error());
    return kSuccess;
}

}  // namespace llmsnoop::app
