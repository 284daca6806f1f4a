#pragma once
// A sink behind a filter: passes on the records that match, and says when it has passed on as many as were wanted.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exporters/filter/filter.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters {

class FilteredSink final : public Sink {
 public:
    struct Options {
        Filter filter;
        std::optional<std::uint64_t> most;  // records to pass on; more are dropped
        std::function<void()> on_enough;    // called once, when that number is reached
        std::string node;                   // for the filter's field `node`
    };

    FilteredSink(std::unique_ptr<Sink> inner, Options options);

    std::string_view name() const override { return inner_->name(); }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override;
    base::Result<void> flush() override { return inner_->flush(); }
    std::uint64_t waiting() const override { return inner_->waiting(); }

 private:
    std::unique_ptr<Sink> inner_;
    Options options_;
    std::uint64_t passed_ = 0;
    std::string line_;
};

}  // namespace llmsnoop::exporters
