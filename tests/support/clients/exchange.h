#pragma once
// Exchanges over a transport, and what the client knows about each when it is over.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/clients/model_call.h"
#include "tests/support/clients/response_reader.h"
#include "tests/support/clients/transport.h"

namespace llmsnoop::support {

// One line of a client's output. See tests/support/README.md for the fields.
struct ExchangeReport {
    ClientApi api = ClientApi::openai;
    std::string request_model;
    std::uint16_t local_port = 0;
    unsigned connection = 0;
    unsigned exchange = 0;  // on the connection, from 1
    int status = 0;
    bool stream = false;
    bool whole = false;
    AnswerFacts facts;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    std::string request_sha256;  // of the decoded bodies
    std::string response_sha256;
    double milliseconds = 0;
    double first_milliseconds = 0;  // to the first byte of the answer's body
};

std::string to_json_line(const ExchangeReport& report);

// One exchange being made on a connection, step by step, so that several can be interleaved in one thread.
class Exchange {
 public:
    // `transport` must outlive the exchange. `write_size`: cut the request into writes of that many bytes; 0: head and
    // body in one.
    Exchange(Transport& transport, const CallPlan& plan, std::string_view mark, std::uint64_t seed,
             std::size_t write_size);

    bool send();
    // One read. False once the answer is complete or the connection is at its end. `early` holds bytes that came with
    // the answer before, and what comes after this one.
    bool receive_some(std::string& early);
    bool receive_all(std::string& early);

    ExchangeReport report(unsigned connection, unsigned number) const;
    const ResponseReader& response() const { return reader_; }

 private:
    using Clock = std::chrono::steady_clock;

    bool write_cut(std::string_view bytes);
    bool wait_for_continue();

    Transport& transport_;
    const CallPlan& plan_;
    RequestText request_;
    const std::size_t write_size_;
    ResponseReader reader_{ResponseReader::Keep::body};
    Clock::time_point began_;
    std::optional<Clock::time_point> first_;
    Clock::time_point ended_;
};

}  // namespace llmsnoop::support
