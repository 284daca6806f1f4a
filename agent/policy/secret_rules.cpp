#include "agent/policy/secret_rules.h"

#include <array>

namespace llmsnoop::policy {

namespace {

constexpr std::string_view kHigh = "high";
constexpr std::string_view kMedium = "medium";

// Grouped by first byte; the specific before the general. Lengths are a little below those of today's keys, which
// change more often than their prefixes do.
constexpr std::array kRules{
    SecretRule{"secret.aws_access_key_id", kMedium, "AKIA", kBase32, 16, 16},
    SecretRule{"secret.aws_access_key_id", kMedium, "ASIA", kBase32, 16, 16},
    SecretRule{"secret.aws_access_key_id", kMedium, "ABIA", kBase32, 16, 16},
    SecretRule{"secret.aws_access_key_id", kMedium, "ACCA", kBase32, 16, 16},
    SecretRule{"secret.aws_bedrock_key", kHigh, "ABSK", kBase64, 60},
    SecretRule{"secret.google_api_key", kHigh, "AIza", kWord, 30},
    SecretRule{"secret.huggingface_token", kHigh, "api_org_", kAlnum, 30},
    SecretRule{"secret.aws_bedrock_key", kHigh, "bedrock-api-key-YmVk", kBase64, 20},
    SecretRule{"secret.cerebras_key", kHigh, "csk-", kAlnum, 32},
    SecretRule{"secret.databricks_token", kHigh, "dapi", kHex, 32},
    SecretRule{"secret.openai_ephemeral_key", kHigh, "ek_", kWord, 24, 0, true},
    SecretRule{"secret.fireworks_key", kHigh, "fw_", kAlnum, 20, 0, true},
    SecretRule{"secret.fireworks_key", kHigh, "fpk_", kAlnum, 20, 0, true},
    SecretRule{"secret.groq_key", kHigh, "gsk_", kAlnum, 40},
    SecretRule{"secret.github_token", kHigh, "ghp_", kAlnum, 36},
    SecretRule{"secret.huggingface_token", kHigh, "hf_", kAlnum, 30},
    SecretRule{"secret.jina_key", kHigh, "jina_", kWord, 40},
    SecretRule{"secret.langsmith_key", kHigh, "lsv2_pt_", kWord, 32},
    SecretRule{"secret.langsmith_key", kHigh, "lsv2_sk_", kWord, 32},
    SecretRule{"secret.nvidia_key", kHigh, "nvapi-", kWord, 40},
    // A WebSocket client in a browser cannot set a header, so OpenAI takes the key as a subprotocol.
    SecretRule{"secret.openai_key", kHigh, "openai-insecure-api-key.", kWord, 16},
    SecretRule{"secret.perplexity_key", kHigh, "pplx-", kAlnum, 40},
    SecretRule{"secret.voyage_key", kHigh, "pa-", kWord, 40, 0, true},
    SecretRule{"secret.replicate_token", kHigh, "r8_", kAlnum, 36},
    SecretRule{"secret.openai_key", kHigh, "sk-proj-", kWord, 20},
    SecretRule{"secret.openai_key", kHigh, "sk-svcacct-", kWord, 20},
    SecretRule{"secret.openai_key", kHigh, "sk-admin-", kWord, 20},
    SecretRule{"secret.openai_key", kHigh, "sk-", kAlnum, 48, 48, false, "T3BlbkFJ", 20},
    SecretRule{"secret.anthropic_key", kHigh, "sk-ant-", kWord, 20},
    SecretRule{"secret.openrouter_key", kHigh, "sk-or-v1-", kHex, 32},
    // DeepSeek, DashScope, Moonshot, LiteLLM and many a gateway: the prefix alone does not tell whose it is.
    SecretRule{"secret.sk_key", kMedium, "sk-", kWord, 20, 0, true},
    SecretRule{"secret.together_key", kHigh, "tgp_v1_", kWord, 40},
    SecretRule{"secret.xai_key", kHigh, "xai-", kAlnum, 60},
    SecretRule{"secret.google_oauth_token", kHigh, "ya29.", kWord, 20},
};

constexpr SecretRule kDottedHex{"secret.zhipu_key", kHigh, "", kAlnum, 16, 16};

struct Group {
    std::uint8_t begin = 0;
    std::uint8_t size = 0;
};

constexpr std::array<Group, 256> kGroups = [] {
    std::array<Group, 256> groups{};
    for (std::size_t i = 0; i < kRules.size(); ++i) {
        Group& group = groups[static_cast<std::uint8_t>(kRules[i].prefix[0])];
        if (group.size == 0) group.begin = static_cast<std::uint8_t>(i);
        ++group.size;
    }
    return groups;
}();

constexpr bool grouped_by_first_byte() {
    for (std::size_t i = 1; i < kRules.size(); ++i) {
        const Group group = kGroups[static_cast<std::uint8_t>(kRules[i].prefix[0])];
        if (i < group.begin || i >= std::size_t{group.begin} + group.size) return false;
    }
    return true;
}
static_assert(grouped_by_first_byte());

constexpr bool lengths_keep_their_promises() {
    for (const SecretRule& rule : kRules) {
        // What follows a dot in the prefix is a word of its own.
        const std::size_t dot = rule.prefix.find('.');
        const std::size_t longest_word =
            dot == std::string_view::npos ? rule.prefix.size() + rule.min : (dot > rule.min ? dot : rule.min);
        if (longest_word < kShortestSecret || rule.min > kJudgedBy || rule.max >= kJudgedBy) return false;
    }
    return true;
}
static_assert(lengths_keep_their_promises());

}  // namespace

std::span<const SecretRule> rules_beginning_with(char byte) {
    const Group group = kGroups[static_cast<std::uint8_t>(byte)];
    return std::span(kRules).subspan(group.begin, group.size);
}

const SecretRule& dotted_hex_rule() {
    return kDottedHex;
}

}  // namespace llmsnoop::policy
