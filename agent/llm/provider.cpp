#include "agent/llm/provider.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace llmsnoop::llm {
namespace {

// `host` is the host itself or, with a dot or star in front, what it ends in ("*-aiplatform…" matches
// "us-east5-aiplatform…").
struct KnownHost {
    std::string_view host;
    std::string_view provider;
};

constexpr std::array kKnownHosts{
    KnownHost{"api.openai.com", "openai"},
    KnownHost{".api.openai.com", "openai"},
    KnownHost{"chatgpt.com", "openai"},
    KnownHost{"api.anthropic.com", "anthropic"},
    KnownHost{".api.anthropic.com", "anthropic"},
    KnownHost{".openai.azure.com", "azure.ai.openai"},
    KnownHost{".openai.azure.us", "azure.ai.openai"},
    KnownHost{".openai.azure.cn", "azure.ai.openai"},
    KnownHost{".cognitiveservices.azure.com", "azure.ai.openai"},
    KnownHost{".services.ai.azure.com", "azure.ai.inference"},
    KnownHost{".inference.ai.azure.com", "azure.ai.inference"},
    KnownHost{".models.ai.azure.com", "azure.ai.inference"},
    KnownHost{"models.inference.ai.azure.com", "azure.ai.inference"},
    KnownHost{"generativelanguage.googleapis.com", "gcp.gemini"},
    KnownHost{"aiplatform.googleapis.com", "gcp.vertex_ai"},
    KnownHost{"*-aiplatform.googleapis.com", "gcp.vertex_ai"},
    KnownHost{".aiplatform.googleapis.com", "gcp.vertex_ai"},
    KnownHost{"claude.googleapis.com", "gcp.vertex_ai"},
    KnownHost{"api.cohere.com", "cohere"},
    KnownHost{"api.cohere.ai", "cohere"},
    KnownHost{"api.deepseek.com", "deepseek"},
    KnownHost{"api.groq.com", "groq"},
    KnownHost{".ml.cloud.ibm.com", "ibm.watsonx.ai"},
    KnownHost{"api.mistral.ai", "mistral_ai"},
    KnownHost{"codestral.mistral.ai", "mistral_ai"},
    KnownHost{"api.moonshot.ai", "moonshot_ai"},
    KnownHost{"api.moonshot.cn", "moonshot_ai"},
    KnownHost{"api.perplexity.ai", "perplexity"},
    KnownHost{"api.x.ai", "x_ai"},
    KnownHost{".api.x.ai", "x_ai"},
};

// Hosts of model APIs for which OpenTelemetry has no name. Patterns as above.
constexpr std::array<std::string_view, 34> kOtherModelHosts{
    "openrouter.ai",
    "api.together.ai",
    "api.together.xyz",
    "api.cerebras.ai",
    "api.z.ai",
    "open.bigmodel.cn",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "dashscope-us.aliyuncs.com",
    "api.siliconflow.cn",
    "api.siliconflow.com",
    "router.huggingface.co",
    "ai-gateway.vercel.sh",
    "ollama.com",
    "api.fireworks.ai",
    "api.jina.ai",
    "api.voyageai.com",
    "api.replicate.com",
    "api.aleph-alpha.com",
    "api.writer.com",
    "api.avian.io",
    "api.deepinfra.com",
    "api.novita.ai",
    "integrate.api.nvidia.com",
    "api.sambanova.ai",
    "api.ai21.com",
    "api.inference.crusoecloud.com",
    "api.hyperbolic.xyz",
    "api.minimax.chat",
    "api.minimax.io",
    "api.minimaxi.com",
    "inference.baseten.co",
    ".githubcopilot.com",
    "copilot-proxy.githubusercontent.com",
};

bool matches(std::string_view host, std::string_view pattern) {
    if (pattern[0] == '*') return host.size() > pattern.size() && host.ends_with(pattern.substr(1));
    if (pattern[0] == '.') return host.size() > pattern.size() && host.ends_with(pattern);
    return host == pattern;
}

// bedrock-runtime[-fips].REGION.amazonaws.com[.cn], bedrock-mantle.REGION.api.aws, and private links to them.
bool is_bedrock(std::string_view host) {
    const bool aws =
        host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") || host.ends_with(".api.aws");
    return aws && (host.find("bedrock-runtime") != std::string_view::npos ||
                   host.find("bedrock-mantle") != std::string_view::npos);
}

std::optional<std::string_view> known(std::string_view host) {
    if (is_bedrock(host)) return "aws.bedrock";
    for (const KnownHost& one : kKnownHosts) {
        if (matches(host, one.host)) return one.provider;
    }
    return std::nullopt;
}

enum class Literal : std::uint8_t { none, own, foreign };

// Addresses of one's own: loopback, RFC 1918, RFC 6598, link-local, unique local (RFC 4193).
Literal address_literal(const std::string& host) {
    std::uint8_t bytes[16];
    if (inet_pton(AF_INET, host.c_str(), bytes) == 1) {
        const bool own = bytes[0] == 10 || bytes[0] == 127 || bytes[0] == 0 ||
                         (bytes[0] == 172 && (bytes[1] & 0xF0) == 16) || (bytes[0] == 192 && bytes[1] == 168) ||
                         (bytes[0] == 169 && bytes[1] == 254) || (bytes[0] == 100 && (bytes[1] & 0xC0) == 64);
        return own ? Literal::own : Literal::foreign;
    }
    if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) {
        const bool loopback = std::all_of(bytes, bytes + 15, [](std::uint8_t b) { return b == 0; });
        const bool own = loopback || (bytes[0] & 0xFE) == 0xFC || (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80);
        return own ? Literal::own : Literal::foreign;
    }
    return Literal::none;
}

// Names that the public DNS does not know (RFC 6761, RFC 6762, RFC 8375, and what clusters use).
bool is_own_name(std::string_view host) {
    if (host.find('.') == std::string_view::npos) return true;
    for (const std::string_view suffix : {".localhost", ".local", ".internal", ".svc", ".lan", ".home.arpa", ".test",
                                          ".corp", ".intranet", ".private", ".docker"}) {
        if (host.ends_with(suffix)) return true;
    }
    return false;
}

// The last two labels, or three under suffixes such as co.uk and com.cn.
std::string registrable(const std::string& host) {
    const std::size_t last = host.rfind('.');
    if (last == std::string::npos || last == 0) return host;
    const std::size_t second = host.rfind('.', last - 1);
    if (second == std::string::npos) return host;
    const std::string_view label = std::string_view(host).substr(second + 1, last - second - 1);
    static constexpr std::array<std::string_view, 8> kSecondLevel{"co", "com", "net", "org", "gov", "edu", "ac", "ne"};
    const bool country = host.size() - last - 1 == 2;
    if (!country || std::find(kSecondLevel.begin(), kSecondLevel.end(), label) == kSecondLevel.end() || second == 0) {
        return host.substr(second + 1);
    }
    const std::size_t third = host.rfind('.', second - 1);
    return third == std::string::npos ? host : host.substr(third + 1);
}

bool is_host_name(std::string_view host) {
    return host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':';
           });
}

std::string host_from(std::string_view authority, std::string_view server_name) {
    return host_of(authority.empty() ? server_name : authority);
}

}  // namespace

std::string host_of(std::string_view authority) {
    if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos)
        authority.remove_prefix(user + 1);
    if (authority.starts_with('[')) {  // an IPv6 literal, RFC 3986 section 3.2.2
        const std::size_t end = authority.find(']');
        return std::string(authority.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    if (std::count(authority.begin(), authority.end(), ':') == 1) authority = authority.substr(0, authority.find(':'));
    std::string host(authority);
    std::transform(host.begin(), host.end(), host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    if (host.ends_with('.')) host.pop_back();
    return host;
}

std::string provider_of(std::string_view authority, std::string_view server_name, bool server_is_private) {
    std::string host = host_from(authority, server_name);
    if (host.empty()) return server_is_private ? "self_hosted" : "";
    if (const auto name = known(host)) return std::string(*name);
    if (!is_host_name(host)) return "";  // what is no host name must not become a label
    const Literal literal = address_literal(host);
    // An address in place of a name: the client may have asked for a name that its own resolver translated.
    if (literal == Literal::foreign && !server_name.empty() && host_of(server_name) != host) {
        return provider_of({}, server_name, server_is_private);
    }
    if (literal == Literal::own || (literal == Literal::none && is_own_name(host))) return "self_hosted";
    return literal == Literal::foreign ? host : registrable(host);
}

bool is_model_host(std::string_view authority, std::string_view server_name) {
    const std::string host = host_from(authority, server_name);
    return known(host).has_value() || std::any_of(kOtherModelHosts.begin(), kOtherModelHosts.end(),
                                                  [&](std::string_view one) { return matches(host, one); });
}

}  // namespace llmsnoop::llm
