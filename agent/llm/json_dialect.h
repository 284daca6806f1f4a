#pragma once
// What all dialects share whose bodies are JSON: parsing, the response's head (status, errors, whether it is a stream),
// and the fast path for streams. A dialect says what a document means.
#include <span>
#include <string_view>

#include "agent/llm/answer.h"
#include "agent/llm/chunk_template.h"
#include "agent/llm/dialect.h"
#include "agent/llm/json.h"

namespace llmsnoop::llm {

class JsonDialect : public Dialect {
 public:
    explicit JsonDialect(model::LossCounters& losses) : losses_(losses) {}

    void request(const model::Frame& frame, Calls& calls) override;
    void response_head(const model::MessageHead& head, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;

    // For tests: with the fast path off, every chunk is parsed in full.
    void set_fast_path(bool on) { fast_path_ = on; }

 protected:
    // Paths (json_leaves.h) in a stream's chunks.
    struct Chunks {
        std::span<const std::string_view> text;    // may be read, but not to decide anything but what text is added
        std::span<const std::string_view> unread;  // never looked at
    };

    // The request's body.
    virtual void on_request(Json body, const model::Frame& frame, Calls& calls) = 0;
    // The response's body, or one document of its stream. Not called for the body of an HTTP error.
    virtual void on_response(Json document, const model::Frame& frame, Calls& calls) = 0;
    // A form field of the request.
    virtual void on_field(std::string_view name, std::string_view value, Calls& calls);
    // A document that is no JSON ("[DONE]" excepted).
    virtual void on_text(std::string_view text, const model::Frame& frame, Calls& calls);
    // Takes part in the fast path where it says which paths may differ from chunk to chunk.
    virtual Chunks chunks() const { return {}; }

    // The answer of the only call.
    Answer& answer() { return answer_; }
    bool is_error_status() const { return status_ >= 400; }
    int status() const { return status_; }
    // By the content type: a series of documents; and whether there was a type at all.
    bool is_event_stream() const { return event_stream_; }
    bool has_content_type() const { return typed_; }
    model::LossCounters& losses() { return losses_; }
    // The document is what the API ends its streams with. In a body of one piece it ends nothing, nor where another
    // follows.
    static void end_stream(const model::Frame& frame, Calls& calls);
    // A document, or a part of one, says nothing to us: counted, and the call is not complete.
    void lose(Calls& calls);

 private:
    void parse_response(std::string_view text, const model::Frame& frame, Calls& calls);

    model::LossCounters& losses_;
    Answer answer_;
    ChunkTemplate template_;
    Answer::Added template_adds_;
    int status_ = 0;
    bool event_stream_ = false;
    bool typed_ = false;
    bool fast_path_ = true;
};

// Reads an error in any of the shapes in which providers write one. `http_error`: the document is the body of an HTTP
// error, so that even a bare message is one.
enum class ErrorBody : std::uint8_t { of_http_error, of_success };
bool read_error(Json document, ErrorBody kind, model::LlmCall& call);
// Where it stands in none of those shapes. An empty code leaves the one that is known.
void set_error(model::LlmCall& call, std::string_view code, std::string_view message);

}  // namespace llmsnoop::llm
