#pragma once
// The one way to open recorded traffic: a tape, a pcap or a pcapng file, each perhaps compressed with gzip or zstd.
#include <memory>
#include <optional>
#include <string>

#include "agent/capture/source.h"
#include "agent/capture/tape_format.h"
#include "agent/capture/tcp_tracker.h"

namespace llmsnoop::capture {

// What a file is, its first bytes tell; its name does not matter. "-" is standard input; a pipe is read as it fills.
//
// The source has one shard and keeps the order of the file. It reads in pieces, so memory does not grow with the file.
// Files that are damaged or end early give what can be read of them; the losses say what could not. For a regular file
// that is no recording at all, opening fails; for a pipe, the first `poll` that has seen enough of it.
//
// `losses` must outlive the source.
base::Result<std::unique_ptr<Source>> open_capture_file(const std::string& path, model::LossCounters& losses,
                                                        const TcpLimits& limits = {});

// What a tape says about itself, read without playing it. Nothing: the file is no tape, is damaged at its beginning, or
// is a pipe, which cannot be read twice.
std::optional<TapeHeader> tape_header_of(const std::string& path);

}  // namespace llmsnoop::capture
