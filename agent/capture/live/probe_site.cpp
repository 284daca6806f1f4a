#include "agent/capture/live/probe_site.h"

#include <Zydis/Zydis.h>

#include <array>

namespace llmsnoop::capture::live {

namespace {

constexpr std::size_t kMaxBytes = 256;  // of straight-line code looked at
constexpr unsigned kMaxInstructions = 48;

bool same_register(ZydisRegister a, ZydisRegister b) {
    return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, a) ==
           ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, b);
}

bool in_frame(ZydisRegister base) {
    return same_register(base, ZYDIS_REGISTER_RSP) || same_register(base, ZYDIS_REGISTER_RBP);
}

// Instructions that arch/x86/kernel/uprobes.c emulates: push_setup_xol_ops and branch_setup_xol_ops.
bool kernel_emulates(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands) {
    if ((instruction.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) != 0) return false;
    switch (instruction.mnemonic) {
        case ZYDIS_MNEMONIC_PUSH:  // 50+r and 41 50+r
            return operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && instruction.opcode >= 0x50 &&
                   instruction.opcode <= 0x57;
        case ZYDIS_MNEMONIC_CALL:
        case ZYDIS_MNEMONIC_JMP:
            return operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
        case ZYDIS_MNEMONIC_NOP:
            return instruction.length == 1;
        default:
            return instruction.meta.category == ZYDIS_CATEGORY_COND_BR &&
                   instruction.opcode_map <= ZYDIS_OPCODE_MAP_0F && instruction.mnemonic != ZYDIS_MNEMONIC_JRCXZ &&
                   instruction.mnemonic != ZYDIS_MNEMONIC_LOOP && instruction.mnemonic != ZYDIS_MNEMONIC_LOOPE &&
                   instruction.mnemonic != ZYDIS_MNEMONIC_LOOPNE;
    }
}

// The four argument registers used here, and what the straight line has done to them so far.
enum class Argument : std::uint8_t { intact, extended, local_address, changed };
constexpr std::array<ZydisRegister, 4> kArguments{ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
                                                  ZYDIS_REGISTER_RCX};

// Follows the instructions from an entry as they fall through, not into branches.
class StraightLine {
 public:
    StraightLine(const ElfFile& file, std::uint64_t address) : code_(file.code(address, kMaxBytes)), address_(address) {
        ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    }

    // Decodes the next instruction; false at the end of what can be followed.
    bool decode() {
        if (stopped_ || count_ == kMaxInstructions) return false;
        if (at_ >= code_.size() ||
            !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, code_.data() + at_, code_.size() - at_, &instruction_,
                                                 operands_.data()))) {
            return false;
        }
        ++count_;
        return true;
    }

    // Takes the effects of the decoded instruction into account and goes on behind it.
    void step() {
        for (unsigned i = 0; i < instruction_.operand_count; ++i)
            note_operand(operands_[i]);
        switch (instruction_.meta.category) {
            case ZYDIS_CATEGORY_CALL:
            case ZYDIS_CATEGORY_RET:
            case ZYDIS_CATEGORY_UNCOND_BR:
            case ZYDIS_CATEGORY_INTERRUPT:
            case ZYDIS_CATEGORY_SYSCALL:
                stopped_ = true;
                break;
            default:
                break;
        }
        at_ += instruction_.length;
    }

    std::uint64_t address() const { return address_ + at_; }
    bool at_entry() const { return at_ == 0; }
    bool stack_intact() const { return stack_intact_; }
    Argument argument(std::size_t index) const { return arguments_[index]; }
    bool emulated() const { return kernel_emulates(instruction_, operands_.data()); }

    bool arguments_intact() const {
        for (const Argument one : arguments_) {
            if (one != Argument::intact) return false;
        }
        return true;
    }

    bool is_conditional() const { return instruction_.meta.category == ZYDIS_CATEGORY_COND_BR; }

    // jmp [rip+x]
    bool jumps_through_memory() const {
        return instruction_.mnemonic == ZYDIS_MNEMONIC_JMP && operands_[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
               operands_[0].mem.base == ZYDIS_REGISTER_RIP;
    }

    // The target of a direct call or tail jump, if that is what was decoded.
    std::optional<std::uint64_t> direct_target() const {
        const bool transfers =
            instruction_.mnemonic == ZYDIS_MNEMONIC_CALL || instruction_.mnemonic == ZYDIS_MNEMONIC_JMP;
        if (!transfers || operands_[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return std::nullopt;
        ZyanU64 target = 0;
        if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction_, operands_.data(), address(), &target)))
            return std::nullopt;
        return target;
    }

 private:
    void note_operand(const ZydisDecodedOperand& operand) {
        if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0)
            return;
        if (same_register(operand.reg.value, ZYDIS_REGISTER_RSP)) stack_intact_ = false;
        for (std::size_t i = 0; i < kArguments.size(); ++i) {
            if (same_register(operand.reg.value, kArguments[i])) arguments_[i] = written(kArguments[i]);
        }
    }

    Argument written(ZydisRegister target) const {
        const ZydisDecodedOperand& source = operands_[1];
        const bool moves =
            instruction_.mnemonic == ZYDIS_MNEMONIC_MOVSXD || instruction_.mnemonic == ZYDIS_MNEMONIC_MOV;
        if (moves && source.type == ZYDIS_OPERAND_TYPE_REGISTER) {
            if (same_register(source.reg.value, target)) return Argument::extended;  // movsxd rdx, edx
            if (in_frame(source.reg.value)) return Argument::local_address;          // mov rcx, rsp
        }
        if (instruction_.mnemonic == ZYDIS_MNEMONIC_LEA && in_frame(source.mem.base)) return Argument::local_address;
        return Argument::changed;
    }

    ZydisDecoder decoder_{};
    ZydisDecodedInstruction instruction_{};
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands_{};
    std::array<Argument, 4> arguments_{Argument::intact, Argument::intact, Argument::intact, Argument::intact};
    base::Bytes code_;
    std::uint64_t address_;
    std::size_t at_ = 0;
    unsigned count_ = 0;
    bool stack_intact_ = true;
    bool stopped_ = false;
};

struct Callee {
    std::uint64_t address = 0;
    Argument number = Argument::changed;  // the third argument
    Argument done = Argument::changed;    // the fourth
};

// The first direct call (or tail jump) on the straight line, if the TLS object and the buffer are still where they
// were.
std::optional<Callee> first_callee(const ElfFile& file, std::uint64_t function) {
    StraightLine line(file, function);
    while (line.decode()) {
        if (const auto target = line.direct_target()) {
            if (line.argument(0) != Argument::intact || line.argument(1) != Argument::intact) return std::nullopt;
            return Callee{*target, line.argument(2), line.argument(3)};
        }
        line.step();
    }
    return std::nullopt;
}

// jmp [rip+x], perhaps behind an endbr64: an entry of the procedure linkage table.
bool is_linkage_stub(const ElfFile& file, std::uint64_t address) {
    StraightLine line(file, address);
    for (unsigned i = 0; i < 2 && line.decode(); ++i) {
        if (line.jumps_through_memory()) return true;
        line.step();
    }
    return false;
}

}  // namespace

std::string_view name_of(ProbeSite::Place place) {
    switch (place) {
        case ProbeSite::Place::entry:
            return "entry";
        case ProbeSite::Place::beyond:
            return "beyond entry";
        case ProbeSite::Place::internal:
            return "internal";
        case ProbeSite::Place::at_return:
            return "at return";
    }
    return "?";
}

std::optional<ProbeSite> choose_site(const ElfFile& file, std::uint64_t address, Need need) {
    const auto entry_offset = file.file_offset(address);
    if (!entry_offset) return std::nullopt;
    StraightLine line(file, address);
    while (line.decode()) {
        if (!line.arguments_intact() || (need == Need::arguments_and_return && !line.stack_intact())) break;
        if (line.emulated()) {
            return ProbeSite{line.address(), *entry_offset + (line.address() - address),
                             line.at_entry() ? ProbeSite::Place::entry : ProbeSite::Place::beyond, true};
        }
        line.step();
    }
    return ProbeSite{address, *entry_offset, ProbeSite::Place::entry, false};
}

bool only_jumps_to(const ElfFile& file, std::uint64_t function, std::uint64_t target) {
    StraightLine line(file, function);
    while (line.decode()) {
        if (line.is_conditional()) return false;
        if (const auto next = line.direct_target()) {
            for (std::size_t i = 0; i < 3; ++i) {
                if (line.argument(i) != Argument::intact) return false;
            }
            return *next == target || is_linkage_stub(file, *next);
        }
        line.step();
    }
    return false;
}

std::optional<std::uint64_t> shared_callee(const ElfFile& file, std::uint64_t plain, std::uint64_t extended) {
    const auto of_plain = first_callee(file, plain);
    const auto of_extended = first_callee(file, extended);
    if (!of_plain || !of_extended || of_plain->address != of_extended->address) return std::nullopt;
    const bool plain_fits = (of_plain->number == Argument::intact || of_plain->number == Argument::extended) &&
                            of_plain->done == Argument::local_address;
    const bool extended_fits = of_extended->number == Argument::intact && of_extended->done == Argument::intact;
    if (!plain_fits || !extended_fits || !file.file_offset(of_plain->address)) return std::nullopt;
    return of_plain->address;
}

}  // namespace llmsnoop::capture::live
