#include "agent/capture/live/stripped/function_starts.h"

#include <algorithm>
#include <bit>

#include "agent/base/endian.h"

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::uint64_t kBits = 64;

}  // namespace

FunctionStarts::FunctionStarts(const Image& image, const Machine& machine) {
    for (const Segment& one : image.segments()) {
        if (!one.executable) continue;
        marks_.push_back({one.address, one.bytes.size(), std::vector<std::uint64_t>(one.bytes.size() / kBits + 1)});
    }
    for (const Segment& one : image.segments()) {
        if (one.executable) machine.call_targets(one, [this](std::uint64_t target) { mark(target); });
    }
    mark_unwind_table(image);
}

const FunctionStarts::Marks* FunctionStarts::marks_of(std::uint64_t address) const {
    for (const Marks& one : marks_) {
        if (address >= one.address && address - one.address < one.size) return &one;
    }
    return nullptr;
}

void FunctionStarts::mark(std::uint64_t address) {
    if (const Marks* found = marks_of(address)) {
        const std::uint64_t at = address - found->address;
        const_cast<Marks*>(found)->words[at / kBits] |= 1ULL << (at % kBits);
    }
}

bool FunctionStarts::contains(std::uint64_t address) const {
    const Marks* found = marks_of(address);
    if (found == nullptr) return false;
    const std::uint64_t at = address - found->address;
    return (found->words[at / kBits] >> (at % kBits) & 1) != 0;
}

std::optional<std::uint64_t> FunctionStarts::last_before(std::uint64_t address, std::uint64_t floor) const {
    const Marks* found = marks_of(address);
    if (found == nullptr || floor > address) return std::nullopt;
    const std::uint64_t at = address - found->address;
    const std::uint64_t lowest = floor > found->address ? floor - found->address : 0;
    std::uint64_t word = found->words[at / kBits] & (~0ULL >> (kBits - 1 - at % kBits));
    for (std::uint64_t index = at / kBits;; word = found->words[--index]) {
        if (word != 0) {
            const std::uint64_t start = index * kBits + (kBits - 1 - static_cast<unsigned>(std::countl_zero(word)));
            if (start < lowest) return std::nullopt;
            return found->address + start;
        }
        if (index == 0 || index * kBits <= lowest) return std::nullopt;
    }
}

// Linux Standard Base, "DWARF Extensions", section 10.6.2: a header of four bytes that say how the rest is encoded, the
// address of .eh_frame, the number of entries, and pairs of a function and its description, relative to the header.
// Only the encoding that linkers write is read.
void FunctionStarts::mark_unwind_table(const Image& image) {
    if (!image.tables().unwind) return;
    constexpr std::size_t kHeader = 12, kEntry = 8;
    constexpr std::uint8_t kVersion = 1, kUnsigned4 = 0x03, kRelativeSigned4 = 0x3b, kSizeMask = 0x0f, kSigned4 = 0x0b;
    const std::uint64_t at = *image.tables().unwind;
    const base::Bytes header = image.at(at, kHeader);
    if (header.size() < kHeader || header[0] != kVersion || (header[1] & kSizeMask) != kSigned4 ||
        header[2] != kUnsigned4 || header[3] != kRelativeSigned4) {
        return;
    }
    const std::size_t claimed = base::load_le<std::uint32_t>(header.data() + 8);
    const base::Bytes table = image.at(at + kHeader, claimed * kEntry);
    for (std::size_t i = 0; i + kEntry <= table.size(); i += kEntry) {
        const auto distance = static_cast<std::int32_t>(base::load_le<std::uint32_t>(table.data() + i));
        mark(at + static_cast<std::uint64_t>(std::int64_t{distance}));
    }
}

}  // namespace llmsnoop::capture::live::stripped
