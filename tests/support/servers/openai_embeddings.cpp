// POST /v1/embeddings. The answer has no id: exchanges are told apart by their hashes.
#include <bit>
#include <cmath>

#include "tests/support/servers/generation.h"

namespace llmsnoop::support {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Float32, little endian, as openai-python asks for it.
void append_base64(std::string& out, const std::vector<float>& values) {
    std::uint32_t group = 0;
    unsigned held = 0;
    for (const float value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            group = group << 8 | (bits >> shift & 0xff);
            if (++held < 3) continue;
            for (int digit = 18; digit >= 0; digit -= 6)
                out += kBase64[group >> digit & 63];
            group = 0;
            held = 0;
        }
    }
    if (held == 0) return;
    group <<= 8 * (3 - held);
    for (unsigned digit = 0; digit < 4; ++digit)
        out += digit <= held ? kBase64[group >> (18 - 6 * digit) & 63] : '=';
}

void append_numbers(std::string& out, const std::vector<float>& values) {
    std::string_view separator;
    for (const float value : values) {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        append(out, separator, std::string_view(digits, static_cast<std::size_t>(end - digits)));
        separator = ",";
    }
}

}  // namespace

Answer answer_openai_embeddings(const Call& call) {
    Generation generation(call);
    Random random(call.seed);
    Answer answer;
    answer.truth.api = name_of(Api::openai_embeddings);
    answer.truth.request_model = call.request.model;
    answer.truth.model = answered_model(call.request.model);
    answer.headers = {{"x-request-id", "req_" + generation.identifier(24)}};
    answer.body = R"({"object":"list","data":[)";
    std::vector<float> values(call.request.dimensions);
    for (std::size_t input = 0; input < call.request.inputs; ++input) {
        for (float& value : values)
            value = static_cast<float>(static_cast<int>(random.below(200001)) - 100000) / 1e6F;
        append(answer.body, input == 0 ? "" : ",", R"({"object":"embedding","index":)", input, R"(,"embedding":)");
        answer.body += call.request.base64 ? '"' : '[';
        if (call.request.base64) {
            append_base64(answer.body, values);
        } else {
            append_numbers(answer.body, values);
        }
        append(answer.body, call.request.base64 ? "\"" : "]", "}");
    }
    answer.body += R"(],"model":")";
    append_escaped(answer.body, answer.truth.model);
    const std::uint64_t input = *generation.counts().input;
    append(answer.body, R"(","usage":{"prompt_tokens":)", input, R"(,"total_tokens":)", input, "}}");
    answer.truth.counts.input = input;
    cut_document(answer);
    return answer;
}

}  // namespace llmsnoop::support
