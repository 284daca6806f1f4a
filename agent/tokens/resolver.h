#pragma once
// From what a provider reported to canonical counts: family formula first, then, where a total is given and the sum does not
// match it, the first correction that makes it match (DIALECTS: traps T3 to T8 and the resolver). Pure functions.
#include "agent/model/loss.h"
#include "agent/model/usage.h"

namespace llmsnoop::tokens {

// `source` is reported or adjusted, or none where no count was given. An inconsistency that no rule explains keeps the fields
// and is counted as Loss::usage_inconsistent.
model::Usage resolve(const model::ReportedUsage& reported, model::LossCounters& losses);

}  // namespace llmsnoop::tokens
