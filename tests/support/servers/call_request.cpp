#include "tests/support/servers/call_request.h"

#include <simdjson.h>

namespace llmsnoop::support {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr unsigned kMaxChoices = 16;
constexpr std::size_t kMaxInputs = 2048;
constexpr std::size_t kMaxDimensions = 4096;

bool truthy(const object& fields, std::string_view name) {
    bool value = false;
    return fields[name].get(value) == simdjson::SUCCESS && value;
}

bool present(const object& fields, std::string_view name) {
    element value;
    return fields[name].get(value) == simdjson::SUCCESS && !value.is_null();
}

std::uint64_t number_or(const object& fields, std::string_view name, std::uint64_t fallback, std::uint64_t most) {
    std::uint64_t value = 0;
    if (fields[name].get(value) != simdjson::SUCCESS) return fallback;
    return value > most ? most : value;
}

// OpenAI chat nests the name in "function"; the Responses API and Anthropic keep it beside "type".
std::vector<std::string> tool_names(const object& fields) {
    std::vector<std::string> names;
    simdjson::dom::array tools;
    std::string_view choice;
    if (fields["tool_choice"].get(choice) == simdjson::SUCCESS && choice == "none") return names;
    if (fields["tools"].get(tools) != simdjson::SUCCESS) return names;
    for (element tool : tools) {
        std::string_view name;
        if (tool["function"]["name"].get(name) == simdjson::SUCCESS || tool["name"].get(name) == simdjson::SUCCESS)
            names.emplace_back(name);
    }
    return names;
}

bool asks_to_think(const object& fields, std::string_view model) {
    if (present(fields, "reasoning_effort") || present(fields, "reasoning")) return true;
    std::string_view thinking;
    if (fields["thinking"]["type"].get(thinking) == simdjson::SUCCESS) return thinking == "enabled";
    return model.starts_with("o1") || model.starts_with("o3") || model.starts_with("o4") || model.starts_with("gpt-5");
}

void read_embedding_fields(const object& fields, CallRequest& call) {
    simdjson::dom::array inputs;
    if (fields["input"].get(inputs) == simdjson::SUCCESS) {
        // An array of numbers is one input, given as tokens.
        const auto first = inputs.begin();
        const bool texts = inputs.size() > 0 && !(*first).is_int64();
        call.inputs = texts ? std::min(inputs.size(), kMaxInputs) : 1;
    }
    call.dimensions = number_or(fields, "dimensions", call.dimensions, kMaxDimensions);
    std::string_view format;
    call.base64 = fields["encoding_format"].get(format) == simdjson::SUCCESS && format == "base64";
}

std::string_view required_field(Api api) {
    switch (api) {
        case Api::openai_chat:
        case Api::anthropic_messages:
            return "messages";
        case Api::openai_responses:
        case Api::openai_embeddings:
            return "input";
    }
    return "";
}

}  // namespace

std::string_view name_of(Api api) {
    switch (api) {
        case Api::openai_chat:
            return "openai.chat";
        case Api::openai_responses:
            return "openai.responses";
        case Api::openai_embeddings:
            return "openai.embeddings";
        case Api::anthropic_messages:
            return "anthropic.messages";
    }
    return "";
}

struct CallReader::Parser {
    simdjson::dom::parser parser;
};

CallReader::CallReader() : parser_(std::make_unique<Parser>()) {}
CallReader::~CallReader() = default;

base::Result<CallRequest> CallReader::read(Api api, std::string_view body) {
    element root;
    object fields;
    if (parser_->parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
        root.get(fields) != simdjson::SUCCESS)
        return base::error("We could not parse the JSON body of your request.");
    CallRequest call;
    call.api = api;
    std::string_view model;
    if (fields["model"].get(model) != simdjson::SUCCESS) return base::error("you must provide a model parameter");
    const std::string_view required = required_field(api);
    if (!present(fields, required)) return base::error("Missing required parameter: '" + std::string(required) + "'.");
    call.model = model;
    call.stream = truthy(fields, "stream");
    object stream_options;
    if (fields["stream_options"].get(stream_options) == simdjson::SUCCESS) {
        call.include_usage = truthy(stream_options, "include_usage");
        if (present(stream_options, "include_obfuscation"))
            call.obfuscation = truthy(stream_options, "include_obfuscation");
    }
    if (api == Api::openai_chat) call.choices = static_cast<unsigned>(number_or(fields, "n", 1, kMaxChoices));
    if (call.choices == 0) call.choices = 1;
    call.tools = tool_names(fields);
    call.thinks = asks_to_think(fields, model);
    if (api == Api::openai_embeddings) read_embedding_fields(fields, call);
    return call;
}

}  // namespace llmsnoop::support
