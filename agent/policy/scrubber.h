#pragma once
// Cleans the strings of one record and collects what it found in them. Not thread-safe: one object per record.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/exchange.h"
#include "agent/policy/secret_rules.h"
#include "agent/policy/wire_text.h"

namespace llmsnoop::policy {

class Scrubber {
 public:
    // Text from the wire that leaves: well-formed, secrets replaced by "[masked]" and noted, at most `limit` bytes.
    // Says whether it was cut.
    bool text(std::string& text, std::string_view where, std::size_t limit, TextKind kind = TextKind::name);

    // Text of this machine: well-formed and bounded, but not searched.
    static void local(std::string& text);

    // Text that does not leave: its secrets are noted.
    void note_secrets(std::string_view text, std::string_view where);

    std::vector<model::Finding> take_findings() { return std::move(findings_); }

 private:
    void note(const SecretRule& rule, std::string_view where);

    std::vector<model::Finding> findings_;
};

}  // namespace llmsnoop::policy
