#pragma once
// Functions that name a source file. Both families of TLS libraries tell their errors to one function, with the name
// of the file in which they happened, and that text survives stripping: it is the anchor from which the rest is found.
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/capture/live/stripped/budget.h"
#include "agent/capture/live/stripped/function_walk.h"
#include "agent/capture/live/stripped/image.h"
#include "agent/capture/live/stripped/machine.h"

namespace llmsnoop::capture::live::stripped {

// Where texts with this ending begin. Cheap in comparison: one pass over the file, without looking at code. More than
// a few of them are the sign of something else than a program with one TLS library.
inline constexpr std::size_t kMaxAnchors = 8;
std::vector<std::uint64_t> find_anchors(const Image& image, std::string_view ending);

// The functions that refer to one of the anchors, in order of their addresses. The nearest start before a reference
// from which the reference is reached is taken for the function's.
std::vector<Function> functions_naming(const Image& image, const Machine& machine, const FunctionStarts& starts,
                                       const std::vector<std::uint64_t>& anchors, Budget& budget);

// The place among a call's arguments of the one that is an anchor; absent if there is none, or more than one.
std::optional<std::size_t> anchor_argument(const Call& call, const std::vector<std::uint64_t>& anchors);

}  // namespace llmsnoop::capture::live::stripped
