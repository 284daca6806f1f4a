#pragma once
// What is known, by measurement, about how the tokens of a family of models follow from the texts that one sees. The
// one place where such numbers stand; how well they do is shown by tests/corpus/estimate_accuracy.py.
//
// Where the vocabulary of a family is not public, its tokens are those of o200k_base times a factor.
#include <cstdint>
#include <string_view>

#include "agent/tokens/encoding.h"

namespace llmsnoop::tokens {

// tokens = text * scale + units * per_unit + base. The first `unscaled` tokens of the text count as they are: short
// prompts are made of common words, which are one token in every vocabulary.
struct Calibration {
    double scale = 1;
    double per_unit = 0;  // a unit is a message of the prompt, or a tool call of the answer
    double base = 0;      // once per prompt, or per choice of the answer
    double unscaled = 0;
};

// What the definitions of tools add to the prompt.
struct ToolCalibration {
    enum class Form : std::uint8_t {
        json,       // the definitions as they are sent, in minimal JSON
        signature,  // rewritten as type signatures (tool_signature.h)
    };
    Form form = Form::json;
    double scale = 1.3;
    double base = 100;
    double base_with_system = 100;  // the base where there is a system message to put them into
};

// A row answers for one API or for all.
enum class Api : std::uint8_t { any, chat, responses };

struct ModelFamily {
    enum class Match : std::uint8_t { starts_with, contains };
    enum class Reasoning : std::uint8_t { shown, hidden };  // hidden: generated, charged, and never on the wire

    std::string_view name;
    Match match = Match::starts_with;
    Api api = Api::any;
    Encoding encoding = Encoding::o200k_base;
    Reasoning reasoning = Reasoning::shown;
    Calibration input;
    Calibration output;
    ToolCalibration tools;
    double reasoning_prompt = 0;  // what asking the model to reason adds to the prompt

    bool is_known() const { return !name.empty(); }
};

// The family of a model by its name as providers and gateways write it, path, region and vendor in front included
// ("us.anthropic.claude-sonnet-4-20250514-v1:0", "openai/gpt-4o"). Names that are not known get one without a
// name, of averages.
const ModelFamily& family_of(std::string_view model, Api api);

}  // namespace llmsnoop::tokens
