#include "agent/capture/live/stripped/pointers.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "agent/base/endian.h"

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::size_t kWord = 8;
constexpr std::size_t kMostDynamicEntries = 1024;

// Numbers of <elf.h> that older ones lack.
constexpr std::int64_t kRelrSize = 35, kRelr = 36;

struct Table {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

struct RelocationTables {
    Table rela, relr;
};

RelocationTables find_tables(const Image& image) {
    RelocationTables out;
    if (!image.tables().dynamic) return out;
    const base::Bytes bytes = image.at(*image.tables().dynamic, kMostDynamicEntries * sizeof(Elf64_Dyn));
    for (std::size_t at = 0; at + sizeof(Elf64_Dyn) <= bytes.size(); at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn one;
        std::memcpy(&one, bytes.data() + at, sizeof one);
        if (one.d_tag == DT_NULL) break;
        if (one.d_tag == DT_RELA) out.rela.address = one.d_un.d_ptr;
        if (one.d_tag == DT_RELASZ) out.rela.size = one.d_un.d_val;
        if (one.d_tag == kRelr) out.relr.address = one.d_un.d_ptr;
        if (one.d_tag == kRelrSize) out.relr.size = one.d_un.d_val;
    }
    return out;
}

class Pointers {
 public:
    Pointers(const Image& image, std::uint64_t first, std::uint64_t last, Budget& budget,
             base::FunctionRef<void(Pointer)> out)
        : image_(image), first_(first), last_(last), budget_(budget), out_(out) {}

    bool from_rela(const Table& table) {
        const base::Bytes bytes = image_.at(table.address, table.size);
        for (std::size_t at = 0; at + sizeof(Elf64_Rela) <= bytes.size(); at += sizeof(Elf64_Rela)) {
            if (!budget_.spend()) return false;
            Elf64_Rela one;
            std::memcpy(&one, bytes.data() + at, sizeof one);
            if (ELF64_R_TYPE(one.r_info) != R_X86_64_RELATIVE) continue;
            relocated_ = true;
            tell(one.r_offset, static_cast<std::uint64_t>(one.r_addend));
        }
        return true;
    }

    // System V ABI, "Relative Relocation Table": an even entry is the address of one pointer; an odd one has a bit for
    // each of the 63 words behind those that the entry before it was about. The pointers themselves are in place.
    bool from_relr(const Table& table) {
        const base::Bytes bytes = image_.at(table.address, table.size);
        std::uint64_t next = 0;
        relocated_ = relocated_ || !bytes.empty();
        for (std::size_t at = 0; at + kWord <= bytes.size(); at += kWord) {
            const auto entry = base::load_le<std::uint64_t>(bytes.data() + at);
            if (entry % 2 == 0) {
                if (!budget_.spend()) return false;
                tell_in_place(entry);
                next = entry + kWord;
                continue;
            }
            for (std::uint64_t bits = entry >> 1, place = next; bits != 0; bits >>= 1, place += kWord) {
                if (bits % 2 == 0) continue;
                if (!budget_.spend()) return false;
                tell_in_place(place);
            }
            next += 63 * kWord;
        }
        return true;
    }

    // The program is position-independent.
    bool relocated() const { return relocated_; }

    // Any word of the data may be one. As many as the image has, whatever it says of itself.
    void in_place() {
        for (const Segment& one : image_.segments()) {
            if (one.executable) continue;
            for (std::size_t at = (kWord - one.address % kWord) % kWord; at + kWord <= one.bytes.size(); at += kWord)
                tell(one.address + at, base::load_le<std::uint64_t>(one.bytes.data() + at));
        }
    }

 private:
    void tell(std::uint64_t place, std::uint64_t value) {
        if (value >= first_ && value <= last_) out_({place, value});
    }
    void tell_in_place(std::uint64_t place) {
        const base::Bytes bytes = image_.at(place, kWord);
        if (bytes.size() == kWord) tell(place, base::load_le<std::uint64_t>(bytes.data()));
    }

    const Image& image_;
    std::uint64_t first_, last_;
    Budget& budget_;
    base::FunctionRef<void(Pointer)> out_;
    bool relocated_ = false;
};

}  // namespace

bool each_pointer(const Image& image, std::uint64_t first, std::uint64_t last, Budget& budget,
                  base::FunctionRef<void(Pointer)> out) {
    Pointers pointers(image, first, last, budget, out);
    const RelocationTables tables = find_tables(image);
    if (!pointers.from_rela(tables.rela) || !pointers.from_relr(tables.relr)) return false;
    if (!pointers.relocated()) pointers.in_place();
    return true;
}

}  // namespace llmsnoop::capture::live::stripped
