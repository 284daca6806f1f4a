#pragma once
// The seam to the processor: what one instruction does to registers and to the flow of control, as far as following
// constants needs it, and how code refers to addresses. All that is specific to an instruction set lies behind it.
//
// Pure and thread-safe; decoding never reads beyond the bytes it is given.
#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "agent/base/bytes.h"
#include "agent/base/function_ref.h"
#include "agent/capture/live/stripped/image.h"

namespace llmsnoop::capture::live::stripped {

using Register = std::uint8_t;
inline constexpr std::size_t kRegisters = 32;  // as many as any supported processor has
using RegisterSet = std::bitset<kRegisters>;

// How one register's new value comes from old ones.
struct Effect {
    enum class Kind : std::uint8_t {
        constant,    // value
        sum,         // source + value
        maybe_copy,  // source, or unchanged: a conditional move
    };
    Kind kind = Kind::constant;
    Register target = 0;
    Register source = 0;
    bool narrow = false;  // the result is cut to 32 bits
    std::uint64_t value = 0;
};

struct Instruction {
    enum class Flow : std::uint8_t {
        next,    // to the instruction behind it
        branch,  // there or to `target`
        jump,    // to `target`
        call,    // to `target`, or who knows where, and back
        stop,    // nobody can tell: a return, a trap, a computed jump
    };
    Flow flow = Flow::next;
    std::uint8_t length = 0;
    std::optional<std::uint64_t> target;
    std::optional<Effect> effect;
    RegisterSet lost;                      // written with something that is not followed
    std::optional<Register> stores_under;  // writes memory, whose address is based on this register
};

class Machine {
 public:
    virtual ~Machine() = default;

    // The instruction at the beginning of `code`, which lies at `address`.
    virtual std::optional<Instruction> decode(base::Bytes code, std::uint64_t address) const = 0;

    // How calls pass arguments, and what they leave of the registers.
    virtual std::span<const Register> arguments() const = 0;
    virtual Register stack_pointer() const = 0;
    virtual RegisterSet lost_in_calls() const = 0;

    // Where in a segment's code one of these addresses is taken, told as a range [first, last] of addresses in which
    // the instruction begins. By pattern: it may tell of what is no instruction.
    struct Reference {
        std::uint64_t first = 0, last = 0;
    };
    virtual void references(const Segment& code, std::span<const std::uint64_t> targets,
                            base::FunctionRef<void(Reference)> out) const = 0;

    // Where functions lie that return their second argument with one of these numbers added, and do nothing else.
    virtual void adders(const Segment& code, std::span<const std::uint8_t> summands,
                        base::FunctionRef<void(std::uint64_t)> out) const = 0;

    // Where direct calls lead to, as far as functions are aligned as compilers align them. By pattern, likewise.
    virtual void call_targets(const Segment& code, base::FunctionRef<void(std::uint64_t)> out) const = 0;
};

std::unique_ptr<const Machine> x86_64_machine();

}  // namespace llmsnoop::capture::live::stripped
