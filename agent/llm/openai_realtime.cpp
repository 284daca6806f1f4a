#include "agent/llm/openai_realtime.h"

#include <algorithm>

#include "agent/llm/json_dialect.h"
#include "agent/llm/limits.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

bool is_text_delta(std::string_view type) {
    return type == "response.output_text.delta" || type == "response.text.delta" ||
           type == "response.output_audio_transcript.delta" || type == "response.audio_transcript.delta";
}

bool is_audio_delta(std::string_view type) {
    return type == "response.output_audio.delta" || type == "response.audio.delta";
}

std::string lane_of(std::string_view response_id) {
    return "response " + bounded(response_id);
}

}  // namespace

void OpenaiRealtime::read_session(Json session, Calls& calls) {
    set_if_given(calls.seed.response_model, session["model"].text_or_empty());
    if (calls.seed.request_model.empty()) calls.seed.request_model = calls.seed.response_model;
    if (const auto text = session["instructions"].text()) instructions_ = text->substr(0, limits::kConversationBytes);
    if (session["tools"]) {
        tools_.clear();
        session["tools"].write(tools_, limits::kConversationBytes);
    }
    for (const Json transcription :
         {session["audio"]["input"]["transcription"], session["input_audio_transcription"]}) {
        set_if_given(transcription_model_, transcription["model"].text_or_empty());
    }
}

void OpenaiRealtime::from_client(Json message, const model::Frame& frame, Calls& calls) {
    const std::string_view type = message["type"].text_or_empty();
    if (type == "session.update") {
        read_session(message["session"], calls);
    } else if (type == "conversation.item.create") {
        const Json item = message["item"];
        const PartsText text = text_of_parts(item["content"] ? item["content"] : item["output"]);
        const std::string_view role = item["role"].text_or_empty();
        PromptWriter(conversation_, PromptWriter::Of::conversation)
            .add(role.empty() ? "tool" : role, text.text, text.other_parts);
    } else if (type == "response.create" || type == "input_audio_buffer.commit") {
        asked_ = frame.time;
    }
}

OpenaiRealtime::Turn& OpenaiRealtime::turn_of(Json message, base::Time time, Calls& calls) {
    const Json response = message["response"];
    const std::string id = bounded(response ? response["id"].text_or_empty() : message["response_id"].text_or_empty());
    const auto known =
        std::find_if(turns_.begin(), turns_.end(), [&](const auto& turn) { return turn->response_id == id; });
    if (known != turns_.end()) {
        (*known)->answer.begin_event();
        return **known;
    }

    if (turns_.size() >= limits::kLanes) {
        calls.finish(time, false, lane_of(turns_.front()->response_id));
        turns_.erase(turns_.begin());
    }
    turns_.push_back(std::make_unique<Turn>());
    turns_.back()->response_id = id;
    const std::string lane = lane_of(id);
    calls.started(asked_.value_or(time), lane);
    asked_.reset();
    model::LlmCall& call = calls.open(lane);
    call.stream = true;
    call.response_id = id;
    if (!instructions_.empty()) PromptWriter(call).add("system", instructions_);
    call.prompt.insert(call.prompt.end(), conversation_.prompt.begin(), conversation_.prompt.end());
    call.prompt_cut = conversation_.prompt_cut;
    if (tools_.size() > 2) call.tool_definitions = model::Content(tools_);
    return *turns_.back();
}

void OpenaiRealtime::from_server(Json message, const model::Frame& frame, Calls& calls) {
    const std::string_view type = message["type"].text_or_empty();
    if (type == "session.created" || type == "session.updated") {
        read_session(message["session"], calls);
    } else if (type == "response.done") {
        read_done(message, frame, calls);
    } else if (type.starts_with("response.")) {
        read_delta(type, message, frame, calls);
    } else if (type == "conversation.item.input_audio_transcription.completed") {
        read_transcription(message, frame, calls);
    } else if (type == "error" && turns_.empty()) {
        // Nothing is under way: what the client asked for was refused.
        model::LlmCall& call = calls.open("error");
        call.stream = true;
        read_error(message, ErrorBody::of_http_error, call);
        calls.finish(frame.time, true, "error");
    }
}

void OpenaiRealtime::read_delta(std::string_view type, Json message, const model::Frame& frame, Calls& calls) {
    Turn& turn = turn_of(message, frame.time, calls);
    model::LlmCall& call = calls.open(lane_of(turn.response_id));
    if (is_text_delta(type)) {
        turn.answer.text(call, 0, message["delta"].text_or_empty(), frame.time);
    } else if (is_audio_delta(type)) {
        turn.answer.other_content(call, frame.time);
    } else if (type == "response.function_call_arguments.delta") {
        turn.answer.tool_arguments(call, message["call_id"].text_or_empty(), message["delta"].text_or_empty(),
                                   frame.time);
    } else if (type == "response.output_item.added" && message["item"]["type"].text_or_empty() == "function_call") {
        const std::string_view id = message["item"]["call_id"].text_or_empty();
        turn.answer.tool_id(call, id, id);
        turn.answer.tool_name(call, id, message["item"]["name"].text_or_empty());
    }
}

void OpenaiRealtime::read_done(Json message, const model::Frame& frame, Calls& calls) {
    Turn& turn = turn_of(message, frame.time, calls);
    const std::string lane = lane_of(turn.response_id);
    model::LlmCall& call = calls.open(lane);
    const Json response = message["response"];
    set_if_given(call.response_model, response["model"].text_or_empty());
    turn.answer.finish(call, 0, response["status"].text_or_empty());
    read_error(response["status_details"], ErrorBody::of_success, call);
    const bool text_seen = !call.completion.empty();
    response["output"].each([&](Json item) {
        if (item["type"].text_or_empty() == "function_call") {
            const std::string_view id = item["call_id"].text_or_empty();
            turn.answer.tool_id(call, id, id);
            turn.answer.tool_name(call, id, item["name"].text_or_empty());
            const model::ToolCall* tool = turn.answer.tool(call, id);
            if (tool != nullptr && tool->arguments.empty())
                turn.answer.tool_arguments(call, id, item["arguments"], frame.time);
        } else if (!text_seen) {
            item["content"].each([&](Json part) {
                const Json text = part["text"] ? part["text"] : part["transcript"];
                turn.answer.text(call, 0, text.text_or_empty(), frame.time);
            });
        }
    });
    // xAI leaves the response's own usage empty and puts it beside the response.
    auto usage = read_openai_usage(response["usage"]);
    if (!usage) usage = read_openai_usage(message["usage"]);
    if (usage) call.reported = std::move(usage);

    // What the model said is part of the next turn's prompt.
    for (const model::Message& said : call.completion)
        PromptWriter(conversation_, PromptWriter::Of::conversation).add(said.role, said.text.view());
    calls.finish(frame.time, true, lane);
    turns_.erase(std::find_if(turns_.begin(), turns_.end(), [&](const auto& one) { return one.get() == &turn; }));
}

void OpenaiRealtime::read_transcription(Json message, const model::Frame& frame, Calls& calls) {
    PromptWriter(conversation_, PromptWriter::Of::conversation).add("user", message["transcript"].text_or_empty());
    auto usage = read_openai_usage(message["usage"]);
    if (!usage) return;  // charged by the second
    const std::string lane = "transcription " + bounded(message["item_id"].text_or_empty());
    calls.started(frame.time, lane);
    model::LlmCall& call = calls.open(lane);
    call.operation = "audio";
    call.request_model = transcription_model_;
    call.response_model.clear();
    call.stream = true;
    call.reported = std::move(usage);
    Answer().text(call, 0, message["transcript"].text_or_empty(), frame.time);
    calls.finish(frame.time, true, lane);
}

}  // namespace llmsnoop::llm
