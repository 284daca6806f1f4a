#pragma once
// Follows one function along all of its paths, with the constants that each path brings along, and tells its calls.
// Compilers merge the ends of error paths, so that one call stands for several errors: what its arguments are depends
// on the way by which it is reached.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "agent/capture/live/stripped/budget.h"
#include "agent/capture/live/stripped/function_starts.h"
#include "agent/capture/live/stripped/image.h"
#include "agent/capture/live/stripped/machine.h"
#include "agent/capture/live/stripped/values.h"

namespace llmsnoop::capture::live::stripped {

inline constexpr std::size_t kArguments = 6;

struct Call {
    std::optional<std::uint64_t> target;  // absent: computed
    std::array<Value, kArguments> arguments;

    auto operator<=>(const Call&) const = default;
};

struct Function {
    std::uint64_t start = 0;
    std::vector<std::uint64_t> instructions;  // their addresses, in order
    std::set<Call> calls;                     // with every set of arguments that was met
    bool stores_elsewhere = false;            // writes to memory by a pointer that is not known to be the stack's
    bool whole = true;                        // false: given up before every path was followed

    bool has_instruction_in(std::uint64_t first, std::uint64_t last) const;
    bool calls_function(std::uint64_t target) const;
};

// Paths end at the starts of other functions: a call that does not return falls through into what lies behind it.
Function walk_function(const Image& image, const Machine& machine, const FunctionStarts& starts, std::uint64_t start,
                       Budget& budget);

}  // namespace llmsnoop::capture::live::stripped
