#pragma once
// Credentials of every kind that the rules know, made up and put together here so that no key-like text stands in a
// file.
#include <string>
#include <vector>

namespace llmsnoop::policy {

struct FakeKey {
    std::string rule;
    std::string text;
};

inline std::string repeat(const std::string& unit, std::size_t length) {
    std::string out;
    while (out.size() < length)
        out += unit;
    out.resize(length);
    return out;
}

inline std::string fake_openai_key() {
    return "sk-proj-" + repeat("Ab1_", 58) + "T3Blbk" + "FJ" + repeat("Zy9-", 58);
}

inline std::vector<FakeKey> fake_keys() {
    const std::string hex = repeat("0123456789abcdef", 32);
    return {
        {"secret.openai_key", fake_openai_key()},
        {"secret.openai_key", "sk-" + repeat("aB3", 20) + "T3Blbk" + "FJ" + repeat("x9Y", 20)},
        {"secret.openai_key", "sk-svcacct-" + repeat("q7W", 60)},
        {"secret.openai_key", "openai-insecure-api-key." + repeat("tok9", 24)},
        {"secret.anthropic_key", "sk-ant-api03-" + repeat("wQ_4", 93) + "AA"},
        {"secret.anthropic_key", "sk-ant-oat01-" + repeat("e-R5", 80)},
        {"secret.google_api_key", "AIza" + repeat("Sy_7k", 35)},
        {"secret.huggingface_token", "hf_" + repeat("abcdXYZ", 34)},
        {"secret.huggingface_token", "api_org_" + repeat("abcXYZ", 34)},
        {"secret.perplexity_key", "pplx-" + repeat("a1B2", 48)},
        {"secret.aws_bedrock_key", "ABSK" + repeat("Qm/Vk+x1", 120)},
        {"secret.aws_bedrock_key", "bedrock-api-key-" + std::string("YmVk") + repeat("cm9j", 60)},
        {"secret.aws_access_key_id", "AK" + std::string("IA") + repeat("ABCD2345", 16)},
        {"secret.databricks_token", "dapi" + hex},
        {"secret.groq_key", "gsk_" + repeat("aZ1", 52)},
        {"secret.xai_key", "xai-" + repeat("bY2", 80)},
        {"secret.openrouter_key", "sk-or-v1-" + hex + hex},
        {"secret.replicate_token", "r8_" + repeat("cX3", 37)},
        {"secret.cerebras_key", "csk-" + repeat("dw4", 48)},
        {"secret.fireworks_key", "fw_" + repeat("eV5", 24)},
        {"secret.fireworks_key", "fpk_" + repeat("eV5", 24)},
        {"secret.nvidia_key", "nvapi-" + repeat("fU6_", 64)},
        {"secret.together_key", "tgp_v1_" + repeat("gT7-", 43)},
        {"secret.jina_key", "jina_" + repeat("hS8", 60)},
        {"secret.voyage_key", "pa-" + repeat("iR9_", 43)},
        {"secret.sk_key", "sk-" + hex},
        {"secret.zhipu_key", hex + "." + repeat("jQ0", 16)},
        {"secret.openai_ephemeral_key", "ek_" + repeat("a68f", 32)},
        {"secret.google_oauth_token", "ya29." + repeat("a0Af_", 120)},
        {"secret.github_token", "ghp_" + repeat("kP1", 36)},
        {"secret.langsmith_key", "lsv2_pt_" + hex + "_" + repeat("ab12", 10)},
    };
}

}  // namespace llmsnoop::policy
