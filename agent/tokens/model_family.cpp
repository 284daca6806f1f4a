#include "agent/tokens/model_family.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/tokens/model_match.h"

namespace llmsnoop::tokens {

namespace {

using Form = ToolCalibration::Form;
using Match = ModelFamily::Match;
using Reasoning = ModelFamily::Reasoning;

constexpr auto kStarts = Match::starts_with;
constexpr auto kContains = Match::contains;
constexpr auto kO200k = Encoding::o200k_base;
constexpr auto kCl100k = Encoding::cl100k_base;
constexpr auto kShown = Reasoning::shown;
constexpr auto kHidden = Reasoning::hidden;

// OpenAI's chat format costs 3 tokens a message and 1 for its role, and 3 that open the answer (2 since the o series).
constexpr Calibration kChat3{1, 4, 3, 0};
constexpr Calibration kChat2{1, 4, 2, 0};
constexpr ToolCalibration kSignatures{Form::signature, 1, 8, 5};
constexpr ToolCalibration kSignaturesResponses{Form::signature, 1, 3, 3};
constexpr ToolCalibration kSignaturesReasoning{Form::signature, 1, 8, 8};

constexpr ToolCalibration json_tools(double base, double scale = 1.3) {
    return {Form::json, scale, base, base};
}

// The first row that matches is taken. Columns: name, match, API, encoding, reasoning; input {scale, per message, base,
// unscaled}, output {scale, per call, base, unscaled}, tools. Measured in November 2026.
constexpr auto kFamilies = std::to_array<ModelFamily>({
    {"gpt-oss", kContains, Api::any, kO200k, kShown, {1, 4, 66, 0}, {1, 12, 9, 0}, {Form::signature, 1, 10, 10}},
    {"gpt-5-chat", kStarts, Api::any, kO200k, kShown, kChat3, {1, 7, 0, 0}, kSignatures},
    {"gpt-5", kStarts, Api::responses, kO200k, kHidden, kChat2, {1, 13, 6, 0}, kSignaturesReasoning},
    {"gpt-5", kStarts, Api::any, kO200k, kHidden, kChat2, {1, 13, 9, 0}, {Form::signature, 1, 90, 90}},
    {"o1", kStarts, Api::any, kO200k, kHidden, kChat2, {1, 13, 6, 0}, kSignaturesReasoning},
    {"o3", kStarts, Api::any, kO200k, kHidden, kChat2, {1, 13, 6, 0}, kSignaturesReasoning},
    {"o4", kStarts, Api::any, kO200k, kHidden, kChat2, {1, 13, 6, 0}, kSignaturesReasoning},
    {"codex-", kStarts, Api::any, kO200k, kHidden, kChat2, {1, 13, 6, 0}, kSignaturesReasoning},
    {"gpt-4o", kStarts, Api::responses, kO200k, kShown, kChat3, {1, 7, 1, 0}, kSignaturesResponses},
    {"gpt-4o", kStarts, Api::any, kO200k, kShown, kChat3, {1, 7, 0, 0}, kSignatures},
    {"chatgpt-4o", kStarts, Api::any, kO200k, kShown, kChat3, {1, 7, 0, 0}, kSignatures},
    {"gpt-4.", kStarts, Api::responses, kO200k, kShown, kChat3, {1, 7, 1, 0}, kSignaturesResponses},
    {"gpt-4.", kStarts, Api::any, kO200k, kShown, kChat3, {1, 7, 0, 0}, kSignatures},
    {"gpt-4", kStarts, Api::any, kCl100k, kShown, kChat3, {1, 7, 0, 0}, kSignatures},
    {"gpt-3", kStarts, Api::any, kCl100k, kShown, kChat3, {1, 7, 0, 0}, {Form::signature, 1, 5, 5}},
    {"text-embedding-3", kStarts, Api::any, kCl100k, kShown, {}, {}, {}},
    {"text-embedding-ada", kStarts, Api::any, kCl100k, kShown, {}, {}, {}},
    {"davinci", kStarts, Api::any, kCl100k, kShown, {}, {}, {}},
    {"babbage", kStarts, Api::any, kCl100k, kShown, {}, {}, {}},
    // The tokenizer changed with Opus 4.7.
    {"claude-opus-4-7",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude-opus-4-8",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude-opus-4-9",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude-opus-5",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude-sonnet-5",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude-haiku-5",
     kContains,
     Api::any,
     kO200k,
     kShown,
     {1.41, 2, 6, 0},
     {1.44, 45, 3, 0},
     json_tools(560, 1.41),
     29},
    {"claude", kContains, Api::any, kO200k, kShown, {1.155, 0, 7, 12}, {1.158, 40, 3, 0}, json_tools(500, 1.155), 29},
    {"gemini", kContains, Api::any, kO200k, kHidden, {1.02, 0.5, 0, 0}, {1.03, 7, 0, 0}, json_tools(-10, 1.155)},
    {"gemma", kContains, Api::any, kO200k, kShown, {1, 0, 9, 0}, {1, 10, 1, 0}, json_tools(100)},
    {"grok-4-fast", kStarts, Api::any, kO200k, kHidden, {0.98, 4, 152, 0}, {0.98, 24, 0, 0}, json_tools(200)},
    {"grok-4.1-fast", kStarts, Api::any, kO200k, kHidden, {0.98, 4, 152, 0}, {0.98, 24, 0, 0}, json_tools(200)},
    {"grok-code", kStarts, Api::any, kO200k, kHidden, {0.98, 4, 200, 0}, {0.98, 24, 0, 0}, json_tools(200)},
    {"grok-4.3", kStarts, Api::any, kO200k, kHidden, {0.98, 0, 192, 0}, {0.98, 6, 0, 0}, json_tools(200)},
    {"grok", kContains, Api::any, kO200k, kShown, {0.98, 4, 2, 0}, {0.98, 24, 0, 0}, json_tools(200)},
    {"deepseek", kContains, Api::any, kO200k, kShown, {1.005, 1, 3, 0}, {1.02, 38, 1, 0}, json_tools(190)},
    {"kimi", kContains, Api::any, kO200k, kShown, {1, 4, 3, 0}, {1.19, 12, 1, 0}, json_tools(23)},
    {"mistral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"mixtral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"ministral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"codestral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"devstral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"pixtral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"magistral", kContains, Api::any, kO200k, kShown, {1.09, 3, 0, 0}, {1.08, 3, 1, 0}, json_tools(5)},
    {"llama-3.1", kContains, Api::any, kO200k, kShown, {1.02, 5, 30, 0}, {1.05, 20, 1, 0}, json_tools(150)},
    {"llama-3.3", kContains, Api::any, kO200k, kShown, {1.02, 5, 30, 0}, {1.05, 20, 1, 0}, json_tools(150)},
    {"llama", kContains, Api::any, kO200k, kShown, {1.02, 5, 5, 0}, {1.05, 20, 1, 0}, json_tools(150)},
    {"qwen", kContains, Api::any, kO200k, kShown, {1.05, 5, 3, 0}, {1.08, 20, 1, 0}, json_tools(83)},
    {"qwq", kContains, Api::any, kO200k, kShown, {1.05, 5, 3, 0}, {1.08, 20, 1, 0}, json_tools(83)},
    {"glm", kContains, Api::any, kO200k, kShown, {1, 2, 3, 0}, {1.05, 10, 3, 0}, json_tools(88)},
    {"nova-2", kContains, Api::any, kO200k, kShown, {1.05, 0, 46, 0}, {1, 11, 3, 0}, json_tools(850)},
    {"nova", kContains, Api::any, kO200k, kShown, {1.05, 0, 0, 0}, {1, 11, 3, 0}, json_tools(350)},
    {"command-r-", kContains, Api::any, kO200k, kShown, {1, 0, 200, 0}, {1, 50, 1, 0}, json_tools(450)},
    {"command", kContains, Api::any, kO200k, kShown, {1, 0, 495, 0}, {1, 50, 1, 0}, json_tools(450)},
    {"sonar", kContains, Api::any, kO200k, kShown, {1, 1, 1, 0}, {1, 7, 0, 0}, json_tools(100)},
});

constexpr ModelFamily kUnknown{"",     kStarts,         Api::any,         kO200k,
                               kShown, {1.02, 4, 3, 0}, {1.02, 12, 1, 0}, json_tools(100)};

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// "us.anthropic.claude-3" and "openai/gpt-4o" without what stands in front: paths, the prefix of fine-tuned models, and
// words of letters that end in a dot.
std::string bare_name(std::string_view model) {
    constexpr std::size_t kLongest = 256;  // nothing beyond tells families apart
    model = model.substr(model.rfind('/') + 1).substr(0, kLongest);
    std::string name = lower_case(model);
    if (name.starts_with("ft:")) name.erase(0, 3);
    for (;;) {
        const std::size_t dot = name.find('.');
        if (dot == std::string::npos || dot == 0) return name;
        if (!std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot), is_lower)) return name;
        name.erase(0, dot + 1);
    }
}

bool matches(const ModelFamily& family, std::string_view name, Api api) {
    if (family.api != Api::any && family.api != api) return false;
    return family.match == Match::starts_with ? name.starts_with(family.name)
                                              : name.find(family.name) != std::string_view::npos;
}

}  // namespace

const ModelFamily& family_of(std::string_view model, Api api) {
    const std::string name = bare_name(model);
    const auto* const found = std::find_if(kFamilies.begin(), kFamilies.end(),
                                           [&](const ModelFamily& family) { return matches(family, name, api); });
    return found == kFamilies.end() ? kUnknown : *found;
}

}  // namespace llmsnoop::tokens
