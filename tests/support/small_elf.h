#pragma once
// The least ELF executable around a piece of machine code: headers, a segment of data, a segment of code.
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/machine_code.h"

namespace llmsnoop::support {

inline std::vector<std::uint8_t> small_elf(MachineCode& code) {
    code.link();
    constexpr std::size_t kPage = 0x1000;
    const auto whole = [](std::size_t size) { return (size + kPage - 1) / kPage * kPage; };
    std::vector<std::uint8_t> out(kPage);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_ehsize = sizeof header;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    std::memcpy(out.data(), &header, sizeof header);
    const auto add = [&](unsigned index, std::uint32_t flags, std::uint64_t address,
                         const std::vector<std::uint8_t>& bytes) {
        Elf64_Phdr segment{};
        segment.p_type = PT_LOAD;
        segment.p_flags = flags;
        segment.p_offset = out.size();
        segment.p_vaddr = address;
        segment.p_filesz = segment.p_memsz = bytes.size();
        std::memcpy(out.data() + sizeof header + index * sizeof segment, &segment, sizeof segment);
        out.insert(out.end(), bytes.begin(), bytes.end());
        out.resize(whole(out.size()));
    };
    add(0, PF_R, code.data_at(), code.data());
    add(1, PF_R | PF_X, code.code_at(), code.code());
    return out;
}

}  // namespace llmsnoop::support
