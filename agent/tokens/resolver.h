#pragma once
// From what a provider reported to canonical counts: family formula first, then, where a total is given and the sum
// does not match it, the first correction that makes it match (DIALECTS: traps T3 to T8 and the resolver). Pure
// functions.
#include "agent/model/loss.h"
#include "agent/model/usage.h"

namespace llmsnoop::tokens {

// `source` is reported or adjusted, or none where no count was given. What is absent stays absent unless a total tells
// it. An inconsistency that no rule explains keeps the fields and is counted as Loss::usage_inconsistent; so is a sum
// that does not fit in 64 bits.
//
// `adjusted_by` is one of
//   reasoning_outside_output  the output was reported without its reasoning
//   audio_outside_input       the input was reported without its audio
//   cache_inside_input        the input was reported with its cache by a family that reports it without
//   hidden_output             the total holds output that no field shows
//   output_from_total         the output was not reported
//   input_from_total          the input was not reported
model::Usage resolve(const model::ReportedUsage& reported, model::LossCounters& losses);

}  // namespace llmsnoop::tokens
