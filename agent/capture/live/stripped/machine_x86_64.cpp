// x86-64, System V ABI, by Zydis.
#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "agent/base/endian.h"
#include "agent/capture/live/stripped/machine.h"

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::uint64_t kAlignment = 16;  // of functions, at every optimisation level but -Os

using Operands = std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT>;

// The number of a general-purpose register, in the order of their encoding; of any width.
std::optional<Register> number_of(ZydisRegister value) {
    const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, value);
    if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return std::nullopt;
    return static_cast<Register>(whole - ZYDIS_REGISTER_RAX);
}

constexpr Register kRax = 0, kRcx = 1, kRdx = 2, kRsp = 4, kRsi = 6, kRdi = 7;
constexpr std::array<Register, 6> kArguments{kRdi, kRsi, kRdx, kRcx, 8, 9};

bool is_register(const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER;
}

// A number that fills its register: 32-bit results clear the upper half, narrower ones keep old bits.
bool is_wide(const ZydisDecodedOperand& operand) {
    return operand.size == 32 || operand.size == 64;
}

Instruction::Flow flow_of(const ZydisDecodedInstruction& instruction, const Operands& operands) {
    using Flow = Instruction::Flow;
    const bool direct = operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    switch (instruction.meta.category) {
        case ZYDIS_CATEGORY_CALL:
            return Flow::call;
        case ZYDIS_CATEGORY_COND_BR:
            return Flow::branch;
        case ZYDIS_CATEGORY_UNCOND_BR:
            return direct ? Flow::jump : Flow::stop;
        case ZYDIS_CATEGORY_RET:
        case ZYDIS_CATEGORY_INTERRUPT:
            return Flow::stop;
        default:
            return instruction.mnemonic == ZYDIS_MNEMONIC_UD2 || instruction.mnemonic == ZYDIS_MNEMONIC_HLT
                       ? Flow::stop
                       : Flow::next;
    }
}

std::optional<Effect> effect_of_lea(const ZydisDecodedInstruction& instruction, const Operands& operands,
                                    std::uint64_t address, Effect effect) {
    const auto& memory = operands[1].mem;
    if (memory.index != ZYDIS_REGISTER_NONE) return std::nullopt;
    if (memory.base == ZYDIS_REGISTER_RIP || memory.base == ZYDIS_REGISTER_NONE) {
        ZyanU64 target = 0;
        if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[1], address, &target))) return std::nullopt;
        effect.value = target;
        return effect;
    }
    const auto base = number_of(memory.base);
    if (!base) return std::nullopt;
    effect.kind = Effect::Kind::sum;
    effect.source = *base;
    effect.value = static_cast<std::uint64_t>(memory.disp.value);
    return effect;
}

// The instructions by which compilers bring a constant into a register or move it on.
std::optional<Effect> effect_of(const ZydisDecodedInstruction& instruction, const Operands& operands,
                                std::uint64_t address) {
    if (instruction.operand_count_visible == 0 || !is_register(operands[0]) || !is_wide(operands[0]))
        return std::nullopt;
    const auto target = number_of(operands[0].reg.value);
    if (!target) return std::nullopt;
    Effect effect;
    effect.target = effect.source = *target;
    effect.narrow = operands[0].size == 32;
    const ZydisDecodedOperand& second = operands[1];
    const bool from_immediate = instruction.operand_count_visible == 2 && second.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    // The second operand, where it is a register as wide as the first.
    constexpr Register kNone = kRegisters;
    const bool from_register =
        instruction.operand_count_visible == 2 && is_register(second) && second.size == operands[0].size;
    const Register from = from_register ? number_of(second.reg.value).value_or(kNone) : kNone;
    switch (instruction.mnemonic) {
        case ZYDIS_MNEMONIC_MOV:
            if (from_immediate) {
                effect.value = second.imm.value.u;
                return effect;
            }
            if (from == kNone) return std::nullopt;
            effect.kind = Effect::Kind::sum;
            effect.source = from;
            return effect;
        case ZYDIS_MNEMONIC_LEA:
            return effect_of_lea(instruction, operands, address, effect);
        case ZYDIS_MNEMONIC_XOR:
            return from == *target ? std::optional(effect) : std::nullopt;
        case ZYDIS_MNEMONIC_ADD:
        case ZYDIS_MNEMONIC_SUB:
            if (!from_immediate) {
                return instruction.mnemonic == ZYDIS_MNEMONIC_SUB && from == *target ? std::optional(effect)
                                                                                     : std::nullopt;
            }
            effect.kind = Effect::Kind::sum;
            effect.value =
                instruction.mnemonic == ZYDIS_MNEMONIC_ADD ? second.imm.value.u : std::uint64_t{0} - second.imm.value.u;
            return effect;
        case ZYDIS_MNEMONIC_INC:
        case ZYDIS_MNEMONIC_DEC:
            effect.kind = Effect::Kind::sum;
            effect.value = instruction.mnemonic == ZYDIS_MNEMONIC_INC ? 1 : ~std::uint64_t{0};
            return effect;
        default:
            if (instruction.meta.category != ZYDIS_CATEGORY_CMOV || from == kNone) return std::nullopt;
            effect.kind = Effect::Kind::maybe_copy;
            effect.source = from;
            return effect;
    }
}

class X86Machine final : public Machine {
 public:
    X86Machine() {
        ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        for (const Register one : kArguments)
            lost_in_calls_.set(one);
        for (const Register one : {kRax, Register{10}, Register{11}})
            lost_in_calls_.set(one);
    }

    std::optional<Instruction> decode(base::Bytes code, std::uint64_t address) const override {
        ZydisDecodedInstruction instruction;
        Operands operands;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, code.data(), code.size(), &instruction, operands.data()))) {
            return std::nullopt;
        }
        Instruction out;
        out.length = instruction.length;
        out.flow = flow_of(instruction, operands);
        if (out.flow != Instruction::Flow::next) {
            ZyanU64 target = 0;
            if (instruction.operand_count > 0 && operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
                ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, operands.data(), address, &target))) {
                out.target = target;
            }
            // A computed target is not followed; one that cannot be computed must not be either.
            const bool needs_target = out.flow == Instruction::Flow::branch || out.flow == Instruction::Flow::jump;
            if (needs_target && !out.target) out.flow = Instruction::Flow::stop;
        }
        out.effect = effect_of(instruction, operands, address);
        for (std::size_t i = 0; i < instruction.operand_count; ++i)
            note_write(operands[i], out);
        if (out.effect) out.lost.reset(out.effect->target);
        return out;
    }

    std::span<const Register> arguments() const override { return kArguments; }
    Register stack_pointer() const override { return kRsp; }
    RegisterSet lost_in_calls() const override { return lost_in_calls_; }

    void references(const Segment& code, std::span<const std::uint64_t> targets,
                    base::FunctionRef<void(Reference)> out) const override {
        for (const std::uint64_t target : targets)
            references_to(code, target, out);
    }

    void call_targets(const Segment& code, base::FunctionRef<void(std::uint64_t)> out) const override {
        const base::Bytes bytes = code.bytes;
        for (std::size_t i = 0; i + 5 <= bytes.size(); ++i) {
            if (bytes[i] != 0xe8) continue;  // call rel32
            const auto distance = static_cast<std::int32_t>(base::load_le<std::uint32_t>(bytes.data() + i + 1));
            const std::uint64_t target = code.address + i + 5 + static_cast<std::uint64_t>(std::int64_t{distance});
            if (target % kAlignment == 0) out(target);
        }
    }

    // lea rax, [rsi + d8]; ret, within a frame (push rbp; mov rbp, rsp; ...; pop rbp) or without.
    void adders(const Segment& code, std::span<const std::uint8_t> summands,
                base::FunctionRef<void(std::uint64_t)> out) const override {
        constexpr std::array<std::uint8_t, 3> kAdd{0x48, 0x8d, 0x46};
        constexpr std::array<std::uint8_t, 4> kEnter{0x55, 0x48, 0x89, 0xe5};
        constexpr std::uint8_t kPopRbp = 0x5d, kRet = 0xc3;
        const base::Bytes bytes = code.bytes;
        for (std::size_t from = 0; from < bytes.size();) {
            const void* hit = memmem(bytes.data() + from, bytes.size() - from, kAdd.data(), kAdd.size());
            if (hit == nullptr) return;
            const auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes.data());
            from = at + 1;
            const base::Bytes rest = bytes.subspan(at + kAdd.size());
            if (rest.size() < 2 || std::find(summands.begin(), summands.end(), rest[0]) == summands.end()) continue;
            if (rest[1] == kRet) {
                out(code.address + at);
            } else if (rest.size() > 2 && rest[1] == kPopRbp && rest[2] == kRet && at >= kEnter.size() &&
                       std::memcmp(bytes.data() + at - kEnter.size(), kEnter.data(), kEnter.size()) == 0) {
                out(code.address + at - kEnter.size());
            }
        }
    }

 private:
    static void note_write(const ZydisDecodedOperand& operand, Instruction& out) {
        if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0) return;
        if (is_register(operand)) {
            if (const auto which = number_of(operand.reg.value)) out.lost.set(*which);
        } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
            if (const auto base = number_of(operand.mem.base)) out.stores_under = *base;
        }
    }

    // lea r64, [rip + d] (REX.W 8d /r, mod 00, rm 101), and where addresses fit into 31 bits, as in programs that are
    // not position-independent, mov r32, imm32 (b8+r) and mov r64, imm32 (REX.W c7 /0).
    static void references_to(const Segment& code, std::uint64_t target, base::FunctionRef<void(Reference)> out) {
        const base::Bytes bytes = code.bytes;
        const bool absolute = target >> 31 == 0;
        const auto wanted = static_cast<std::uint32_t>(target);
        for (std::size_t i = 3; i + 4 <= bytes.size(); ++i) {
            const auto field = base::load_le<std::uint32_t>(bytes.data() + i);
            const std::uint64_t end = code.address + i + 4;
            if (field == static_cast<std::uint32_t>(target - end)) {
                const auto distance = static_cast<std::int32_t>(field);
                if (end + static_cast<std::uint64_t>(std::int64_t{distance}) == target &&
                    (bytes[i - 1] & 0xc7) == 0x05 && bytes[i - 2] == 0x8d && (bytes[i - 3] & 0xf8) == 0x48) {
                    out({code.address + i - 3, code.address + i - 3});
                }
            }
            if (absolute && field == wanted) {
                const bool short_form = (bytes[i - 1] & 0xf8) == 0xb8;
                const bool long_form = (bytes[i - 1] & 0xf8) == 0xc0 && bytes[i - 2] == 0xc7;
                if (short_form || long_form) out({code.address + i - 3, code.address + i - 1});
            }
        }
    }

    ZydisDecoder decoder_{};
    RegisterSet lost_in_calls_;
};

}  // namespace

std::unique_ptr<const Machine> x86_64_machine() {
    return std::make_unique<X86Machine>();
}

}  // namespace llmsnoop::capture::live::stripped
