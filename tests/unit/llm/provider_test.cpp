#include "agent/llm/provider.h"

#include <gtest/gtest.h>

namespace llmsnoop::llm {
namespace {

struct Case {
    std::string_view host;
    std::string_view provider;
};

class Provider : public testing::TestWithParam<Case> {};

TEST_P(Provider, IsNamedAfterTheHost) {
    EXPECT_EQ(provider_of(GetParam().host, {}, false), GetParam().provider);
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, Provider,
    testing::Values(
        Case{"api.openai.com", "openai"}, Case{"API.OpenAI.com:443", "openai"}, Case{"eu.api.openai.com.", "openai"},
        Case{"api.anthropic.com", "anthropic"}, Case{"us-west-2.bedrock-runtime.amazonaws.com", "aws.bedrock"},
        Case{"bedrock-runtime-fips.us-east-1.amazonaws.com", "aws.bedrock"},
        Case{"vpce-1-x.bedrock-runtime.us-east-1.vpce.amazonaws.com", "aws.bedrock"},
        Case{"bedrock-mantle.us-east-1.api.aws", "aws.bedrock"}, Case{"bedrock-runtime.evil.example", "evil.example"},
        Case{"team.openai.azure.com", "azure.ai.openai"}, Case{"x.services.ai.azure.com", "azure.ai.inference"},
        Case{"generativelanguage.googleapis.com", "gcp.gemini"},
        Case{"europe-west4-aiplatform.googleapis.com", "gcp.vertex_ai"},
        Case{"aiplatform.googleapis.com", "gcp.vertex_ai"}, Case{"api.x.ai", "x_ai"},
        Case{"us-east-1.api.x.ai", "x_ai"}, Case{"api.mistral.ai", "mistral_ai"}, Case{"api.deepseek.com", "deepseek"},
        Case{"api.groq.com", "groq"}, Case{"api.cohere.com", "cohere"}, Case{"api.cohere.ai", "cohere"},
        Case{"api.perplexity.ai", "perplexity"}, Case{"api.moonshot.cn", "moonshot_ai"},
        Case{"eu-de.ml.cloud.ibm.com", "ibm.watsonx.ai"}, Case{"openrouter.ai", "openrouter.ai"},
        Case{"ai-gateway.vercel.sh", "vercel.sh"}, Case{"a.b.example.co.uk", "example.co.uk"},
        Case{"llm.example.com.cn", "example.com.cn"}, Case{"com.cn", "com.cn"}, Case{"localhost:8000", "self_hosted"},
        Case{"vllm", "self_hosted"}, Case{"vllm.models.svc.cluster.local", "self_hosted"},
        Case{"gpu.lan", "self_hosted"}, Case{"127.0.0.1:11434", "self_hosted"}, Case{"10.1.2.3", "self_hosted"},
        Case{"172.31.0.1", "self_hosted"}, Case{"192.168.1.1:80", "self_hosted"}, Case{"[::1]:8080", "self_hosted"},
        Case{"[fd00::1]", "self_hosted"}, Case{"100.64.0.1", "self_hosted"}, Case{"203.0.113.9", "203.0.113.9"},
        Case{"172.32.0.1", "172.32.0.1"}, Case{"[2001:db8::1]:443", "2001:db8::1"},
        Case{"user@api.openai.com", "openai"}, Case{"", ""}, Case{"we<ird>.example", ""},
        Case{"evilapi.openai.com.example.org", "example.org"}, Case{"notapi.x.ai", "x.ai"}));

TEST(ProviderOf, FallsBackToTheServerNameAndTheAddress) {
    EXPECT_EQ(provider_of("", "api.openai.com", true), "openai");
    EXPECT_EQ(provider_of("203.0.113.9", "api.openai.com", false), "openai");
    EXPECT_EQ(provider_of("", "", true), "self_hosted");
    EXPECT_EQ(provider_of("api.openai.com", "", true), "openai");  // a private address may be a tunnel's
}

TEST(ModelHost, ServesNothingElse) {
    EXPECT_TRUE(is_model_host("api.openai.com", ""));
    EXPECT_TRUE(is_model_host("openrouter.ai:443", ""));
    EXPECT_TRUE(is_model_host("", "api.anthropic.com"));
    EXPECT_FALSE(is_model_host("example.org", ""));
    EXPECT_FALSE(is_model_host("localhost:8000", ""));
    EXPECT_FALSE(is_model_host("", ""));
}

}  // namespace
}  // namespace llmsnoop::llm
