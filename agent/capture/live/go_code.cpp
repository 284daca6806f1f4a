#include "agent/capture/live/go_code.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>

namespace llmsnoop::capture::live {

namespace {

constexpr std::size_t kCheckBytes = 64;  // a stack check is at most six instructions
constexpr unsigned kCheckInstructions = 8;
constexpr std::uint64_t kMaxFunction = 64U << 10;
constexpr std::size_t kMaxReturns = 64;
constexpr ZyanI64 kStackGuard = 16;  // g.stackguard0, the third word of runtime.g

struct Decoded {
    ZydisDecodedInstruction instruction{};
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands{};
};

class Walk {
 public:
    Walk(base::Bytes code, std::uint64_t address) : code_(code), address_(address) {
        ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    }

    // False at the end, and at what is no instruction.
    bool decode() {
        return at_ < code_.size() &&
               ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, code_.data() + at_, code_.size() - at_, &now.instruction,
                                                   now.operands.data()));
    }
    void step() { at_ += now.instruction.length; }
    bool at_end() const { return at_ == code_.size(); }
    std::uint64_t offset() const { return at_; }

    std::optional<std::uint64_t> target() const {
        ZyanU64 out = 0;
        if (now.operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
            !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&now.instruction, now.operands.data(), address_ + at_, &out))) {
            return std::nullopt;
        }
        return out;
    }

    Decoded now;

 private:
    ZydisDecoder decoder_{};
    base::Bytes code_;
    std::uint64_t address_;
    std::size_t at_ = 0;
};

// cmp rsp, [r14+16], or r12, which holds the stack pointer less what the function needs
bool compares_with_guard(const Decoded& one) {
    return one.instruction.mnemonic == ZYDIS_MNEMONIC_CMP && one.operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY &&
           one.operands[1].mem.base == ZYDIS_REGISTER_R14 && one.operands[1].mem.index == ZYDIS_REGISTER_NONE &&
           one.operands[1].mem.disp.value == kStackGuard && one.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           (one.operands[0].reg.value == ZYDIS_REGISTER_RSP || one.operands[0].reg.value == ZYDIS_REGISTER_R12);
}

// Does it write a register other than R12, in which the stack check reckons, and the flags?
bool writes_other_registers(const Decoded& one) {
    for (unsigned i = 0; i < one.instruction.operand_count; ++i) {
        const ZydisDecodedOperand& operand = one.operands[i];
        if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0)
            continue;
        const auto whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value);
        if (whole != ZYDIS_REGISTER_R12 && ZydisRegisterGetClass(operand.reg.value) != ZYDIS_REGCLASS_FLAGS &&
            whole != ZYDIS_REGISTER_RIP) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::optional<ProbeSite> go_entry_site(const ElfFile& file, std::uint64_t address) {
    const auto offset = file.file_offset(address);
    if (!offset) return std::nullopt;
    Walk walk(file.code(address, kCheckBytes), address);
    bool compared = false;
    for (unsigned i = 0; i < kCheckInstructions && walk.decode(); ++i) {
        if (compared) {
            // Unsigned, at or below the limit: the stack has to grow. The programs look at the flags that it looks at.
            if (walk.now.instruction.mnemonic != ZYDIS_MNEMONIC_JBE) return std::nullopt;
            return ProbeSite{address + walk.offset(), *offset + walk.offset(), ProbeSite::Place::beyond, true};
        }
        compared = compares_with_guard(walk.now);
        if (writes_other_registers(walk.now) || walk.now.instruction.mnemonic == ZYDIS_MNEMONIC_JMP)
            return std::nullopt;
        walk.step();
    }
    return std::nullopt;
}

std::vector<ProbeSite> go_return_sites(const ElfFile& file, std::uint64_t address, std::uint64_t size) {
    std::vector<ProbeSite> out;
    const auto offset = file.file_offset(address);
    if (!offset || size > kMaxFunction) return {};
    const base::Bytes code = file.code(address, static_cast<std::size_t>(size));
    if (code.size() != size) return {};
    Walk walk(code, address);
    while (walk.decode()) {
        if (walk.now.instruction.mnemonic == ZYDIS_MNEMONIC_RET) {
            out.push_back({address + walk.offset(), *offset + walk.offset(), ProbeSite::Place::at_return, false});
        } else if (walk.now.instruction.mnemonic == ZYDIS_MNEMONIC_JMP) {
            const auto target = walk.target();
            if (!target || *target < address || *target - address >= size) return {};
        }
        walk.step();
    }
    if (!walk.at_end() || out.size() > kMaxReturns) return {};
    return out;
}

}  // namespace llmsnoop::capture::live
