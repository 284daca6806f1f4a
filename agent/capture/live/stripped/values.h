#pragma once
// What is known of the registers at one place of a program: constants, and addresses on the stack.
#include <array>
#include <compare>
#include <cstdint>

#include "agent/capture/live/stripped/machine.h"

namespace llmsnoop::capture::live::stripped {

struct Value {
    enum class Kind : std::uint8_t { unknown, constant, stack };
    Kind kind = Kind::unknown;
    std::uint64_t bits = 0;  // of a constant; otherwise 0

    bool is(std::uint64_t constant) const { return kind == Kind::constant && bits == constant; }
    auto operator<=>(const Value&) const = default;
};

class Registers {
 public:
    // At a function's entry only the stack pointer is known.
    explicit Registers(const Machine& machine)
        : passing_(machine.lost_in_calls()), stack_pointer_(machine.stack_pointer()) {
        set(stack_pointer_, {Value::Kind::stack, 0});
    }

    Value get(Register which) const { return values_[which]; }

    void apply(const Instruction& instruction) {
        const auto& effect = instruction.effect;
        // The effect reads what was there before the instruction.
        const Value result = effect ? result_of(*effect) : Value{};
        lose(instruction.lost);
        if (effect && effect->kind != Effect::Kind::maybe_copy) set(effect->target, result);
    }

    // The other outcome of a conditional move.
    void take_copy(const Effect& effect) { set(effect.target, result_of(effect)); }

    void lose(const RegisterSet& which) {
        for (std::size_t i = 0; i < kRegisters; ++i) {
            if (which[i]) set(static_cast<Register>(i), {});
        }
    }

    std::uint64_t hash(std::uint64_t seed) const {
        std::uint64_t out = seed;
        for (const Value& one : values_)
            out = (out ^ (one.bits + static_cast<std::uint64_t>(one.kind))) * 0x9e3779b97f4a7c15ULL + (out >> 29);
        return out;
    }

 private:
    void set(Register which, Value value) {
        if (value.kind == Value::Kind::constant && !passing_[which]) value = {};
        // Whatever is done to the stack pointer, it points to the stack.
        values_[which] = which == stack_pointer_ ? Value{Value::Kind::stack, 0} : value;
    }

    Value result_of(const Effect& effect) const {
        if (effect.kind == Effect::Kind::constant) return cut({Value::Kind::constant, effect.value}, effect.narrow);
        Value out = values_[effect.source];
        if (effect.kind == Effect::Kind::sum && out.kind == Value::Kind::constant) out.bits += effect.value;
        return cut(out, effect.narrow);
    }

    static Value cut(Value value, bool narrow) {
        if (!narrow) return value;
        if (value.kind == Value::Kind::stack) return {};
        value.bits &= 0xffffffffU;
        return value;
    }

    std::array<Value, kRegisters> values_{};
    RegisterSet passing_;
    Register stack_pointer_;
};

}  // namespace llmsnoop::capture::live::stripped
