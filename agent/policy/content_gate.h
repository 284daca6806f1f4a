#pragma once
// What becomes of the texts of a call: searched for secrets, hashed, then removed or redacted.
#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "agent/policy/gate.h"
#include "agent/policy/scrubber.h"

namespace llmsnoop::policy {

// SHA-256 of the message texts joined by LF, in order; of a text that is not known in full: empty.
model::ContentHashes hash_content(const model::Exchange& exchange);

// Notes the secrets in every text of the call.
void note_secrets(const model::LlmCall& call, Scrubber& scrubber);

// After this the call holds no text at all.
void clear_content(model::LlmCall& call);

// After this the texts are masked and bounded: each by `policy.content_bytes`, together by `policy.record_bytes`. A
// message that is cut sets `prompt_cut` or `completion_cut`; JSON texts (tool arguments and definitions) are whole or
// absent, because half of one is of no use, and their absence sets the same marks. Every character that is kept is
// masked, so nothing is noted twice.
void redact_content(model::LlmCall& call, const Policy& policy, model::LossCounters& losses);

}  // namespace llmsnoop::policy
