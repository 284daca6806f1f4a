#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "agent/app/agent.h"
#include "agent/app/commands.h"
#include "agent/app/deadline.h"
#include "agent/app/live.h"
#include "agent/app/prices.h"
#include "agent/app/signals.h"
#include "agent/app/stop_request.h"
#include "agent/base/log.h"
#include "exporters/filter/filtered_sink.h"
#include "exporters/stream_sink.h"

namespace llmsnoop::app {

namespace {

std::unique_ptr<exporters::Sink> make_output(const TraceOptions& options, const std::string& node,
                                             exporters::Filter filter, std::function<void()> on_enough) {
    exporters::StreamSink::Options out;
    out.form = options.json ? exporters::StreamSink::Form::json : exporters::StreamSink::Form::text;
    out.colour = isatty(STDOUT_FILENO) != 0 ? exporters::Colour::on : exporters::Colour::off;
    out.node = node;
    out.on_finished = on_enough;
    auto stream = std::make_unique<exporters::StreamSink>(STDOUT_FILENO, out);
    return std::make_unique<exporters::FilteredSink>(
        std::move(stream),
        exporters::FilteredSink::Options{std::move(filter), options.count, std::move(on_enough), node});
}

base::Result<void> trace(const TraceOptions& options) {
    const auto config = options.config();
    if (!config) return config.error();
    set_log_level(*config);
    auto filter = exporters::Filter::parse(options.filter);
    if (!filter) return filter.error();
    const auto duration = options.duration();
    if (!duration) return duration.error();

    const auto pricing = load_prices(*config);
    if (!pricing) return pricing.error();

    StopRequest stop;
    const Signals signals([&] { stop.make(); });  // before the threads of everything else
    model::LossCounters losses;
    auto source = open_live(*config, Shards::by_configuration, losses);
    if (!source) return source.error();
    Agent agent(*config, **source, **pricing, attribution::ProcessTable::Facts::from_events_and_proc,
                exporters::FanOutOptions::WhenFull::drop, losses);
    agent.sinks().add(make_output(options, node_name(*config), std::move(*filter), [&] { agent.stop(); }));
    const StopRequest::Target target(stop, [&] { agent.stop(); });
    std::optional<Deadline> deadline;
    if (*duration) deadline.emplace(**duration, [&] { agent.stop(); });
    base::log::info("tracing; Ctrl-C ends it");
    auto result = agent.run();
    base::log::info("{}", describe_outcome(agent, losses));
    return result ? check_outcome(agent) : result;
}

}  // namespace

int trace_command(const TraceOptions& options) {
    if (auto done = trace(options); !done) return report(done.error());
    return kSuccess;
}

}  // namespace llmsnoop::app
