#include "agent/policy/gate.h"

#include <algorithm>
#include <utility>

#include "agent/policy/char_class.h"
#include "agent/policy/content_gate.h"
#include "agent/policy/limits.h"
#include "agent/policy/scrubber.h"

namespace llmsnoop::policy {

namespace {

using model::Completeness;

// Shortens a list to what a record may hold; says how many entries that cost.
template <typename T>
std::size_t bound(std::vector<T>& list, std::size_t limit) {
    if (list.size() <= limit) return 0;
    const std::size_t beyond = list.size() - limit;
    list.resize(limit);
    return beyond;
}

// Types and codes of errors are names by every provider's reference, but some servers put a sentence there, which may
// quote the prompt: what is no name does not leave.
void keep_names_only(std::string& text) {
    constexpr std::size_t kLongestName = 64;
    const auto belongs_to_name = [](char byte) {
        return is(byte, kWord) || byte == '.' || byte == ':' || byte == '/' || byte == '[' || byte == ']';
    };
    if (text.size() > kLongestName || !std::all_of(text.begin(), text.end(), belongs_to_name)) text = "[text]";
}

std::size_t scrub(model::LlmCall& call, Scrubber& scrubber) {
    std::size_t dropped = bound(call.finish_reasons, kFinishReasons) + bound(call.tool_calls, kToolCalls);
    scrubber.text(call.provider, "llm.provider", kNameBytes);
    scrubber.text(call.dialect, "llm.dialect", kNameBytes);
    scrubber.text(call.operation, "llm.operation", kNameBytes);
    scrubber.text(call.request_model, "llm.request_model", kNameBytes);
    scrubber.text(call.response_model, "llm.response_model", kNameBytes);
    scrubber.text(call.response_id, "llm.response_id", kNameBytes);
    scrubber.text(call.service_tier, "llm.service_tier", kNameBytes);
    for (std::string& reason : call.finish_reasons)
        scrubber.text(reason, "llm.finish_reasons", kNameBytes);
    for (model::ToolCall& tool : call.tool_calls) {
        scrubber.text(tool.name, "llm.tool_calls", kNameBytes);
        scrubber.text(tool.id, "llm.tool_calls", kNameBytes);
    }
    if (call.error) {
        scrubber.text(call.error->type, "llm.error", kNameBytes);
        scrubber.text(call.error->code, "llm.error", kNameBytes);
        keep_names_only(call.error->type);
        keep_names_only(call.error->code);
    }
    call.reported.reset();
    return dropped;
}

std::size_t scrub(model::Usage& usage, Scrubber& scrubber) {
    const std::size_t dropped = bound(usage.details, kUsageDetails);
    for (auto& [name, count] : usage.details)
        scrubber.text(name, "usage.details", kNameBytes);
    // They become members of a JSON object, where a name must stand once.
    std::vector<std::pair<std::string, double>> unique;
    for (auto& detail : usage.details) {
        const bool known =
            std::any_of(unique.begin(), unique.end(), [&](const auto& one) { return one.first == detail.first; });
        if (!known) unique.push_back(std::move(detail));
    }
    usage.details = std::move(unique);
    scrubber.text(usage.adjusted_by, "usage.adjusted_by", kNameBytes);
    return dropped;
}

void scrub(model::Http& http, Scrubber& scrubber) {
    http.path = without_query_values(http.path);
    http.authority = without_user_info(http.authority);
    scrubber.text(http.method, "http.method", kMethodBytes);
    scrubber.text(http.path, "http.path", kPathBytes);
    scrubber.text(http.authority, "http.authority", kNameBytes);
}

void scrub_local(std::map<std::string, std::string>& labels) {
    std::map<std::string, std::string> out;
    for (auto& [name, value] : labels) {
        std::string key = name;
        Scrubber::local(key);
        Scrubber::local(value);
        out.emplace(std::move(key), std::move(value));
    }
    labels = std::move(out);
}

void scrub_local(model::Identity& identity) {
    Scrubber::local(identity.process.comm);
    Scrubber::local(identity.process.exe);
    Scrubber::local(identity.process.cgroup);
    if (identity.container) {
        model::Container& container = *identity.container;
        for (std::string* text : {&container.id, &container.runtime, &container.name, &container.image}) {
            Scrubber::local(*text);
        }
    }
    if (identity.pod) {
        model::Pod& pod = *identity.pod;
        for (std::string* text : {&pod.namespace_name, &pod.name, &pod.uid, &pod.container, &pod.node,
                                  &pod.workload_kind, &pod.workload_name}) {
            Scrubber::local(*text);
        }
        scrub_local(pod.labels);
    }
    Scrubber::local(identity.systemd_unit);
}

// Fails to compile when a record gains a member, until somebody has decided above what of it may leave.
[[maybe_unused]] void every_member_is_decided(model::Exchange& exchange) {
    [[maybe_unused]] const auto& [id, pair, role, net, http, llm, usage, cost, timing, identity, hashes, findings,
                                  completeness] = exchange;
    [[maybe_unused]] const auto& [transport, library, protocol, local, peer, server_name] = net;
    [[maybe_unused]] const auto& [method, path, authority, status, request_bytes, response_bytes, retry, request_sha256,
                                  response_sha256] = http;
    [[maybe_unused]] const auto& [provider, dialect, operation, request_model, response_model, response_id,
                                  service_tier, stream, choices, finish_reasons, tool_calls, error, reported, prompt,
                                  completion, reasoning, tool_definitions, prompt_cut, completion_cut, content_timing] =
        llm;
    [[maybe_unused]] const auto& [process, container, pod, systemd_unit] = identity;
}

}  // namespace

Gate::Gate(Policy policy, model::LossCounters& losses) : policy_(policy), losses_(losses) {}

model::Cleared<model::Exchange> Gate::clear(model::Exchange exchange) const {
    Scrubber scrubber;
    note_secrets(exchange.llm, scrubber);
    exchange.hashes = policy_.hashes ? hash_content(exchange) : model::ContentHashes{};

    const std::size_t dropped = scrub(exchange.llm, scrubber) + scrub(exchange.usage, scrubber);
    if (dropped != 0) {
        losses_.add(model::Loss::record_limit, dropped);
        exchange.completeness = worse(exchange.completeness, Completeness::truncated);
    }
    if (policy_.content == ContentMode::redacted) {
        redact_content(exchange.llm, policy_, losses_);
    } else {
        clear_content(exchange.llm);
    }
    scrub(exchange.http, scrubber);
    scrubber.text(exchange.net.server_name, "net.server_name", kNameBytes);
    scrub_local(exchange.identity);

    std::vector<model::Finding> findings = scrubber.take_findings();
    std::move(findings.begin(), findings.end(), std::back_inserter(exchange.findings));
    return model::Cleared<model::Exchange>(std::move(exchange));
}

model::Cleared<model::ExchangeStarted> Gate::clear(model::ExchangeStarted started) const {
    Scrubber scrubber;  // what it finds stands in the record that follows
    scrub(started.llm, scrubber);
    clear_content(started.llm);
    scrub_local(started.identity);
    return model::Cleared<model::ExchangeStarted>(std::move(started));
}

}  // namespace llmsnoop::policy
