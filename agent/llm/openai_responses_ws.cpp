#include "agent/llm/openai_responses_ws.h"

#include <algorithm>

#include "agent/llm/json_dialect.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {

OpenaiResponsesWs::Turn& OpenaiResponsesWs::begin(std::string lane, base::Time time, Calls& calls) {
    if (turns_.size() >= limits::kLanes) {  // the oldest has been forgotten by its server
        calls.finish(time, false, turns_.front()->name);
        turns_.pop_front();
    }
    auto turn = std::make_unique<Turn>();
    turn->lane = std::move(lane);
    turn->name = "turn " + std::to_string(begun_++);
    calls.started(time, turn->name);
    calls.open(turn->name).stream = true;
    turns_.push_back(std::move(turn));
    return *turns_.back();
}

OpenaiResponsesWs::Turn* OpenaiResponsesWs::oldest(std::string_view lane) {
    const auto at = std::find_if(turns_.begin(), turns_.end(), [&](const auto& turn) { return turn->lane == lane; });
    return at == turns_.end() ? nullptr : at->get();
}

void OpenaiResponsesWs::from_client(Json message, const model::Frame& frame, Calls& calls) {
    if (message["type"].text_or_empty() != "response.create") return;
    const Turn& turn = begin(bounded(message["stream_id"].text_or_empty()), frame.time, calls);
    ResponseReader::read_request(message["response"].is_object() ? message["response"] : message,
                                 calls.open(turn.name));
}

void OpenaiResponsesWs::from_server(Json message, const model::Frame& frame, Calls& calls) {
    const std::string_view type = message["type"].text_or_empty();
    if (!type.starts_with("response.") && type != "error") return;
    const std::string lane = bounded(message["stream_id"].text_or_empty());
    Turn* turn = oldest(lane);
    if (turn == nullptr) turn = &begin(lane, frame.time, calls);  // joined after the request
    turn->answer.begin_event();
    if (turn->reader.read(message, frame.time, calls.open(turn->name)) == ResponseReader::State::running) return;
    calls.finish(frame.time, true, turn->name);
    turns_.erase(std::find_if(turns_.begin(), turns_.end(), [&](const auto& one) { return one.get() == turn; }));
}

}  // namespace llmsnoop::llm
