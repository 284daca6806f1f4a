#pragma once
// Results of batches (trap T18): answers that were made hours before, downloaded together. Each is a call of its own,
// whose usage nobody else reports. Read only where configured (llm::Batches), for who downloads need not be who asked.
//
//   GET */files/F/content              JSON lines of OpenAI and those who follow it:
//                                      {id, custom_id, response: {status_code, body}, error}
//   GET */messages/batches/B/results   JSON lines of Anthropic: {custom_id, result: {type, message or error}}
//   GET */batches/B/results            xAI, one document: {results: [{batch_request_id, batch_result: {response:
//                                      {NAME_OF_API: {...}}}}]}
//
// The answers are read by the dialects that their shapes are of. Everything else makes no call: those paths serve other
// files as well, among them the questions of a batch. A result in a document that is not whole has a record at most,
// and its tokens count where it is read again.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/llm/dialect.h"
#include "agent/llm/json.h"
#include "agent/llm/shapes.h"

namespace llmsnoop::llm {

// What became of one question.
struct BatchResult {
    std::string id;                // the provider's, of this result
    std::string custom_id;         // the client's, unique within the batch
    Json answer;                   // as it would have come over HTTP
    int status = 0;                // likewise
    Json failure;                  // a document that tells of an error
    std::string_view failed_as;    // its type, or ...
    std::string_view failed_with;  // ... its message, where the document does not say
};

class BatchResults final : public Dialect {
 public:
    enum class Form : std::uint8_t { lines, document };

    // `name`: what the provider calls the file or the batch.
    BatchResults(Form form, std::string name, model::LossCounters& losses)
        : form_(form), name_(std::move(name)), losses_(losses) {}

    void request(const model::Frame& frame, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;
    // Files have the type of any file.
    model::Framing response_framing() const override {
        return form_ == Form::lines ? model::Framing::json_lines : model::Framing::automatic;
    }

 private:
    // Where a result stands.
    struct Source {
        const model::Frame& frame;
        bool damaged = false;
        std::optional<std::uint64_t> bytes = {};  // of a line
    };

    void read_list(Json list, const Source& source, Calls& calls);
    void read(const BatchResult& result, const Source& source, Calls& calls);
    FinishedCall read_answer(Json answer, const Source& source, const model::LlmCall& seed);

    Form form_;
    std::string name_;
    model::LossCounters& losses_;
    bool has_results_ = false;  // the file has had one
    std::uint64_t unread_ = 0;  // documents of the file, as long as it has not
};

// Is the document of the response a result, or a list of them?
bool is_batch_result(const Bodies& bodies);

}  // namespace llmsnoop::llm
