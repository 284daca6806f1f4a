#pragma once
// What a request gets, and what the ledger says of it, whichever protocol carries it. One desk per connection, used by
// its thread only.
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/servers/answer.h"
#include "tests/support/servers/answer_options.h"
#include "tests/support/servers/call_request.h"
#include "tests/support/servers/http_request.h"
#include "tests/support/servers/ledger.h"

namespace llmsnoop::support {

// Gateways put prefixes before the APIs' paths, so the end decides. `path` is without the query.
std::optional<Api> api_of(std::string_view method, std::string_view path);

// 65536, 64K, 8M, 1G
std::optional<std::uint64_t> parse_size(std::string_view text);

// A call that is being answered.
struct OpenCall {
    Answer answer;
    AnswerOptions options;
    LedgerEntry entry;
    std::uint64_t number = 0;  // in the ledger
};

struct Document {
    int status = 200;
    std::string_view content_type = "text/plain";
    std::string body;
};

class Desk {
 public:
    // The references must outlive the desk; `client_port` and `connection` go into the ledger.
    Desk(Ledger& ledger, std::atomic<std::uint64_t>& seeds, std::uint16_t client_port, std::uint64_t connection)
        : ledger_(ledger), seeds_(seeds), client_port_(client_port), connection_(connection) {}

    // The whole answer, and its entry in the ledger.
    OpenCall open(const HttpRequest& request, Api api, const Target& target);

    // Says in the ledger how much was sent; may be called again to take back what was said too early.
    void close(OpenCall& call, const SentBody& sent);

    // What is at a path that is no API's: the server's own pages, or a 404. (/bulk/ is not a document but a
    // stream; whoever can send that looks for it first.)
    Document document(std::string_view path, std::string_view query) const;

 private:
    Answer make_answer(const HttpRequest& request, Api api, const AnswerOptions& options);

    Ledger& ledger_;
    std::atomic<std::uint64_t>& seeds_;
    const std::uint16_t client_port_;
    const std::uint64_t connection_;
    CallReader call_reader_;
};

}  // namespace llmsnoop::support
