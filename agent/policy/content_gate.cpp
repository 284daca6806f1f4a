#include "agent/policy/content_gate.h"

#include <algorithm>

#include "agent/base/sha256.h"
#include "agent/policy/credential_mask.h"
#include "agent/policy/credential_members.h"
#include "agent/policy/limits.h"

namespace llmsnoop::policy {

namespace {

using model::Completeness;

std::string hash_of(const std::vector<model::Message>& messages) {
    if (messages.empty()) return {};
    base::Sha256 hash;
    bool first = true;
    for (const model::Message& message : messages) {
        if (!first) hash.update("\n");
        first = false;
        hash.update(message.text.view());
    }
    return hash.finish_hex();
}

bool request_is_whole(const model::Exchange& exchange) {
    switch (exchange.completeness) {
        case Completeness::complete:
        case Completeness::headers_lost:  // says that the bodies are whole
            return true;
        case Completeness::in_progress:
        case Completeness::interrupted:
            return exchange.timing.request_ended.has_value();
        case Completeness::truncated:
        case Completeness::gap:
            return false;
    }
    return false;
}

bool response_is_whole(const model::Exchange& exchange) {
    return model::has_whole_bodies(exchange.completeness);
}

// What no rule of secret_rules.h knows: credentials that only their names give away.
void mask_named(std::string& text) {
    mask_named_credentials({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    mask_credential_members(text);
}

// How much of a record's allowance the texts have used up.
class Allowance {
 public:
    Allowance(const Policy& policy, Scrubber& scrubber)
        : each_(policy.content_bytes), left_(policy.record_bytes), scrubber_(scrubber) {}

    // Says whether the text was cut.
    bool prose(model::Content& text) {
        const bool was_cut = scrubber_.text(text.edit(), {}, std::min(each_, left_), TextKind::prose);
        mask_named(text.edit());
        left_ -= text.size();
        return was_cut;
    }

    // Says whether the text was removed. Masking only shortens it, so it is never cut.
    bool json(model::Content& text) {
        const std::size_t limit = std::min(each_, left_);
        if (text.size() > limit) {
            text = {};
            return true;
        }
        scrubber_.text(text.edit(), {}, limit, TextKind::prose);
        mask_named(text.edit());
        left_ -= text.size();
        return false;
    }

 private:
    std::size_t each_;
    std::size_t left_;
    Scrubber& scrubber_;
};

void redact(std::vector<model::Message>& messages, bool& was_cut, Allowance& allowance, Scrubber& scrubber,
            model::LossCounters& losses) {
    if (messages.size() > kMessages) {
        losses.add(model::Loss::record_limit, messages.size() - kMessages);
        messages.resize(kMessages);
        was_cut = true;
    }
    for (model::Message& message : messages) {
        scrubber.text(message.role, {}, kNameBytes);
        if (allowance.prose(message.text)) was_cut = true;
    }
}

}  // namespace

model::ContentHashes hash_content(const model::Exchange& exchange) {
    const model::LlmCall& call = exchange.llm;
    model::ContentHashes hashes;
    if (!call.prompt_cut && request_is_whole(exchange)) hashes.prompt_sha256 = hash_of(call.prompt);
    if (!call.completion_cut && response_is_whole(exchange)) hashes.completion_sha256 = hash_of(call.completion);
    if (call.error && !call.error->message.empty() && response_is_whole(exchange)) {
        hashes.error_message_sha256 = base::sha256_hex(call.error->message.view());
    }
    return hashes;
}

void note_secrets(const model::LlmCall& call, Scrubber& scrubber) {
    for (const model::Message& message : call.prompt)
        scrubber.note_secrets(message.text.view(), "content.prompt");
    for (const model::Message& message : call.completion) {
        scrubber.note_secrets(message.text.view(), "content.completion");
    }
    for (const model::ToolCall& tool : call.tool_calls) {
        scrubber.note_secrets(tool.arguments.view(), "content.tool_calls");
    }
    scrubber.note_secrets(call.reasoning.view(), "content.reasoning");
    scrubber.note_secrets(call.tool_definitions.view(), "content.tools");
    if (call.error) scrubber.note_secrets(call.error->message.view(), "content.error_message");
}

void clear_content(model::LlmCall& call) {
    call.prompt.clear();
    call.completion.clear();
    call.reasoning = {};
    call.tool_definitions = {};
    for (model::ToolCall& tool : call.tool_calls)
        tool.arguments = {};
    if (call.error) call.error->message = {};
}

void redact_content(model::LlmCall& call, const Policy& policy, model::LossCounters& losses) {
    Scrubber scrubber;  // of its own: what it finds has been noted
    Allowance allowance(policy, scrubber);
    if (call.error && allowance.prose(call.error->message)) call.completion_cut = true;
    // What the model wrote comes first: a long prompt must not use up the room for the answer.
    redact(call.completion, call.completion_cut, allowance, scrubber, losses);
    if (allowance.prose(call.reasoning)) call.completion_cut = true;
    for (model::ToolCall& tool : call.tool_calls) {
        if (allowance.json(tool.arguments)) call.completion_cut = true;
    }
    redact(call.prompt, call.prompt_cut, allowance, scrubber, losses);
    if (allowance.json(call.tool_definitions)) call.prompt_cut = true;
}

}  // namespace llmsnoop::policy
