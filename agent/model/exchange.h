#pragma once
// One request and its answer, as one side saw them: the unit that is recorded, counted and exported.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/completeness.h"
#include "agent/model/connection.h"
#include "agent/model/http_event.h"
#include "agent/model/llm_call.h"
#include "agent/model/process.h"
#include "agent/model/usage.h"

namespace llmsnoop::model {

enum class Role : std::uint8_t { client, server };
std::string_view name_of(Role value);

struct Net {
    Transport transport = Transport::plain;
    Library library = Library::none;
    Protocol protocol = Protocol::unknown;
    std::optional<Endpoint> local;
    std::optional<Endpoint> peer;
    std::string server_name;

    friend bool operator==(const Net&, const Net&) = default;
};

struct Http {
    std::string method;
    std::string path;  // with query, until the policy gate removes the values
    std::string authority;
    std::optional<int> status;
    std::uint64_t request_bytes = 0;  // body bytes as sent (before content decoding)
    std::uint64_t response_bytes = 0;
    std::optional<std::uint32_t> retry;  // the client's own retry number, where its SDK sends one
    std::string request_sha256;          // of the decoded bodies; only where configured and whole
    std::string response_sha256;

    friend bool operator==(const Http&, const Http&) = default;
};

struct Timing {
    base::Time started;  // first byte of the request
    std::optional<base::Time> request_ended;
    std::optional<base::Time> response_started;  // first byte of the final response
    base::Time ended;

    friend bool operator==(const Timing&, const Timing&) = default;
};

struct Cost {
    enum class Source : std::uint8_t { provider, table };

    double usd = 0;
    Source source = Source::table;
    std::string price_table;

    friend bool operator==(const Cost&, const Cost&) = default;
};

// Something the policy gate noticed. Never holds what it found.
struct Finding {
    std::string rule;
    std::string severity;
    std::string where;
    std::uint32_t count = 1;

    friend bool operator==(const Finding&, const Finding&) = default;
};

// SHA-256 of the texts, 64 hexadecimal digits; empty where the text is not known in full.
struct ContentHashes {
    std::string prompt_sha256;
    std::string completion_sha256;
    std::string error_message_sha256;

    friend bool operator==(const ContentHashes&, const ContentHashes&) = default;
};

struct Exchange {
    std::string id;    // ULID of the request's start
    std::string pair;  // id of the record of the other end, where both were seen
    Role role = Role::client;
    Net net;
    Http http;
    LlmCall llm;
    Usage usage;
    std::optional<Cost> cost;
    Timing timing;
    Identity identity;
    ContentHashes hashes;
    std::vector<Finding> findings;
    Completeness completeness = Completeness::complete;

    friend bool operator==(const Exchange&, const Exchange&) = default;
};

// Sent when an exchange has been recognised as a model call, so that those in flight can be shown. Carries no content.
struct ExchangeStarted {
    std::string id;
    Role role = Role::client;
    LlmCall llm;
    Identity identity;
    base::Time started;
};

}  // namespace llmsnoop::model
