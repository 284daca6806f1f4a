#pragma once
// rustls as far as its finder looks at it: tables of functions, in the data of a small program. The pointers in them
// are in place, or told by one of the two tables of relocations.
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/capture/live/stripped/image.h"
#include "tests/support/machine_code.h"

namespace llmsnoop::support {

class SmallRustls {
 public:
    enum class Pointers { in_place, rela, relr };

    static constexpr std::uint64_t kTablesAt = 0x700000;

    explicit SmallRustls(Pointers pointers = Pointers::in_place) : pointers_(pointers) {
        data_.resize(32);  // no table is at the very beginning
        code.function("other");
        code.ret();
        code.function("length 13");
        code.bytes({0x48, 0x8d, 0x46, 0x11, 0xc3});  // lea rax, [rsi+17]; ret
        code.function("length 12");
        code.bytes({0x55, 0x48, 0x89, 0xe5, 0x48, 0x8d, 0x46, 0x18, 0x5d, 0xc3});
        code.function("drop");
        code.ret();
    }

    MachineCode code;

    // What lies in the data, in the order of the calls.
    void word(std::uint64_t value) { data_.push_back(value); }
    void pointer(const std::string& function) {
        places_.emplace_back(data_.size(), function);
        data_.push_back(0);
    }
    void gap(std::size_t words) { data_.resize(data_.size() + words, 0x1111); }

    void function(const std::string& name) {
        code.function(name);
        code.bytes({0x55, 0xc3});  // push rbp; ret
    }
    void decrypter(const std::string& name, std::uint64_t size = 0x28, std::uint64_t alignment = 8) {
        function(name);
        pointer("drop");
        word(size);
        word(alignment);
        pointer(name);
    }
    void encrypter(const std::string& name, std::uint64_t size = 0x28, const std::string& length = "length 13",
                   std::uint64_t alignment = 8) {
        function(name);
        pointer("drop");
        word(size);
        word(alignment);
        pointer(name);
        pointer(length);
    }
    // Both, as they lie in programs: with a place in the source between them.
    void pair(const std::string& name, std::uint64_t size = 0x28, const std::string& length = "length 13") {
        decrypter("decrypt " + name, length == "length 12" ? size - 8 : size);
        gap(3);
        encrypter("encrypt " + name, size, length);
    }

    // Good as long as this object, and until the next call.
    capture::live::stripped::Image image() {
        code.link();
        std::vector<std::uint64_t> words = data_;
        std::vector<std::uint64_t> tables;
        for (const auto& [at, name] : places_) {
            const std::uint64_t place = kTablesAt + at * 8;
            if (pointers_ != Pointers::rela) words[at] = code.at(name);
            if (pointers_ == Pointers::rela) tables.insert(tables.end(), {place, R_X86_64_RELATIVE, code.at(name)});
            if (pointers_ == Pointers::relr) put_relr(tables, place);
        }
        const std::uint64_t tables_at = kTablesAt + words.size() * 8, size = tables.size() * 8;
        words.insert(words.end(), tables.begin(), tables.end());
        const std::uint64_t dynamic_at = kTablesAt + words.size() * 8;
        constexpr std::uint64_t kRelr = 36, kRelrSize = 35;
        const bool rela = pointers_ == Pointers::rela;
        words.insert(words.end(), {rela ? DT_RELA : kRelr, tables_at, rela ? DT_RELASZ : kRelrSize, size, DT_NULL, 0});
        bytes_.resize(words.size() * 8);
        std::memcpy(bytes_.data(), words.data(), bytes_.size());
        capture::live::stripped::Image::Tables of_image;
        if (pointers_ != Pointers::in_place) of_image.dynamic = dynamic_at;
        return capture::live::stripped::Image({{code.code_at(), code.code(), true}, {kTablesAt, bytes_, false}},
                                              of_image);
    }

 private:
    // The first by its address, the others by bits behind it, as far as they reach.
    void put_relr(std::vector<std::uint64_t>& table, std::uint64_t place) {
        if (!table.empty() && table.back() % 2 == 1 && place - base_ < std::uint64_t{63} * 8) {
            table.back() |= 1ULL << ((place - base_) / 8 + 1);
            return;
        }
        if (!table.empty() && table.back() % 2 == 0 && place - base_ < std::uint64_t{63} * 8) {
            table.push_back(1 | 1ULL << ((place - base_) / 8 + 1));
            return;
        }
        table.push_back(place);
        base_ = place + 8;
    }

    Pointers pointers_;
    std::vector<std::uint64_t> data_;
    std::vector<std::pair<std::size_t, std::string>> places_;
    std::vector<std::uint8_t> bytes_;
    std::uint64_t base_ = 0;
};

}  // namespace llmsnoop::support
