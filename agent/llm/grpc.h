#pragma once
// Model services over gRPC (protobuf on HTTP/2): seen, not decoded. The record says who was called and how it ended;
// there are no tokens, and the loss is counted.
#include <string_view>

#include "agent/llm/dialect.h"

namespace llmsnoop::llm {

// True for "/package.Service/Method" of a service that is known to run models.
bool is_grpc_model_service(std::string_view path);

class Grpc final : public Dialect {
 public:
    explicit Grpc(model::LossCounters& losses) { losses.add(model::Loss::dialect_unknown); }

    void request(const model::Frame& frame, Calls& calls) override;
    void response_head(const model::MessageHead& head, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;
    model::Framing response_framing() const override { return model::Framing::body; }
};

}  // namespace llmsnoop::llm
