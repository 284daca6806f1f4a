#include "tests/bench/floor/probe_site.h"

#include <Zydis/Zydis.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/fd.h"

namespace llmsnoop::bench {
namespace {

constexpr std::size_t kEntryBytes = 96;  // of a function, within which its first call is looked for

class Library {
 public:
    static base::Result<Library> open(const std::string& path) {
        elf_version(EV_CURRENT);
        base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) return base::system_error("cannot open " + path);
        Elf* elf = elf_begin(fd.get(), ELF_C_READ, nullptr);
        if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) return base::error(path + " is no ELF file");
        return Library(std::move(fd), elf);
    }

    // Address of an exported function.
    std::optional<std::uint64_t> address_of(std::string_view name) const {
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(elf_.get(), section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
            Elf_Data* symbols = elf_getdata(section, nullptr);
            const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
            for (int i = 0; i < count; ++i) {
                GElf_Sym symbol;
                if (gelf_getsym(symbols, i, &symbol) == nullptr || symbol.st_value == 0) continue;
                const char* found = elf_strptr(elf_.get(), header.sh_link, symbol.st_name);
                if (found != nullptr && name == found) return symbol.st_value;
            }
        }
        return std::nullopt;
    }

    std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
        std::size_t count = 0;
        elf_getphdrnum(elf_.get(), &count);
        for (std::size_t i = 0; i < count; ++i) {
            GElf_Phdr header;
            if (gelf_getphdr(elf_.get(), static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD) continue;
            if (address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
                return address - header.p_vaddr + header.p_offset;
        }
        return std::nullopt;
    }

    // Target of the first direct near call in the function at `address`.
    std::optional<std::uint64_t> first_callee(std::uint64_t address) const {
        const auto offset = offset_of(address);
        std::array<std::uint8_t, kEntryBytes> code{};
        if (!offset || pread(fd_.get(), code.data(), code.size(), static_cast<off_t>(*offset)) <= 0)
            return std::nullopt;
        ZydisDecoder decoder;
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        ZydisDecodedInstruction instruction;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        for (std::size_t at = 0; at < code.size(); at += instruction.length) {
            if (ZYAN_FAILED(
                    ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &instruction, operands)))
                return std::nullopt;
            ZyanU64 target = 0;
            if (instruction.mnemonic == ZYDIS_MNEMONIC_CALL &&
                ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[0], address + at, &target)))
                return target;
        }
        return std::nullopt;
    }

 private:
    Library(base::Fd fd, Elf* elf) : fd_(std::move(fd)), elf_(elf, elf_end) {}

    base::Fd fd_;
    std::unique_ptr<Elf, int (*)(Elf*)> elf_;
};

std::optional<std::uint64_t> callee_of(const Library& library, std::string_view name) {
    const auto address = library.address_of(name);
    return address ? library.first_callee(*address) : std::nullopt;
}

}  // namespace

base::Result<ProbeSites> find_internal_sites(const std::string& libssl) {
    auto library = Library::open(libssl);
    if (!library) return library.error();
    const auto read = callee_of(*library, "SSL_read");
    const auto write = callee_of(*library, "SSL_write");
    if (!read || !write || read != callee_of(*library, "SSL_read_ex") || write != callee_of(*library, "SSL_write_ex"))
        return base::error("the internal functions of " + libssl + " are not where they are expected",
                           base::Error::Kind::unsupported);
    const auto read_offset = library->offset_of(*read);
    const auto write_offset = library->offset_of(*write);
    if (!read_offset || !write_offset) return base::error("the internal functions lie outside of " + libssl);
    return ProbeSites{*read_offset, *write_offset};
}

}  // namespace llmsnoop::bench
