#pragma once
// Where the floor's probes stand: the internal functions that libssl's exported calls lead to with their arguments in
// place. In Debian's libssl those begin with a push, which the kernel emulates; the exported ones begin with a sub,
// which it must single-step.
#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace llmsnoop::bench {

struct ProbeSites {
    std::uint64_t read = 0;  // file offsets
    std::uint64_t write = 0;
};

// From the first direct calls in SSL_read and SSL_write. An error where SSL_read_ex and SSL_write_ex do not lead to the
// same functions: then this library is laid out in a way that this program does not know.
base::Result<ProbeSites> find_internal_sites(const std::string& libssl);

}  // namespace llmsnoop::bench
