#pragma once
// The least ELF file that holds some bytes at some addresses: a header, and a program header for each part. Written to
// a temporary file, because ElfFile maps files.
#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/capture/live/elf_file.h"

namespace llmsnoop::capture::live {

inline constexpr std::uint64_t kCode = 0x401000;

struct ElfPart {
    std::uint64_t address;
    std::vector<std::uint8_t> bytes;
    bool executable;
};

class ElfImage {
 public:
    explicit ElfImage(const std::vector<ElfPart>& parts) {
        std::vector<std::uint8_t> image(0x1000);
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_DYN;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_ehsize = sizeof header;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = static_cast<Elf64_Half>(parts.size());
        std::memcpy(image.data(), &header, sizeof header);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            Elf64_Phdr segment{};
            segment.p_type = PT_LOAD;
            segment.p_flags = PF_R | (parts[i].executable ? PF_X : PF_W);
            segment.p_offset = image.size();
            segment.p_vaddr = parts[i].address;
            segment.p_filesz = segment.p_memsz = parts[i].bytes.size();
            std::memcpy(image.data() + sizeof header + i * sizeof segment, &segment, sizeof segment);
            image.insert(image.end(), parts[i].bytes.begin(), parts[i].bytes.end());
            image.resize((image.size() + 0xfff) / 0x1000 * 0x1000);
        }
        path_ = testing::TempDir() + "elf-" + std::to_string(getpid());
        FILE* file = std::fopen(path_.c_str(), "wb");
        std::fwrite(image.data(), 1, image.size(), file);
        std::fclose(file);
        auto opened = ElfFile::open(path_);
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
        if (opened) elf_ = std::move(*opened);
        std::remove(path_.c_str());
    }
    ElfImage(const ElfImage&) = delete;
    ElfImage& operator=(const ElfImage&) = delete;

    const ElfFile& elf() const { return *elf_; }

 private:
    std::string path_;
    std::unique_ptr<ElfFile> elf_;
};

}  // namespace llmsnoop::capture::live
