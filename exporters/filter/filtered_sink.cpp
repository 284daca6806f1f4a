#include "exporters/filter/filtered_sink.h"

#include <utility>

#include "exporters/record_json.h"

namespace llmsnoop::exporters {

FilteredSink::FilteredSink(std::unique_ptr<Sink> inner, Options options)
    : inner_(std::move(inner)), options_(std::move(options)) {}

base::Result<void> FilteredSink::exchange(const model::Cleared<model::Exchange>& exchange) {
    if (options_.most && passed_ >= *options_.most) return {};
    if (!options_.filter.matches_everything()) {
        line_.clear();
        append_record_json(line_, exchange, options_.node);
        if (!options_.filter.matches_line(line_)) return {};
    }
    auto written = inner_->exchange(exchange);
    if (++passed_ == options_.most && options_.on_enough) {
        if (auto flushed = inner_->flush(); !flushed) return flushed;
        options_.on_enough();
    }
    return written;
}

}  // namespace llmsnoop::exporters
