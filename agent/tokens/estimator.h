#pragma once
// Counts for calls whose provider reported none: no usage asked for, a stream that was cut, a server that does not
// count. From the texts of the call, by the encoding of its model and what is known about the family's overheads
// (model_family.h).
#include <cstdint>

#include "agent/model/llm_call.h"
#include "agent/model/usage.h"

namespace llmsnoop::tokens {

// What is counted of an answer whose text is not whole (LlmCall::completion_cut).
enum class CutAnswer : std::uint8_t {
    unknown,      // nothing
    as_far_seen,  // what there is of it
};

// A job that goes on elsewhere (DIALECTS.md, T16): whoever asks for its result later gets its usage too.
bool is_unfinished(const model::LlmCall& call);

// Fills in what `known` lacks, and never touches a count that it has. `source` becomes estimated, or partial where the
// other side was reported; it stays as it is where nothing could be added. Pure; any thread; time linear in the texts.
//
// A side stays unknown where its text is: cut by a limit, or a prompt with images, audio, files or other parts that are
// no text. So does everything for models of no known family, for calls that generate nothing (see the operations in
// estimator.cpp), and for those that show no sign of having begun to or have only been put into a queue.
//
// Interrupted answers are counted up to the cut, if `cut` says so. Where a family keeps its reasoning to itself and
// the call shows none, the output counts the visible part only, and `adjusted_by` says "visible_output".
model::Usage estimate(const model::LlmCall& call, model::Usage known, CutAnswer cut = CutAnswer::unknown);

}  // namespace llmsnoop::tokens
