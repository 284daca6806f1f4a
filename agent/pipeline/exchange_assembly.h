#pragma once
// One HTTP exchange (or one WebSocket) being put together: its events go in, and when it is over, its records come out.
// Decides by the registry whether it is a model call at all; what is none costs little and leaves no record.
//
// Owned by its connection; not thread-safe.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/llm/dialect.h"
#include "agent/llm/registry.h"
#include "agent/model/completeness.h"
#include "agent/model/http_event.h"
#include "agent/pipeline/body_reader.h"
#include "agent/pipeline/connection_facts.h"
#include "agent/pipeline/services.h"

namespace llmsnoop::pipeline {

class ExchangeAssembly {
 public:
    ExchangeAssembly(const model::RequestStarted& event, const ConnectionFacts& connection, Services& services);

    void response_started(const model::ResponseStarted& event);
    void body(const model::BodyBytes& event);
    void body_gap(const model::BodyGap& event);
    void message(const model::WebSocketMessage& event);
    void message_ended(const model::MessageEnded& event);
    // The connection's addresses have become known, which can be after its first bytes.
    void addressed();

    // Both messages are over and the records are out.
    bool finished() const { return request_.ended && response_.ended; }
    // Certainly no model call: the rest of its bodies is of no use.
    bool of_no_interest() const { return interest_ == llm::Interest::none && !dialect_; }

 private:
    struct Side {
        std::shared_ptr<const model::MessageHead> head;
        std::unique_ptr<BodyReader> reader;
        base::Time started;
        std::optional<base::Time> ended;
        model::MessageEnded::How how = model::MessageEnded::How::unfinished;
    };

    Side& side(model::Part part) { return part == model::Part::request ? request_ : response_; }
    void open_reader(model::Part part);
    void on_frame(const model::Frame& frame);
    void request_frame(const model::Frame& frame);
    void keep_request_body(const model::Frame& frame);
    void response_frame(const model::Frame& frame);
    bool recognise(const model::Frame* response_document);
    void announce();
    void offer_for_pairing();
    void lower(model::Completeness verdict) { completeness_ = model::worse(completeness_, verdict); }
    void lower_by_end(const Side& one);
    void finish(base::Time time);
    bool ends_too_early(const llm::FinishedCall& finished) const;
    void deliver(std::vector<llm::FinishedCall> calls);
    model::Exchange record_of(llm::FinishedCall& call);
    model::Net net() const;
    model::Http http(const llm::FinishedCall& call);
    std::optional<Pairing::Key> pairing_key() const;
    Pairing::Keys pairing_keys(const model::Exchange& record) const;

    const ConnectionFacts& connection_;
    Services& services_;
    const model::ExchangeNumber number_;
    Side request_;
    Side response_;
    llm::Interest interest_ = llm::Interest::none;
    std::unique_ptr<llm::Dialect> dialect_;
    llm::Calls calls_;
    std::string request_body_;  // kept while it is not yet clear what this is
    base::MemoryShare request_memory_;
    bool request_body_kept_ = false;
    bool request_body_cut_ = false;
    std::uint32_t turns_ = 0;
    std::string id_;  // of the first call
    bool announced_ = false;
    bool offered_ = false;                     // to the other end of the connection
    std::uint64_t message_bytes_[2] = {0, 0};  // WebSocket payload, by Part
    model::Completeness completeness_ = model::Completeness::complete;
};

}  // namespace llmsnoop::pipeline
