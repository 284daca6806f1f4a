#pragma once
// The calls that the clients make: request texts of a wanted size, and what can be read out of the answers.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::support {

enum class ClientApi : std::uint8_t { openai, responses, embeddings, anthropic };

enum class BodyFraming : std::uint8_t { length, chunked };
enum class BodyCoding : std::uint8_t { identity, gzip };

struct CallPlan {
    ClientApi api = ClientApi::openai;
    std::string model;  // empty: one that fits the API
    bool stream = false;
    bool include_usage = true;  // openai, streaming
    bool tools = false;
    unsigned choices = 1;
    std::size_t body_size = 0;  // of the JSON text; 0 or too small: as short as it gets
    std::string prompt;         // put at the front of the prompt as it is, JSON-escaped
    std::string query;          // behind the path's '?': options of llm_server
    std::string host = "localhost";
    std::vector<std::string> headers;  // "Name: value"
    BodyFraming framing = BodyFraming::length;
    BodyCoding coding = BodyCoding::identity;
    bool expect_continue = false;
};

struct RequestText {
    std::string head;              // with the blank line
    std::string body;              // as sent, chunk framing included
    std::string json;              // what the body says
    std::uint64_t body_bytes = 0;  // as sent, without chunk framing
};

// `mark` makes this request's prompt unlike any other's.
RequestText make_request(const CallPlan& plan, std::string_view mark, std::uint64_t seed);

std::string_view model_of(const CallPlan& plan);
std::string_view name_of(ClientApi api);  // the dialect's name

// What an answer says, read with a JSON parser: independent of the server's ledger and of the agent. Counts are
// canonical (input includes cache, output includes reasoning).
struct AnswerFacts {
    std::string id;
    std::string model;
    std::string error_type;
    std::optional<std::uint64_t> input;
    std::optional<std::uint64_t> output;
    std::optional<std::uint64_t> cache_read;
    std::optional<std::uint64_t> cache_write;
    std::optional<std::uint64_t> reasoning;
    std::size_t events = 0;  // of a stream
};

// `body` is decoded, and may be cut short.
AnswerFacts read_answer(std::string_view body);

}  // namespace llmsnoop::support
