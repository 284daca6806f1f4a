#pragma once
// A dialect: one provider family's way of putting a model call into HTTP. One of the three seams with virtual
// functions.
//
// An object is made for one HTTP exchange (or one WebSocket) and keeps that exchange's state. It writes what it learns
// into `Calls`, in the neutral words of model::LlmCall, and reports usage as the provider gave it; arithmetic is
// agent/tokens' job. Input is hostile: any document may be missing, cut, of another shape or no JSON at all. A dialect
// never throws.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/completeness.h"
#include "agent/model/frame.h"
#include "agent/model/http_event.h"
#include "agent/model/llm_call.h"
#include "agent/model/loss.h"

namespace llmsnoop::llm {

// A call that is over, or as far as it got.
struct FinishedCall {
    model::LlmCall call;
    std::optional<base::Time> started;  // absent: with the exchange
    std::optional<base::Time> ended;    // absent: with the exchange
    bool whole = true;                  // the dialect saw the end of the answer
    bool said_done = false;             // the API's own last word of a stream was seen: "[DONE]", "message_stop"
    // What of its documents could not be read lowers the verdict on the exchange.
    model::Completeness documents = model::Completeness::complete;
    bool counted = true;  // false: a record, but not to be added to token totals (re-reads, token counting)
    std::optional<std::uint64_t> answer_bytes;  // where the answer is a part of the body; absent: it is all of it
};

// The calls of one exchange: one for plain HTTP, one per turn on a WebSocket, where turns may overlap in lanes, and one
// for each result of a batch.
class Calls {
 public:
    // The open call of that lane; made on first use, as a copy of `seed`.
    model::LlmCall& open(std::string_view lane = {});
    bool is_open(std::string_view lane = {}) const;
    // When the turn began; absent for the only call of an exchange.
    void started(base::Time time, std::string_view lane = {});
    // The call's record exists, but its tokens are counted elsewhere.
    void do_not_count(std::string_view lane = {});
    // The stream says that it is over, or goes on all the same. What is open ends with the exchange.
    void said_done(bool done = true) { said_done_ = done; }
    bool is_done() const { return said_done_ && !open_.empty(); }
    // Something that was said in the open calls could not be read; if there is none, in the next one.
    void lower(model::Completeness verdict);
    // The turn of that lane is over. Plain HTTP dialects need not call this.
    void finish(base::Time time, bool whole = true, std::string_view lane = {});
    // A call of which all is known at once; it takes no lane.
    void add(FinishedCall call);
    // Everything finished since the last call, in order of finishing.
    std::vector<FinishedCall> take_finished();
    // Ends all open lanes: `whole` says whether the exchange ended as it should.
    std::vector<FinishedCall> take_all(bool whole);

    // What every new call starts from: provider, dialect, operation, model from the path, ...
    model::LlmCall seed;

 private:
    struct Lane {
        std::string name;
        FinishedCall state;
    };
    Lane& lane(std::string_view name);

    std::vector<Lane> open_;
    bool said_done_ = false;
    model::Completeness next_ = model::Completeness::complete;  // of the next call that is opened
    std::vector<FinishedCall> finished_;
};

class Dialect {
 public:
    Dialect() = default;
    Dialect(const Dialect&) = delete;
    Dialect& operator=(const Dialect&) = delete;
    virtual ~Dialect() = default;

    // A document of the request: its body, form fields, or what a WebSocket client sent.
    virtual void request(const model::Frame& frame, Calls& calls) = 0;

    virtual void response_head(const model::MessageHead& head, Calls& calls);

    // A document of the response.
    virtual void response(const model::Frame& frame, Calls& calls) = 0;

    // Both bodies are over.
    virtual void end(base::Time time, Calls& calls);

    // How the response body is to be cut, if the content type does not tell. Asked after response_head.
    virtual model::Framing response_framing() const { return model::Framing::automatic; }
};

}  // namespace llmsnoop::llm
