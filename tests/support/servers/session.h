#pragma once
// One client's HTTP/1.1 connection, from its first request to its end.
#include <atomic>
#include <cstdint>
#include <string_view>

#include "tests/support/servers/desk.h"
#include "tests/support/servers/http_request.h"
#include "tests/support/servers/response_writer.h"

namespace llmsnoop::support {

class Session {
 public:
    // All references must outlive the session.
    Session(Channel& channel, Desk& desk, const std::atomic<bool>& stop)
        : channel_(channel), desk_(desk), reader_(channel), writer_(channel, stop) {}

    // Answers requests until either side ends the connection. True if it ended in good order.
    bool serve();

 private:
    enum class Next : std::uint8_t { request, goodbye, cut };

    Next answer(const HttpRequest& request);
    Next answer_call(const HttpRequest& request, Api api, const Target& target);
    Next answer_other(const HttpRequest& request, std::string_view path);
    Next send_bulk(std::uint64_t size);
    Next plain(const HttpRequest& request, const Document& document);
    Next upgrade(const HttpRequest& request, const Target& target);

    Channel& channel_;
    Desk& desk_;
    RequestReader reader_;
    ResponseWriter writer_;
};

}  // namespace llmsnoop::support
