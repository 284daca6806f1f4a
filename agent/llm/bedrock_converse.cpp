#include "agent/llm/bedrock_converse.h"

#include <array>
#include <string>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

bool is_openai_family(std::string_view model) {
    return model.find("openai.") != std::string_view::npos;
}

void set_usage(model::ReportedUsage usage, model::LlmCall& call) {
    const std::uint64_t cache = usage.cache_read.value_or(0) + usage.cache_write.value_or(0);
    if (is_openai_family(call.request_model) && cache > 0 && usage.input.value_or(0) >= cache) {
        // The input holds the cache already, and the total counts it twice (T4).
        usage.rule = model::UsageRule::openai;
        usage.total.reset();
    }
    call.reported = std::move(usage);
}

}  // namespace

void read_aws_error_type(const model::MessageHead& head, model::LlmCall& call) {
    const auto header = model::header(head, "x-amzn-errortype");
    if (!header || !call.error) return;
    std::string_view type = *header;
    if (const std::size_t hash = type.rfind('#'); hash != std::string_view::npos) type.remove_prefix(hash + 1);
    call.error->type = bounded(type.substr(0, type.find(':')));
}

void ConverseReader::read_request(Json body, model::LlmCall& call) {
    if (const Json system = body["system"]) {
        const PartsText text = text_of_parts(system);
        PromptWriter(call).add("system", text.text, text.other_parts);
    }
    read_messages(body["messages"], call);
    set_tool_definitions(call, body["toolConfig"]["tools"]);
}

void ConverseReader::read(Json document, base::Time time, model::LlmCall& call) {
    const std::string key = std::to_string(document["contentBlockIndex"].count().value_or(0));
    if (const Json delta = document["delta"]) {
        read_block(delta, key, time, call);
    } else if (const Json start = document["start"]) {
        read_block(start, key, time, call);
    }
    std::size_t index = 0;
    document["output"]["message"]["content"].each(
        [&](Json block) { read_block(block, std::to_string(index++), time, call); });
    answer_.finish(call, 0, document["stopReason"].text_or_empty());
    set_if_given(call.service_tier, document["serviceTier"]["type"].text_or_empty());
    if (auto usage = read_bedrock_usage(document["usage"])) set_usage(std::move(*usage), call);
}

void ConverseReader::read_block(Json block, const std::string& key, base::Time time, model::LlmCall& call) {
    if (const auto text = block["text"].text()) {
        answer_.text(call, 0, *text, time);
    } else if (const Json tool = block["toolUse"]) {
        answer_.tool_id(call, key, tool["toolUseId"].text_or_empty());
        answer_.tool_name(call, key, tool["name"].text_or_empty());
        if (tool["input"] && answer_.has_tool(key)) answer_.tool_arguments(call, key, tool["input"], time);
    } else if (const Json reasoning = block["reasoningContent"]) {
        const Json shown = reasoning["reasoningText"] ? reasoning["reasoningText"] : reasoning;
        answer_.reasoning(call, shown["text"].text_or_empty(), time);
    }
}

void BedrockConverse::response_head(const model::MessageHead& head, Calls& calls) {
    JsonDialect::response_head(head, calls);
    if (is_error_status()) read_aws_error_type(head, calls.open());
}

void BedrockConverse::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    ConverseReader::read_request(body, calls.open());
}

void BedrockConverse::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    reader_.read(document, frame.time, call);
}

JsonDialect::Chunks BedrockConverse::chunks() const {
    static constexpr std::array<std::string_view, 2> kText{"delta.text", "delta.toolUse.input"};
    static constexpr std::array<std::string_view, 1> kUnread{"p"};  // padding against traffic analysis
    return {kText, kUnread};
}

}  // namespace llmsnoop::llm
