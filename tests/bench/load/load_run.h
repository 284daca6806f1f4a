#pragma once
// One timed run of load against llm_server: threads, each with a keep-alive connection of its own, that make exchanges
// back to back. The program does as little as it can with what it receives, so that the calls of SSL dominate.
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/clients/transport.h"

namespace llmsnoop::bench {

enum class Mode : std::uint8_t {
    stream,  // server-sent events, one per SSL_write, as fast as they come
    json,    // documents of about 2 KB
    bulk,    // downloads of `bulk_size`, in full TLS records
    paced,   // streams with `gap_us` between events: what a model's own pace costs
};

struct LoadPlan {
    support::TransportOptions transport;
    Mode mode = Mode::stream;
    unsigned threads = 4;
    double seconds = 5;
    unsigned chunks = 200;
    unsigned gap_us = 1000;
    std::size_t prompt_bytes = 4096;
    std::string bulk_size = "64M";
};

struct LoadResult {
    double seconds = 0;  // from the start to the end of the last exchange begun in time
    std::uint64_t exchanges = 0;
    std::uint64_t failures = 0;      // threads that had to give up
    std::uint64_t input_tokens = 0;  // as the answers said: the ground truth for a tool that counts
    std::uint64_t output_tokens = 0;
    support::CallCounts calls;
    std::vector<float> latencies_ms;  // sorted
    std::vector<float> first_ms;      // to the first byte of the body, sorted
    double cpu_user_s = 0;            // of this process
    double cpu_system_s = 0;
};

// Connects, then starts all threads at once. `run` marks this run's requests, so that none comes twice.
LoadResult run_load(const support::TlsClient& client, const LoadPlan& plan, unsigned run);

std::string to_json(const LoadPlan& plan, const LoadResult& result);

}  // namespace llmsnoop::bench
