#include "agent/capture/live/stripped/function_walk.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::uint64_t kMaxSteps = 200'000;  // in one function, over all of its paths
constexpr std::size_t kMaxCalls = 4096;       // that are remembered of one function
constexpr std::size_t kMaxPending = 4096;     // places still to be gone on from
constexpr std::size_t kLongestInstruction = 15;

class Walk {
 public:
    Walk(const Image& image, const Machine& machine, const FunctionStarts& starts, std::uint64_t start, Budget& budget)
        : image_(image), machine_(machine), starts_(starts), budget_(budget) {
        out_.start = start;
        later(start, Registers(machine));
    }

    Function run() {
        while (!pending_.empty() && out_.whole) {
            const Place place = pending_.back();
            pending_.pop_back();
            follow(place.address, place.registers);
        }
        out_.instructions.reserve(decoded_.size());
        for (const auto& [address, instruction] : decoded_)
            out_.instructions.push_back(address);
        std::sort(out_.instructions.begin(), out_.instructions.end());
        return std::move(out_);
    }

 private:
    struct Place {
        std::uint64_t address;
        Registers registers;
    };

    // Each place is gone on from once with the same knowledge.
    void later(std::uint64_t address, const Registers& registers) {
        if (!met_.insert(registers.hash(address)).second) return;
        if (pending_.size() == kMaxPending)
            out_.whole = false;
        else
            pending_.push_back({address, registers});
    }

    bool is_elsewhere(std::uint64_t address) const { return address != out_.start && starts_.contains(address); }

    const Instruction* decode(std::uint64_t address) {
        if (const auto known = decoded_.find(address); known != decoded_.end()) return &known->second;
        const base::Bytes code = image_.code_at(address, kLongestInstruction);
        const auto instruction = code.empty() ? std::nullopt : machine_.decode(code, address);
        return instruction ? &decoded_.emplace(address, *instruction).first->second : nullptr;
    }

    void follow(std::uint64_t address, Registers registers) {
        while (!is_elsewhere(address)) {
            if (++steps_ > kMaxSteps || !budget_.spend()) {
                out_.whole = false;
                return;
            }
            const Instruction* instruction = decode(address);
            if (instruction == nullptr) return;
            note_store(*instruction, registers);
            const std::uint64_t behind = address + instruction->length;
            switch (instruction->flow) {
                case Instruction::Flow::stop:
                    return;
                case Instruction::Flow::jump:
                    go_to(*instruction->target, registers);
                    return;
                case Instruction::Flow::branch:
                    go_to(*instruction->target, registers);
                    later(behind, registers);
                    return;
                case Instruction::Flow::call:
                    note_call(instruction->target, registers);
                    registers.lose(machine_.lost_in_calls());
                    break;
                case Instruction::Flow::next:
                    fork_conditional_move(*instruction, behind, registers);
                    registers.apply(*instruction);
                    break;
            }
            address = behind;
        }
    }

    void go_to(std::uint64_t target, const Registers& registers) {
        if (is_elsewhere(target))
            note_call(target, registers);  // a tail call
        else
            later(target, registers);
    }

    void fork_conditional_move(const Instruction& instruction, std::uint64_t behind, const Registers& registers) {
        if (!instruction.effect || instruction.effect->kind != Effect::Kind::maybe_copy) return;
        Registers moved = registers;
        moved.take_copy(*instruction.effect);
        later(behind, moved);
    }

    void note_store(const Instruction& instruction, const Registers& registers) {
        if (instruction.stores_under && registers.get(*instruction.stores_under).kind == Value::Kind::unknown)
            out_.stores_elsewhere = true;
    }

    void note_call(std::optional<std::uint64_t> target, const Registers& registers) {
        if (out_.calls.size() == kMaxCalls) {
            out_.whole = false;
            return;
        }
        Call call;
        call.target = target;
        const auto arguments = machine_.arguments();
        for (std::size_t i = 0; i < kArguments; ++i)
            call.arguments[i] = registers.get(arguments[i]);
        out_.calls.insert(call);
    }

    const Image& image_;
    const Machine& machine_;
    const FunctionStarts& starts_;
    Budget& budget_;
    Function out_;
    std::vector<Place> pending_;
    std::unordered_map<std::uint64_t, Instruction> decoded_;
    std::unordered_set<std::uint64_t> met_;
    std::uint64_t steps_ = 0;
};

}  // namespace

bool Function::has_instruction_in(std::uint64_t first, std::uint64_t last) const {
    const auto at = std::lower_bound(instructions.begin(), instructions.end(), first);
    return at != instructions.end() && *at <= last;
}

bool Function::calls_function(std::uint64_t target) const {
    return std::any_of(calls.begin(), calls.end(), [&](const Call& one) { return one.target == target; });
}

Function walk_function(const Image& image, const Machine& machine, const FunctionStarts& starts, std::uint64_t start,
                       Budget& budget) {
    return Walk(image, machine, starts, start, budget).run();
}

}  // namespace llmsnoop::capture::live::stripped
