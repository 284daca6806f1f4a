// Estimates the usage of calls for a script that knows what was reported (estimate_accuracy.py).
//
// In: one JSON object a line, {dialect, operation, model, messages: [[role, text, other parts]], tools: any,
// completion: [text], reasoning: text, calls: [[name, arguments]]}. Out: one line each, {input, output, source}; null
// is unknown.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/tokens/estimator.h"

namespace {

using Json = nlohmann::ordered_json;  // tools are counted as they were sent
using llmsnoop::model::Content;
using llmsnoop::model::LlmCall;

LlmCall call_of(const Json& line) {
    LlmCall call;
    call.dialect = line.value("dialect", "");
    call.operation = line.value("operation", "chat");
    call.response_model = line.value("model", "");
    call.response_id = "known to have been answered";
    for (const Json& message : line.value("messages", Json::array())) {
        call.prompt.push_back({message[0], Content(message[1].get<std::string>()), message[2]});
    }
    for (const Json& text : line.value("completion", Json::array())) {
        call.completion.push_back({"assistant", Content(text.get<std::string>()), 0});
    }
    for (const Json& tool : line.value("calls", Json::array())) {
        call.tool_calls.push_back({tool[0], "", Content(tool[1].get<std::string>())});
    }
    call.reasoning = Content(line.value("reasoning", ""));
    if (line.contains("tools") && !line["tools"].is_null()) call.tool_definitions = Content(line["tools"].dump());
    return call;
}

Json count(const llmsnoop::model::Count& value) {
    return value ? Json(*value) : Json();
}

}  // namespace

int main() {
    for (std::string text; std::getline(std::cin, text);) {
        const auto usage = llmsnoop::tokens::estimate(call_of(Json::parse(text)), {});
        std::cout << Json{{"input", count(usage.input)},
                          {"output", count(usage.output)},
                          {"source", llmsnoop::model::name_of(usage.source)}}
                         .dump()
                  << '\n';
    }
    return 0;
}
