#pragma once
// What every dialect must keep to, whatever documents it is given: it ends, its call stays within the limits, and the
// fast path makes no difference.
//
// An input is readable text: one letter that chooses among the target's paths ('a' is the first), then records that are
// separated by the byte 0x1E, each a letter and a document:
//
//   q Q  request body (Q: cut)      n  form field, NAME=value      c  message of a WebSocket client
//   h    response head: its status  b B  response body (B: cut)    e E  event of a stream (E: cut)
//   x    exception of an event stream      r  event named "error"  s  message of a WebSocket server
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/llm/json_dialect.h"
#include "agent/llm/limits.h"
#include "agent/llm/registry.h"

namespace llmsnoop::fuzz {

struct Place {
    std::string_view method;
    std::string_view target;
    std::string_view host;
    std::string_view content_type;  // of the response
    std::string_view request_body;  // that makes sure of the dialect, where the path does not
};

inline void require(bool holds) {
    if (!holds) std::abort();
}

class DialectRun {
 public:
    DialectRun(const Place& place, bool fast_path) {
        head_.method = place.method;
        head_.target = place.target;
        head_.authority = place.host;
        if (place.method == "GET" && place.content_type.empty()) head_.headers.push_back({"upgrade", "websocket"});
        answer_.status = 200;
        if (!place.content_type.empty()) answer_.headers.push_back({"content-type", std::string(place.content_type)});
        llm::Clues clues;
        clues.request = &head_;
        if (!place.request_body.empty()) clues.request_body = base::as_bytes(place.request_body);
        dialect_ = llm::recognise(clues, calls_, losses_, llm::Batches::counted);
        require(dialect_ != nullptr);
        if (auto* json = dynamic_cast<llm::JsonDialect*>(dialect_.get())) json->set_fast_path(fast_path);
    }

    std::vector<llm::FinishedCall> run(std::string_view records) {
        std::vector<llm::FinishedCall> out;
        while (!records.empty()) {
            const std::size_t end = records.find('\x1e');
            give(records.substr(0, end));
            for (llm::FinishedCall& call : calls_.take_finished())
                out.push_back(std::move(call));
            records = end == std::string_view::npos ? std::string_view{} : records.substr(end + 1);
        }
        dialect_->response_framing();
        dialect_->end(time_, calls_);
        for (llm::FinishedCall& call : calls_.take_all(true))
            out.push_back(std::move(call));
        return out;
    }

 private:
    void give(std::string_view record) {
        if (record.empty()) return;
        using Kind = model::Frame::Kind;
        model::Frame frame;
        frame.time = time_ += std::chrono::microseconds(700);
        std::string_view document = record.substr(1);
        const char what = record[0];
        switch (what) {
            case 'h':
                std::from_chars(document.data(), document.data() + document.size(), answer_.status);
                dialect_->response_head(answer_, calls_);
                return;
            case 'q':
            case 'Q':
                frame.kind = Kind::body;
                break;
            case 'n':
                frame.kind = Kind::field;
                frame.name = document.substr(0, document.find('='));
                document = document.substr(std::min(document.size(), frame.name.size() + 1));
                break;
            case 'c':
            case 's':
                frame.kind = Kind::message;
                break;
            case 'b':
            case 'B':
                frame.kind = Kind::body;
                break;
            case 'x':
                frame.exception = true;
                frame.name = "someException";
                frame.kind = Kind::event;
                break;
            case 'r':
                frame.name = "error";
                frame.kind = Kind::event;
                break;
            default:
                frame.kind = Kind::event;
        }
        frame.truncated = what == 'Q' || what == 'B' || what == 'E';
        frame.document = base::as_bytes(document);
        if (what == 'q' || what == 'Q' || what == 'n' || what == 'c') {
            frame.part = model::Part::request;
            dialect_->request(frame, calls_);
        } else {
            dialect_->response(frame, calls_);
        }
    }

    model::MessageHead head_;
    model::MessageHead answer_;
    llm::Calls calls_;
    model::LossCounters losses_;
    std::unique_ptr<llm::Dialect> dialect_;
    base::Time time_{};
};

inline void check_limits(const model::LlmCall& call) {
    namespace limits = llm::limits;
    std::size_t answer = call.reasoning.size();
    for (const model::Message& one : call.completion)
        answer += one.text.size();
    for (const model::ToolCall& one : call.tool_calls) {
        answer += one.arguments.size();
        require(one.name.size() <= limits::kNameBytes && one.id.size() <= limits::kNameBytes);
    }
    require(answer <= limits::kCompletionBytes);
    require(call.completion.size() <= limits::kChoices);
    require(call.tool_calls.size() <= limits::kToolCalls);
    require(call.finish_reasons.size() <= limits::kChoices);
    for (const std::string& one : call.finish_reasons)
        require(one.size() <= limits::kNameBytes);
    require(call.request_model.size() <= limits::kNameBytes && call.response_model.size() <= limits::kNameBytes);
    require(call.timing.gaps_us.size() <= limits::kGaps);
    require(!call.timing.first == !call.timing.last);
    if (call.reported) require(call.reported->details.size() <= limits::kUsageDetails);
    if (call.error)
        require(call.error->type.size() <= limits::kNameBytes && call.error->code.size() <= limits::kNameBytes);
}

inline int fuzz_dialect(std::span<const Place> places, const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const Place& place = places[static_cast<unsigned char>(input[0] - 'a') % places.size()];
    const auto fast = DialectRun(place, true).run(input.substr(1));
    const auto full = DialectRun(place, false).run(input.substr(1));
    require(fast.size() == full.size());
    for (std::size_t i = 0; i < fast.size(); ++i) {
        require(fast[i].call == full[i].call);
        check_limits(fast[i].call);
    }
    return 0;
}

}  // namespace llmsnoop::fuzz
