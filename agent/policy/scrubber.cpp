#include "agent/policy/scrubber.h"

#include <algorithm>

#include "agent/policy/limits.h"
#include "agent/policy/secret_scan.h"

namespace llmsnoop::policy {

namespace {

constexpr std::string_view kMasked = "[masked]";

}  // namespace

bool Scrubber::text(std::string& text, std::string_view where, std::size_t limit, TextKind kind) {
    // Cleaned before it is searched, so that a control character cannot hide a key; searched before it is cut, so that
    // no half of a key is left.
    const bool was_cut = cut(text, limit + kKeyBytes);
    clean(text, kind);
    // What was removed may have brought the end of what is read before the limit, with half of a key.
    const TextEnd end = was_cut ? TextEnd::open : TextEnd::final;
    if (auto match = find_secret(text, 0, end)) {
        std::string masked;
        std::size_t done = 0;
        for (; match; match = find_secret(text, done, end)) {
            masked.append(text, done, match->begin - done).append(kMasked);
            done = match->end;
            const bool is_half = was_cut && done == text.size();  // which may be half of a word as well
            if (!is_half) note(*match->rule, where);
        }
        text = masked.append(text, done);
    }
    return cut(text, limit) || was_cut;
}

void Scrubber::local(std::string& text) {
    clean(text, TextKind::name);
    cut(text, kLocalBytes);
}

void Scrubber::note_secrets(std::string_view text, std::string_view where) {
    for (auto match = find_secret(text); match; match = find_secret(text, match->end))
        note(*match->rule, where);
}

void Scrubber::note(const SecretRule& rule, std::string_view where) {
    const auto known = std::find_if(findings_.begin(), findings_.end(), [&](const model::Finding& finding) {
        return finding.rule == rule.name && finding.where == where;
    });
    if (known != findings_.end()) {
        ++known->count;
    } else {
        findings_.push_back({std::string(rule.name), std::string(rule.severity), std::string(where), 1});
    }
}

}  // namespace llmsnoop::policy
