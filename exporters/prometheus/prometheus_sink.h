#pragma once
// Feeds Metrics with the exchanges that a FanOut delivers.
#include <memory>
#include <string_view>

#include "exporters/prometheus/metrics.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters {

class PrometheusSink final : public Sink {
 public:
    explicit PrometheusSink(std::shared_ptr<Metrics> metrics) : metrics_(std::move(metrics)) {}

    std::string_view name() const override { return "prometheus"; }
    void started(const model::Cleared<model::ExchangeStarted>& started) override { metrics_->started(*started); }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override {
        metrics_->exchange(*exchange);
        return {};
    }
    base::Result<void> flush() override {
        metrics_->expire();
        return {};
    }

 private:
    std::shared_ptr<Metrics> metrics_;
};

}  // namespace llmsnoop::exporters
