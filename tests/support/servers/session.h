#pragma once
// One client's connection, from its first request to its end.
#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "tests/support/servers/call_request.h"
#include "tests/support/servers/http_request.h"
#include "tests/support/servers/ledger.h"
#include "tests/support/servers/response_writer.h"

namespace llmsnoop::support {

class Session {
 public:
    // `number` is the connection's running number, `seeds` the next seed of any session. All references must outlive
    // the session.
    Session(Channel& channel, Ledger& ledger, const std::atomic<bool>& stop, std::atomic<std::uint64_t>& seeds,
            std::uint64_t number)
        : channel_(channel),
          ledger_(ledger),
          reader_(channel),
          writer_(channel, stop),
          seeds_(seeds),
          number_(number) {}

    // Answers requests until either side ends the connection. True if it ended in good order.
    bool serve();

 private:
    enum class Next : std::uint8_t { request, goodbye, cut };

    Next answer(const HttpRequest& request);
    Next answer_call(const HttpRequest& request, Api api, const Target& target);
    Next answer_other(const HttpRequest& request, std::string_view path);
    Next send_bulk(std::uint64_t size);
    Answer make_answer(const HttpRequest& request, Api api, const AnswerOptions& options);
    Next plain(const HttpRequest& request, int status, std::string_view content_type, std::string_view body);

    Channel& channel_;
    Ledger& ledger_;
    RequestReader reader_;
    ResponseWriter writer_;
    CallReader call_reader_;
    std::atomic<std::uint64_t>& seeds_;
    const std::uint64_t number_;
};

}  // namespace llmsnoop::support
