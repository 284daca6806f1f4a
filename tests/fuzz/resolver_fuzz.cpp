// Any numbers and any texts: the resolver's counts add up or are counted as inconsistent, and the estimator never
// touches what was reported. The input is read as a call with its usage; the texts of the call are what is left.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "agent/tokens/estimator.h"
#include "agent/tokens/resolver.h"
#include "agent/tokens/tool_signature.h"

namespace {

using namespace llmsnoop;

void require(bool holds) {
    if (!holds) std::abort();
}

class Input {
 public:
    Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(left_[0]);
        left_.remove_prefix(1);
        return value;
    }
    // Absent, small (so that sums are hit), or any.
    model::Count count() {
        const std::uint8_t kind = byte();
        if (kind % 4 == 0) return std::nullopt;
        if (kind % 4 != 1) return byte();
        std::uint64_t value = 0;
        const std::size_t size = left_.size() < sizeof value ? left_.size() : sizeof value;
        std::memcpy(&value, left_.data(), size);
        left_.remove_prefix(size);
        return value;
    }
    std::string text(std::size_t longest) {
        const std::size_t size = std::min<std::size_t>(left_.size(), longest);
        const std::string out(left_.substr(0, size));
        left_.remove_prefix(size);
        return out;
    }

 private:
    std::string_view left_;
};

void check_usage(const model::ReportedUsage& reported, const model::Usage& usage, bool inconsistent) {
    require(usage.cache_read == reported.cache_read && usage.cache_write == reported.cache_write);
    require((usage.source == model::UsageSource::adjusted) == !usage.adjusted_by.empty());
    if (usage.input && usage.output && usage.total) require(*usage.total == *usage.input + *usage.output);
    if (inconsistent) return;
    if (usage.input && usage.output) {
        require(usage.total.has_value());
        if (reported.total && reported.rule != model::UsageRule::gemini_live) require(usage.total == reported.total);
        require(usage.reasoning.value_or(0) <= *usage.output);
        require(usage.cache_read.value_or(0) + usage.cache_write.value_or(0) <= *usage.input);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    model::ReportedUsage reported;
    reported.rule = static_cast<model::UsageRule>(input.byte() % 7);
    reported.input = input.count();
    reported.output = input.count();
    reported.total = input.count();
    reported.cache_read = input.count();
    reported.cache_write = input.count();
    reported.reasoning = input.count();
    reported.input_audio = input.count();
    reported.input_tool_use = input.count();
    reported.input_image = input.count();
    model::LossCounters losses;
    const model::Usage usage = tokens::resolve(reported, losses);
    check_usage(reported, usage, losses.get(model::Loss::usage_inconsistent) > 0);

    static constexpr std::string_view kOperations[] = {"chat", "generate_content", "text_completion", "embeddings",
                                                       "mcp"};
    model::LlmCall call;
    const std::uint8_t flags = input.byte();
    call.operation = kOperations[input.byte() % 5];
    call.dialect = (flags & 1) != 0 ? "openai.responses" : "openai.chat";
    call.prompt_cut = (flags & 2) != 0;
    call.completion_cut = (flags & 4) != 0;
    if ((flags & 8) != 0) call.error.emplace();
    if ((flags & 16) != 0) call.response_id = "r";
    call.response_model = input.text(input.byte() % 32);
    call.prompt.push_back({"system", model::Content(input.text(input.byte())), (flags & 32) != 0 ? 1U : 0U});
    call.completion.push_back({"assistant", model::Content(input.text(input.byte())), 0});
    call.reasoning = model::Content(input.text(input.byte() % 16));
    call.tool_definitions = model::Content(input.text(SIZE_MAX));
    const model::Usage estimated = tokens::estimate(call, usage);
    if (usage.input) require(estimated.input == usage.input);
    if (usage.output) require(estimated.output == usage.output);
    if (estimated == usage) return 0;
    require(estimated.source == model::UsageSource::estimated || estimated.source == model::UsageSource::partial);
    require((estimated.source == model::UsageSource::partial) == (usage.input.has_value() || usage.output.has_value()));
    if (call.prompt_cut) require(estimated.input == usage.input);
    return 0;
}
