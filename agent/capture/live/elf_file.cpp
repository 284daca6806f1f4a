#include "agent/capture/live/elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/base/fd.h"

namespace llmsnoop::capture::live {

struct ElfFile::Handle {
    Elf* elf = nullptr;
    void* image = nullptr;
    std::size_t size = 0;

    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (elf != nullptr) elf_end(elf);
        if (image != nullptr) munmap(image, size);
    }
};

ElfFile::ElfFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
ElfFile::~ElfFile() = default;

base::Result<std::unique_ptr<ElfFile>> ElfFile::open(const std::string& path) {
    elf_version(EV_CURRENT);
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return base::system_error(path);
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return base::system_error(path);
    if (!S_ISREG(info.st_mode) || info.st_size < EI_NIDENT) return base::error(path + ": not an ELF file");

    auto handle = std::make_unique<Handle>();
    handle->size = static_cast<std::size_t>(info.st_size);
    void* image = mmap(nullptr, handle->size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (image == MAP_FAILED) return base::system_error(path + ": mmap");
    handle->image = image;
    // libelf only reads the image; its interface lacks the const.
    handle->elf = elf_memory(static_cast<char*>(image), handle->size);
    GElf_Ehdr header;
    if (handle->elf == nullptr || elf_kind(handle->elf) != ELF_K_ELF || gelf_getehdr(handle->elf, &header) == nullptr) {
        return base::error(path + ": not an ELF file");
    }
    if (gelf_getclass(handle->elf) != ELFCLASS64 || header.e_machine != EM_X86_64) {
        return base::error(path + ": not an x86-64 ELF file", base::Error::Kind::unsupported);
    }
    std::unique_ptr<ElfFile> file(new ElfFile(std::move(handle)));
    if (auto read = file->read_segments(); !read) return read.error();
    return file;
}

base::Result<void> ElfFile::read_segments() {
    std::size_t count = 0;
    if (elf_getphdrnum(handle_->elf, &count) != 0) return base::error("no program headers");
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr one;
        if (gelf_getphdr(handle_->elf, static_cast<int>(i), &one) == nullptr) continue;
        if (one.p_type != PT_LOAD || one.p_offset >= handle_->size) continue;
        const std::uint64_t size = std::min<std::uint64_t>(one.p_filesz, handle_->size - one.p_offset);
        const auto* image = static_cast<const std::uint8_t*>(handle_->image);
        regions_.push_back({one.p_vaddr, {image + one.p_offset, static_cast<std::size_t>(size)}});
        if ((one.p_flags & PF_X) != 0) executable_.push_back({one.p_vaddr, one.p_offset, size});
    }
    return {};
}

void ElfFile::collect(std::uint32_t section_type, const std::vector<std::string>& wanted,
                      std::map<std::string, std::uint64_t>& found) const {
    for (Elf_Scn* section = elf_nextscn(handle_->elf, nullptr); section != nullptr;
         section = elf_nextscn(handle_->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != section_type || header.sh_entsize == 0)
            continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr) continue;
        const std::size_t count = data->d_size / sizeof(Elf64_Sym);
        for (std::size_t i = 0; i < count && found.size() < wanted.size(); ++i) {
            GElf_Sym symbol;
            if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
            if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0)
                continue;
            const char* text = elf_strptr(handle_->elf, header.sh_link, symbol.st_name);
            if (text == nullptr) continue;
            const std::string_view name = std::string_view(text).substr(0, std::string_view(text).find('@'));
            const auto at = std::find(wanted.begin(), wanted.end(), name);
            if (at != wanted.end()) found.emplace(*at, symbol.st_value);
        }
    }
}

std::map<std::string, std::uint64_t> ElfFile::functions(const std::vector<std::string>& wanted) const {
    std::map<std::string, std::uint64_t> found;
    collect(SHT_DYNSYM, wanted, found);
    if (found.size() < wanted.size()) collect(SHT_SYMTAB, wanted, found);
    return found;
}

std::optional<ElfFile::Region> ElfFile::section(std::string_view name) const {
    std::size_t names = 0;
    if (elf_getshdrstrndx(handle_->elf, &names) != 0) return std::nullopt;
    for (Elf_Scn* section = elf_nextscn(handle_->elf, nullptr); section != nullptr;
         section = elf_nextscn(handle_->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
        const char* text = elf_strptr(handle_->elf, names, header.sh_name);
        if (text == nullptr || name != text || header.sh_offset >= handle_->size) continue;
        const auto* image = static_cast<const std::uint8_t*>(handle_->image);
        const std::uint64_t size = std::min<std::uint64_t>(header.sh_size, handle_->size - header.sh_offset);
        return Region{header.sh_addr, {image + header.sh_offset, static_cast<std::size_t>(size)}};
    }
    return std::nullopt;
}

base::Bytes ElfFile::code(std::uint64_t address, std::size_t size) const {
    for (const Segment& one : executable_) {
        if (address < one.address || address - one.address >= one.size) continue;
        const std::uint64_t at = address - one.address;
        const auto* image = static_cast<const std::uint8_t*>(handle_->image);
        return {image + one.offset + at, static_cast<std::size_t>(std::min<std::uint64_t>(size, one.size - at))};
    }
    return {};
}

std::optional<std::uint64_t> ElfFile::file_offset(std::uint64_t address) const {
    for (const Segment& one : executable_) {
        if (address >= one.address && address - one.address < one.size) return address - one.address + one.offset;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::capture::live
