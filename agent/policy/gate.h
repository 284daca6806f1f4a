#pragma once
// The policy gate: the only way out for anything that was read from the wire. It removes what is not configured to
// leave (by default: all content), masks secrets in what is left, replaces texts by hashes, and says in findings what
// it noticed.
//
// What leaves by default: facts about the call (times, sizes, counts, names of models and tools, ids, status), the path
// without the values of its query, and hashes. Every string that was read from the wire is well-formed, free of control
// characters, bounded (agent/policy/limits.h) and searched for credentials; one that is found is replaced by
// "[masked]". Query values are removed unread: a key in its proper place is no finding.
//
// Texts (prompt, completion, reasoning, tool arguments and definitions, error message) are always searched, whether
// they leave or not. A finding names the rule, its severity and the field of the record; never what was found.
//
// How the result looks: with ContentMode::none `llm.prompt` and `llm.completion` are empty, as are all Content members;
// with ContentMode::redacted they are masked (what is a credential only by the name that it has, as that of a tool's
// server in "authorization", becomes a row of "*") and bounded, and `prompt_cut` or `completion_cut` says that a text
// is not whole. `llm.reported` is always removed: its canonical form is `usage`.
//
// Thread-safe after construction.
#include <cstddef>
#include <cstdint>

#include "agent/model/cleared.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"

namespace llmsnoop::policy {

enum class ContentMode : std::uint8_t {
    none,      // hashes only
    redacted,  // messages and tool arguments, after masking secrets
};

struct Policy {
    ContentMode content = ContentMode::none;
    // prompt_sha256 is the hash of the messages' texts joined by LF, in order; completion_sha256 likewise over the
    // choices; error_message_sha256 that of the message. Absent where the text is not known in full.
    bool hashes = true;
    std::size_t content_bytes = 64U << 10;  // of each text that leaves; the rest is cut
    std::size_t record_bytes = 1U << 20;    // of all texts of one record together
};

class Gate {
 public:
    // Entries beyond what one record may hold are counted in `losses`, which must outlive the gate.
    Gate(Policy policy, model::LossCounters& losses);

    model::Cleared<model::Exchange> clear(model::Exchange exchange) const;
    model::Cleared<model::ExchangeStarted> clear(model::ExchangeStarted started) const;

    const Policy& policy() const { return policy_; }

 private:
    Policy policy_;
    model::LossCounters& losses_;
};

}  // namespace llmsnoop::policy
