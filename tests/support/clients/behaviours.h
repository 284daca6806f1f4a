#pragma once
// The scripts that ssl_client plays. Each prints a JSON line per exchange to stdout and returns the exit code: 0 if
// every exchange was whole.
#include "tests/support/clients/client_options.h"

namespace llmsnoop::support {

int play_sequence(const TlsClient& client, const ClientOptions& options);  // also --hold, --short, --pipeline
int play_interleave(const TlsClient& client, const ClientOptions& options);
int play_die_mid_stream(const TlsClient& client, const ClientOptions& options);
int play_load(const TlsClient& client, const ClientOptions& options);
int play_storm(const TlsClient& client, const ClientOptions& options);
int play_crowd(const TlsClient& client, const ClientOptions& options);

}  // namespace llmsnoop::support
