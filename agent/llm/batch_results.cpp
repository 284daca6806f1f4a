#include "agent/llm/batch_results.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "agent/base/bytes.h"
#include "agent/llm/answer.h"
#include "agent/llm/json_dialect.h"
#include "agent/llm/json_document.h"
#include "agent/llm/limits.h"
#include "agent/llm/routes.h"
#include "agent/llm/target.h"

namespace llmsnoop::llm {
namespace {

using Found = std::optional<BatchResult>;

// {id, custom_id, response: {status_code, body}, error}
Found openai_result(Json line) {
    const auto [id, custom_id, response, error] = line.pick({"id", "custom_id", "response", "error"});
    if (!custom_id || !(response.is_object() || error)) return std::nullopt;
    BatchResult out;
    out.id = text_or_number(id);
    out.custom_id = text_or_number(custom_id);
    out.status = static_cast<int>(std::min<std::uint64_t>(response["status_code"].count().value_or(0), 999));
    (out.status >= 400 ? out.failure : out.answer) = response["body"];
    if (error) out.failure = line;
    return out;
}

// {custom_id, result: {type, message or error}}
Found anthropic_result(Json line) {
    const auto [custom_id, result] = line.pick({"custom_id", "result"});
    const std::string_view type = result["type"].text_or_empty();
    if (!custom_id || type.empty()) return std::nullopt;
    BatchResult out;
    out.custom_id = text_or_number(custom_id);
    out.answer = result["message"];
    out.failure = result["error"];
    if (type != "succeeded") out.failed_as = type;  // errored, canceled, expired
    return out;
}

// {batch_request_id, batch_result: {response: {NAME_OF_API: {...}}}}, or an error in one place or another
Found xai_result(Json element) {
    const auto [custom_id, result, error, message] =
        element.pick({"batch_request_id", "batch_result", "error", "error_message"});
    if (!custom_id || !(result.is_object() || error || message)) return std::nullopt;
    BatchResult out;
    out.custom_id = text_or_number(custom_id);
    result["response"].each_member([&](std::string_view /*api*/, Json value) {
        if (value.is_object()) out.answer = value;
    });
    if (error) out.failure = element;
    if (result["error"]) out.failure = result;
    out.failed_with = message.text_or_empty();
    return out;
}

Found result_of(Json line) {
    if (auto found = openai_result(line)) return found;
    return anthropic_result(line);
}

// Elsewhere pictures are known by the question.
bool is_pictures(Json answer) {
    const Json first = answer["data"].at(0);
    return answer["created"] && (first["b64_json"] || first["url"]);
}

std::optional<std::string_view> dialect_of(Json answer) {
    if (const auto name = dialect_by_shape({{}, answer})) return name;
    if (is_pictures(answer)) return "openai.images";
    return std::nullopt;
}

// An error that the answer does not tell of itself.
void read_failure(const BatchResult& result, model::LlmCall& call) {
    if (result.status >= 400) {
        if (!call.error) call.error.emplace();
        call.error->code = std::to_string(result.status);
    }
    if (result.failure) read_error(result.failure, ErrorBody::of_http_error, call);
    if (result.failed_as.empty() && result.failed_with.empty()) return;
    if (!call.error) call.error.emplace();
    if (call.error->type.empty()) set_if_given(call.error->type, result.failed_as);
    if (call.error->message.empty()) call.error->message = model::Content(bounded_message(result.failed_with));
}

}  // namespace

bool is_batch_result(const Bodies& bodies) {
    return result_of(bodies.response) || xai_result(bodies.response["results"].at(0));
}

void BatchResults::request(const model::Frame& /*frame*/, Calls& /*calls*/) {}

void BatchResults::response(const model::Frame& frame, Calls& calls) {
    const std::string_view text = base::as_text(frame.document);
    JsonDocument document;
    const Json value = document.parse(text, frame.truncated ? JsonDocument::Ending::cut : JsonDocument::Ending::whole);
    const bool damaged = document.was_damaged() && !frame.truncated;
    const auto result = result_of(value);
    const Json list = value["results"];
    if (result && !frame.truncated) {
        read(*result, {frame, damaged, text.size()}, calls);
    } else if (!result && list.is_array()) {
        read_list(list, {frame, damaged}, calls);
    }
    // What is cut off may end in half a number. Whoever wants it downloads it once more.
    if (frame.truncated) {
        if (result || has_results_) losses_.add(model::Loss::frame_cut);
    } else if (damaged) {
        ++unread_;
    }
    // In files of another kind nothing is lost.
    if (has_results_) losses_.add(model::Loss::bad_json, std::exchange(unread_, 0));
}

void BatchResults::read_list(Json list, const Source& source, Calls& calls) {
    const bool last_is_cut = source.frame.truncated;
    std::size_t left = list.size() - (last_is_cut && list.size() > 0 ? 1 : 0);
    std::size_t read_so_far = 0;
    list.each([&](Json element) {
        if (left == 0 || read_so_far == limits::kBatchResults) return;
        --left;
        if (const auto result = xai_result(element)) {
            ++read_so_far;
            read(*result, source, calls);
        }
    });
    if (left > 0) losses_.add(model::Loss::frame_too_large);
}

void BatchResults::read(const BatchResult& result, const Source& source, Calls& calls) {
    FinishedCall out = read_answer(result.answer, source, calls.seed);
    if (source.bytes) out.answer_bytes = source.bytes;
    model::LlmCall& call = out.call;
    call.operation = calls.seed.operation;
    read_failure(result, call);
    if (call.response_id.empty()) call.response_id = result.id;
    // Names of the client's choice are used again and again.
    if (call.response_id.empty() && result.answer) call.response_id = bounded(name_ + "/" + result.custom_id);
    // It came at once, and when it was made is not known.
    call.timing = {};
    out.started = source.frame.time;
    out.ended = source.frame.time;
    // Where it is damaged it may be cut off, in the last line of a part of a file: to count it now would be to leave
    // the whole of it uncounted later.
    if (source.damaged) {
        out.documents = model::worse(out.documents, model::Completeness::truncated);
        out.counted = false;
    }
    has_results_ = true;
    calls.add(std::move(out));
}

// By a dialect of its own, as if it had come over HTTP.
FinishedCall BatchResults::read_answer(Json answer, const Source& source, const model::LlmCall& seed) {
    FinishedCall unknown;
    unknown.call = seed;
    unknown.answer_bytes = 0;
    set_if_given(unknown.call.response_id, answer["id"].text_or_empty());
    set_if_given(unknown.call.response_model, answer["model"].text_or_empty());
    if (!answer.is_object()) return unknown;
    const auto name = dialect_of(answer);
    if (!name && !source.damaged) losses_.add(model::Loss::dialect_unknown);
    std::string text;
    if (!name || !answer.write(text, limits::kDocumentBytes)) return unknown;
    Calls calls;
    calls.seed = seed;
    calls.seed.dialect = *name;
    const Target nowhere("");
    const model::MessageHead no_head;
    const auto dialect = make_by_name(*name, {nowhere, no_head, calls, losses_});
    if (!dialect) return unknown;
    calls.open();
    model::Frame body;
    body.time = source.frame.time;
    body.document = base::as_bytes(text);
    dialect->response(body, calls);
    dialect->end(source.frame.time, calls);
    auto all = calls.take_all(true);
    if (all.empty()) return unknown;
    all.front().answer_bytes = text.size();
    return std::move(all.front());
}

}  // namespace llmsnoop::llm
