#pragma once
// What ssl_client's flags say.
#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/clients/model_call.h"
#include "tests/support/clients/transport.h"

namespace llmsnoop::support {

struct ClientOptions {
    TransportOptions transport;
    CallPlan plan;
    std::string libssl;
    std::string authority;
    unsigned exchanges = 1;    // on a connection
    unsigned connections = 1;  // one after the other
    std::size_t write_size = 0;
    unsigned die_after_reads = 3;
    std::pair<unsigned, double> load{0, 0};   // threads, seconds
    std::pair<unsigned, double> storm{0, 0};  // processes a second, seconds
    unsigned storm_exec = 0;                  // one in so many of them is executed anew
    unsigned crowd = 0;                       // connections at once
    char** arguments = nullptr;               // of this program, for those executed anew
    bool quiet = false;
    bool interleave = false;
    bool pipeline = false;
    bool hold = false;
    bool die_mid_stream = false;
    bool leave_at_once = false;  // --short
};

// In the environment of a process that a storm has executed anew: it makes its exchanges and no storm.
inline constexpr const char* kStormChild = "SSL_CLIENT_STORM_CHILD";

// Declares the flags; `options` is filled when the command line is parsed and must outlive `app`.
void declare_options(CLI::App& app, ClientOptions& options);

}  // namespace llmsnoop::support
