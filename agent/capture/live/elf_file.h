#pragma once
// Read access to an ELF executable or shared library: function symbols, code bytes, and the file offsets that uprobes
// take.
//
// The file may belong to anybody (a container's image) and is not trusted: every offset is checked by libelf or here,
// and it may be cut short while it is read (file_image.h). Not thread-safe.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/capture/live/stripped/image.h"

namespace llmsnoop::capture::live {

class ElfFile {
 public:
    // x86-64 little-endian only; anything else is an Error of kind unsupported.
    static base::Result<std::unique_ptr<ElfFile>> open(const std::string& path);
    ~ElfFile();
    ElfFile(const ElfFile&) = delete;
    ElfFile& operator=(const ElfFile&) = delete;

    // Virtual addresses of those of the wanted functions that the file defines (.dynsym first, then .symtab). Symbol
    // versions
    // ("@@OPENSSL_3.0.0") are not part of the name.
    std::map<std::string, std::uint64_t> functions(const std::vector<std::string>& wanted) const;

    // Up to `size` bytes of code at a virtual address; shorter (or empty) at the end of its segment.
    base::Bytes code(std::uint64_t address, std::size_t size) const;

    // Where a virtual address of an executable segment lies in the file.
    std::optional<std::uint64_t> file_offset(std::uint64_t address) const;

    // A part of the file that is mapped at a virtual address.
    struct Region {
        std::uint64_t address = 0;
        base::Bytes bytes;
    };

    // The section of this name, if the file has section headers and it is one with bytes.
    std::optional<Region> section(std::string_view name) const;

    // All that is mapped, by PT_LOAD, in the order of the program headers.
    std::vector<Region> regions() const;

    // What the loader would map, as far as the file holds it. The views are good as long as this object.
    stripped::Image image() const;

    // False if the file was changed since it was opened: what was found is then worth nothing.
    bool intact() const;

 private:
    struct Handle;
    struct Segment {
        std::uint64_t address;
        std::uint64_t offset;
        std::uint64_t size;  // in the file
        bool executable;
    };

    explicit ElfFile(std::unique_ptr<Handle> handle);
    base::Result<void> read_segments();
    void collect(std::uint32_t section_type, const std::vector<std::string>& wanted,
                 std::map<std::string, std::uint64_t>& found) const;

    const Segment* code_segment(std::uint64_t address) const;

    std::unique_ptr<Handle> handle_;
    std::vector<Segment> segments_;
    stripped::Image::Tables tables_;
};

}  // namespace llmsnoop::capture::live
