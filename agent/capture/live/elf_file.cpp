#include "agent/capture/live/elf_file.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>

#include "agent/capture/live/file_image.h"

namespace llmsnoop::capture::live {

struct ElfFile::Handle {
    std::unique_ptr<FileImage> image;
    Elf* elf = nullptr;

    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (elf != nullptr) elf_end(elf);
    }
};

ElfFile::ElfFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
ElfFile::~ElfFile() = default;

base::Result<std::unique_ptr<ElfFile>> ElfFile::open(const std::string& path) {
    elf_version(EV_CURRENT);
    auto image = FileImage::open(path);
    if (!image) return image.error();
    auto handle = std::make_unique<Handle>();
    handle->image = std::move(*image);
    const base::Bytes bytes = handle->image->bytes();
    if (bytes.size() < EI_NIDENT) return base::error(path + ": not an ELF file");
    // libelf only reads the image; its interface lacks the const.
    handle->elf = elf_memory(const_cast<char*>(reinterpret_cast<const char*>(bytes.data())), bytes.size());
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
    const std::uint64_t size = handle_->image->bytes().size();
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr one;
        if (gelf_getphdr(handle_->elf, static_cast<int>(i), &one) == nullptr) continue;
        if (one.p_type == PT_GNU_EH_FRAME) tables_.unwind = one.p_vaddr;
        if (one.p_type == PT_DYNAMIC) tables_.dynamic = one.p_vaddr;
        if (one.p_type != PT_LOAD || one.p_offset >= size) continue;
        segments_.push_back({one.p_vaddr, one.p_offset, std::min<std::uint64_t>(one.p_filesz, size - one.p_offset),
                             (one.p_flags & PF_X) != 0});
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
    const base::Bytes file = handle_->image->bytes();
    std::size_t names = 0;
    if (elf_getshdrstrndx(handle_->elf, &names) != 0) return std::nullopt;
    for (Elf_Scn* section = elf_nextscn(handle_->elf, nullptr); section != nullptr;
         section = elf_nextscn(handle_->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
        const char* text = elf_strptr(handle_->elf, names, header.sh_name);
        if (text == nullptr || name != text || header.sh_offset >= file.size()) continue;
        const std::uint64_t size = std::min<std::uint64_t>(header.sh_size, file.size() - header.sh_offset);
        return Region{header.sh_addr, file.subspan(header.sh_offset, size)};
    }
    return std::nullopt;
}

std::vector<ElfFile::Region> ElfFile::regions() const {
    std::vector<Region> out;
    out.reserve(segments_.size());
    for (const Segment& one : segments_)
        out.push_back({one.address, handle_->image->bytes().subspan(one.offset, one.size)});
    return out;
}

const ElfFile::Segment* ElfFile::code_segment(std::uint64_t address) const {
    for (const Segment& one : segments_) {
        if (one.executable && address >= one.address && address - one.address < one.size) return &one;
    }
    return nullptr;
}

base::Bytes ElfFile::code(std::uint64_t address, std::size_t size) const {
    const Segment* segment = code_segment(address);
    if (segment == nullptr) return {};
    const std::uint64_t at = address - segment->address;
    return handle_->image->bytes().subspan(segment->offset + at, std::min<std::uint64_t>(size, segment->size - at));
}

std::optional<std::uint64_t> ElfFile::file_offset(std::uint64_t address) const {
    const Segment* segment = code_segment(address);
    return segment != nullptr ? std::optional(address - segment->address + segment->offset) : std::nullopt;
}

stripped::Image ElfFile::image() const {
    std::vector<stripped::Segment> out;
    out.reserve(segments_.size());
    for (const Segment& one : segments_)
        out.push_back({one.address, handle_->image->bytes().subspan(one.offset, one.size), one.executable});
    return stripped::Image(std::move(out), tables_);
}

bool ElfFile::intact() const {
    return handle_->image->intact();
}

}  // namespace llmsnoop::capture::live
