#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "agent/app/agent.h"
#include "agent/app/commands.h"
#include "agent/app/live.h"
#include "agent/app/prices.h"
#include "agent/base/log.h"
#include "agent/capture/tape_or_pcap.h"
#include "exporters/filter/filtered_sink.h"
#include "exporters/stream_sink.h"

namespace llmsnoop::app {

namespace {

bool is_file(const std::string& name) {
    std::error_code problem;
    return name == "-" || std::filesystem::exists(name, problem);
}

// `replay FILE... [FILTER]`: a last argument that is no file is a filter.
base::Result<void> split_filter(ReplayOptions& options) {
    if (!options.filter.empty() || options.files.size() < 2 || is_file(options.files.back())) return {};
    options.filter = options.files.back();
    options.files.pop_back();
    if (const auto filter = exporters::Filter::parse(options.filter); !filter) {
        return base::error(
            fmt::format("'{}' is no file, nor is it a filter: {}", options.filter, filter.error().message),
            base::Error::Kind::usage);
    }
    return {};
}

base::Result<void> replay_file(const std::string& path, const Config& config, const tokens::Pricing& pricing,
                               const ReplayOptions& options, const exporters::Filter& filter,
                               model::LossCounters& losses) {
    auto source = capture::open_capture_file(path, losses);
    if (!source) return source.error();
    Agent agent(config, **source, pricing, attribution::ProcessTable::Facts::from_events,
                exporters::FanOutOptions::WhenFull::wait, losses);
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    exporters::StreamSink::Options out;
    out.form = options.json || !terminal ? exporters::StreamSink::Form::json : exporters::StreamSink::Form::text;
    out.colour = terminal ? exporters::Colour::on : exporters::Colour::off;
    out.buffering = terminal ? exporters::StreamSink::Buffering::line : exporters::StreamSink::Buffering::block;
    agent.sinks().add(
        std::make_unique<exporters::FilteredSink>(std::make_unique<exporters::StreamSink>(STDOUT_FILENO, out),
                                                  exporters::FilteredSink::Options{filter, {}, {}, ""}));
    if (auto ran = agent.run(); !ran) return base::error(path + ": " + ran.error().message);
    return check_outcome(agent);
}

base::Result<void> replay(ReplayOptions options) {
    const auto config = options.config();
    if (!config) return config.error();
    set_log_level(*config);
    if (auto split = split_filter(options); !split) return split;
    const auto filter = exporters::Filter::parse(options.filter);
    if (!filter) return filter.error();
    const auto pricing = load_prices(*config);
    if (!pricing) return pricing.error();
    model::LossCounters losses;
    for (const std::string& path : options.files) {
        if (auto done = replay_file(path, *config, **pricing, options, *filter, losses); !done) return done;
    }
    if (const std::string lost = describe_losses(losses); lost != "nothing") base::log::info("lost: {}", lost);
    return {};
}

}  // namespace

int replay_command(const ReplayOptions& options) {
    if (auto done = replay(options); !done) return report(done.error());
    return kSuccess;
}

}  // namespace llmsnoop::app
