#include "exporters/fan_out.h"

#include <utility>

#include "exporters/sink_lane.h"

namespace llmsnoop::exporters {

namespace {

// For a sink that hangs while everything is being torn down anyway.
constexpr auto kLastChance = std::chrono::seconds(1);

std::size_t text_bytes(const model::LlmCall& call) {
    std::size_t bytes = call.tool_definitions.size() + call.reasoning.size();
    for (const model::Message& message : call.prompt)
        bytes += message.text.size();
    for (const model::Message& message : call.completion)
        bytes += message.text.size();
    for (const model::ToolCall& tool : call.tool_calls)
        bytes += tool.name.size() + tool.arguments.size();
    return bytes + sizeof(model::Exchange) + call.timing.gaps_us.size() * sizeof(call.timing.gaps_us[0]);
}

}  // namespace

FanOut::FanOut(FanOutOptions options, model::LossCounters& losses) : options_(options), losses_(losses) {}

FanOut::~FanOut() {
    for (const auto& lane : lanes_)
        lane->discard();
    stop(kLastChance);
}

void FanOut::add(std::unique_ptr<Sink> sink) {
    lanes_.push_back(std::make_shared<SinkLane>(std::move(sink), options_, losses_));
}

void FanOut::start() {
    for (const auto& lane : lanes_)
        lane->start();
}

void FanOut::started(model::Cleared<model::ExchangeStarted> started) {
    const auto shared = std::make_shared<const model::Cleared<model::ExchangeStarted>>(std::move(started));
    for (const auto& lane : lanes_)
        lane->push(shared);
}

void FanOut::exchange(model::Cleared<model::Exchange> exchange) {
    const std::size_t bytes = text_bytes(exchange->llm);
    const auto shared = std::make_shared<const model::Cleared<model::Exchange>>(std::move(exchange));
    for (const auto& lane : lanes_)
        lane->push(shared, bytes);
}

std::vector<SinkCounters> FanOut::counters() const {
    std::vector<SinkCounters> all;
    for (const auto& lane : lanes_)
        all.push_back(lane->counters());
    return all;
}

std::vector<SinkStop> FanOut::stop(base::Duration deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    for (const auto& lane : lanes_)
        lane->begin_stop();
    std::vector<SinkStop> report;
    for (const auto& lane : lanes_)
        report.push_back(lane->finish_stop(until));
    return report;
}

}  // namespace llmsnoop::exporters
