#include "agent/llm/json_dialect.h"

#include <string>

#include "agent/base/bytes.h"
#include "agent/llm/json_document.h"
#include "agent/llm/json_repair.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

constexpr std::string_view kDone = "[DONE]";
constexpr std::string_view kError = "error";  // the name of an SSE event

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Content types whose body is a series of documents.
bool is_stream_type(std::string_view type) {
    return contains(type, "event-stream") || contains(type, "eventstream") || contains(type, "ndjson") ||
           contains(type, "stream+json") || contains(type, "jsonl");
}

// Is the string at that path (of json_leaves.h) the very one that begins at `source`?
bool stands_at(Json value, std::string_view path, const char* source) {
    if (path.empty()) {
        const auto text = value.text();
        return text && text->data() == source;
    }
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const std::string_view rest = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (name != "#") return stands_at(value[name], rest, source);
    bool found = false;
    value.each([&](Json element) { found = found || stands_at(element, rest, source); });
    return found;
}

}  // namespace

void JsonDialect::on_field(std::string_view /*name*/, std::string_view /*value*/, Calls& /*calls*/) {}

void JsonDialect::on_text(std::string_view text, const model::Frame& frame, Calls& calls) {
    if (!text.empty() && !frame.truncated) lose(calls);
}

void JsonDialect::lose(Calls& calls) {
    losses_.add(model::Loss::bad_json);
    calls.lower(model::Completeness::truncated);
}

void JsonDialect::request(const model::Frame& frame, Calls& calls) {
    const std::string_view text = trim(base::as_text(frame.document));
    if (frame.kind == model::Frame::Kind::field) return on_field(frame.name, text, calls);
    if (text.empty()) return;
    JsonDocument document;
    const Json body = document.parse(text, frame.truncated ? JsonDocument::Ending::cut : JsonDocument::Ending::whole);
    if (frame.truncated) calls.open().prompt_cut = true;
    // A request ends where it says that it does (RFC 9110 section 8.6): what is missing there was never sent.
    if (document.was_damaged() && !document.lacks_brackets_only() && !frame.truncated) lose(calls);
    if (body) on_request(body, frame, calls);
}

void JsonDialect::response_head(const model::MessageHead& head, Calls& calls) {
    template_.forget();  // documents of an error are read otherwise
    status_ = head.status;
    if (const auto type = model::header(head, "content-type")) {
        typed_ = true;
        event_stream_ = is_stream_type(*type);
    }
    if (head.lost || status_ < 100) return;
    model::LlmCall& call = calls.open();
    if (is_error_status()) {
        call.error.emplace();
        call.error->code = std::to_string(status_);
        call.stream = event_stream_;
    } else if (event_stream_) {
        call.stream = true;
    }
}

void JsonDialect::response(const model::Frame& frame, Calls& calls) {
    const std::string_view text = base::as_text(frame.document);
    answer_.begin_event();
    const bool plain =
        frame.kind == model::Frame::Kind::event && !frame.truncated && !frame.exception && frame.name != kError;
    if (const auto piece = plain ? template_.match(text) : std::nullopt) {
        answer_.add(calls.open(), template_adds_, *piece, frame.time);
        calls.said_done(false);
        return;
    }
    template_.forget();
    answer_.take_added();
    parse_response(trim(text), frame, calls);
}

void JsonDialect::parse_response(std::string_view text, const model::Frame& frame, Calls& calls) {
    if (text.empty()) return;
    calls.said_done(false);
    if (text == kDone) return end_stream(frame, calls);
    model::LlmCall& call = calls.open();
    if (frame.kind == model::Frame::Kind::event) {
        call.stream = true;
    } else if (frame.kind == model::Frame::Kind::body) {
        call.stream = false;  // whatever was asked for, the answer came in one piece
    }
    if (frame.truncated) call.completion_cut = true;

    JsonDocument document;
    const Json value = document.parse(text, frame.truncated ? JsonDocument::Ending::cut : JsonDocument::Ending::whole);
    if (is_error_status()) {
        if (value) {
            read_error(value, ErrorBody::of_http_error, call);
        } else if (call.error && call.error->message.empty()) {
            append_utf8(call.error->message.edit(), bounded_message(text));
        }
        return;
    }
    if (!value) return on_text(text, frame, calls);
    if (document.was_damaged() && !frame.truncated) lose(calls);
    if (frame.exception) {
        // application/vnd.amazon.eventstream: the frame's name is the exception's type, its document the message.
        read_error(value, ErrorBody::of_http_error, call);
        if (!call.error) call.error.emplace();
        set_if_given(call.error->type, frame.name);
        return;
    }
    if (frame.kind == model::Frame::Kind::event && frame.name == kError) {
        read_error(value, ErrorBody::of_http_error, call);
        return;
    }
    on_response(value, frame, calls);
    if (frame.kind == model::Frame::Kind::body) calls.open().timing = {};  // it says nothing when all comes at once

    const Chunks known = chunks();
    if (!fast_path_ || document.was_repaired() || frame.kind != model::Frame::Kind::event || known.text.empty()) return;
    if (text.size() > limits::kTemplateBytes) return;
    const Answer::Added added = answer_.take_added();
    if (added.pieces != 1 || added.what == Answer::Added::What::other) return;
    for (const std::string_view path : known.text) {
        if (!stands_at(value, path, added.source)) continue;
        template_adds_ = added;
        template_.learn(text, path, known.unread);
    }
}

void JsonDialect::end_stream(const model::Frame& frame, Calls& calls) {
    if (frame.kind != model::Frame::Kind::body && !frame.truncated) calls.said_done();
}

void set_error(model::LlmCall& call, std::string_view code, std::string_view message) {
    if (!call.error) call.error.emplace();
    set_if_given(call.error->code, code);
    call.error->message = model::Content(bounded_message(message));
}

bool read_error(Json document, ErrorBody kind, model::LlmCall& call) {
    Json root = document;
    if (root.is_array()) root = root.at(0);  // Gemini without alt=sse
    Json error = root["error"];
    const bool flat = !error && (kind == ErrorBody::of_http_error || root["object"].text_or_empty() == "error");
    if (!error && !flat) return false;
    // {"error": {}}, {"error": ""}, {"error": false} and {"error": 0} say that there is none.
    const bool said = error.text() ? !error.text()->empty() : error.size() > 0;
    if (!flat && !said) return false;

    model::LlmError found = call.error.value_or(model::LlmError{});
    const auto message = [&](Json value) {
        if (!value || !found.message.empty()) return;
        std::string text;
        if (const auto plain = value.text()) {
            text = bounded_message(*plain);
        } else {
            value.write(text, limits::kMessageBytes);
        }
        found.message = model::Content(std::move(text));
    };
    if (error.is_object()) {
        // OpenAI, Anthropic, Google (whose type is `status`), OpenRouter (whose code is a number).
        set_if_given(found.type, error["type"].text_or_empty());
        if (found.type.empty()) set_if_given(found.type, error["status"].text_or_empty());
        set_if_given(found.code, text_or_number(error["code"]));
        message(error["message"]);
    } else {
        // xAI, Ollama, TGI: the error is its message. Cohere, Bedrock: {"message"}. Mistral, Voyage: {"detail"}. Old
        // vLLM: flat.
        set_if_given(found.type, root["error_type"].text_or_empty());
        if (const auto type = root["type"].text_or_empty(); !error && type != "error" && found.type.empty()) {
            set_if_given(found.type, type);
        }
        set_if_given(found.code, text_or_number(root["code"]));
        message(error);
        message(root["message"]);
        message(root["Message"]);
        message(root["detail"]);
    }
    call.error = std::move(found);
    return true;
}

}  // namespace llmsnoop::llm
