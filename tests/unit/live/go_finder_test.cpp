// Go programs: their table of functions, made by hand in each format, and what is read from machine code.
#include "agent/capture/live/go_finder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "agent/base/endian.h"
#include "agent/capture/live/go_code.h"
#include "agent/capture/live/go_pclntab.h"
#include "tests/unit/live/elf_image.h"

namespace llmsnoop::capture::live {
namespace {

constexpr std::uint32_t kGo16 = 0xfffffffa, kGo18 = 0xfffffff0, kGo20 = 0xfffffff1;

struct Named {
    std::string name;
    std::uint64_t entry;  // from the beginning of the code
};

// A .gopclntab with these functions, in the order of their entries, and the end of the last.
std::vector<std::uint8_t> make_table(std::uint32_t magic, const std::vector<Named>& functions, std::uint64_t end,
                                     std::uint64_t text_start) {
    const bool relative = magic != kGo16;
    std::string names(1, '\0');
    std::vector<std::uint64_t> name_at;
    for (const Named& one : functions) {
        name_at.push_back(names.size());
        names += one.name + '\0';
    }
    names.resize((names.size() + 7) / 8 * 8);
    std::vector<std::uint8_t> out;
    const auto put32 = [&](std::uint64_t value) {
        out.resize(out.size() + 4);
        base::store_le(&out[out.size() - 4], static_cast<std::uint32_t>(value));
    };
    const auto put64 = [&](std::uint64_t value) {
        out.resize(out.size() + 8);
        base::store_le(&out[out.size() - 8], value);
    };
    put32(magic);
    out.insert(out.end(), {0, 0, 1, 8});
    const std::uint64_t header = relative ? 72 : 64, table = header + names.size();
    put64(functions.size());
    put64(1);
    if (relative) put64(text_start);
    put64(header);
    for (int i = 0; i < 4; ++i)
        put64(table);
    out.insert(out.end(), names.begin(), names.end());
    const std::uint64_t entry_size = relative ? 8 : 16, entries = entry_size * functions.size() + entry_size / 2;
    const auto put_word = [&](std::uint64_t value) { relative ? put32(value) : put64(value); };
    const std::uint64_t base = relative ? 0 : text_start;
    for (std::size_t i = 0; i < functions.size(); ++i) {
        put_word(base + functions[i].entry);
        put_word(entries + i * 16);
    }
    put_word(base + end);
    for (std::size_t i = 0; i < functions.size(); ++i) {
        const std::size_t begin = out.size();
        put_word(base + functions[i].entry);
        put32(name_at[i]);
        out.resize(begin + 16);
    }
    return out;
}

const std::vector<Named> kSome = {{"runtime.main", 0}, {"main.Conn", 0x40}, {"main.Con", 0x60}, {"x.main.Con", 0x90}};

TEST(GoPclntabTest, FindsFunctionsInEachFormat) {
    for (const std::uint32_t magic : {kGo16, kGo18, kGo20}) {
        const auto bytes = make_table(magic, kSome, 0x100, 0x401000);
        const auto table = GoPclntab::parse(bytes);
        ASSERT_TRUE(table.has_value());
        const auto found = table->functions({"main.Con", "x.main.Con", "main.Co", "absent"}, 0x401000);
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found.at("main.Con").address, 0x401060U);
        EXPECT_EQ(found.at("main.Con").size, 0x30U);
        EXPECT_EQ(found.at("x.main.Con").size, 0x70U);  // the last one ends where the code does
    }
}

TEST(GoPclntabTest, IsFoundWithinOtherBytes) {
    std::vector<std::uint8_t> bytes(4096, 0xff);
    const auto table = make_table(kGo20, kSome, 0x100, 0);
    const std::uint8_t magic_only[] = {0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8};
    std::copy(std::begin(magic_only), std::end(magic_only), bytes.begin() + 64);
    bytes.resize(4096);
    bytes.insert(bytes.end(), table.begin(), table.end());
    EXPECT_EQ(GoPclntab::search(bytes), 4096U);
    EXPECT_FALSE(GoPclntab::search(base::Bytes(bytes).first(4100)).has_value());
}

TEST(GoPclntabTest, RefusesWhatIsCutOrOfAnotherKind) {
    auto bytes = make_table(kGo20, kSome, 0x100, 0x401000);
    for (std::size_t size = 0; size < 72; ++size)
        EXPECT_FALSE(GoPclntab::parse(base::Bytes(bytes).first(size)).has_value());
    bytes[6] = 4;  // arm64
    EXPECT_FALSE(GoPclntab::parse(bytes).has_value());
    bytes[6] = 1;
    bytes[0] = 0xfb;  // Go 1.2
    EXPECT_FALSE(GoPclntab::parse(bytes).has_value());
}

TEST(GoPclntabTest, SurvivesDamage) {
    std::mt19937 random(7);
    const auto whole = make_table(kGo20, kSome, 0x100, 0x401000);
    for (int i = 0; i < 20000; ++i) {
        auto bytes = whole;
        for (int changes = 0; changes < 3; ++changes)
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        bytes.resize(bytes.size() - random() % 8);
        if (const auto table = GoPclntab::parse(bytes)) {
            for (const auto& [name, function] : table->functions({"main.Con", "runtime.main"}, table->text_start()))
                EXPECT_GT(function.size, 0U);
        }
    }
}

// --- machine code

// lea r12, [rsp-0x68]; cmp r12, [r14+0x10]; jbe +0x10
const std::vector<std::uint8_t> kCheck = {0x4c, 0x8d, 0x64, 0x24, 0x98, 0x4d, 0x3b, 0x66, 0x10, 0x76, 0x10};

std::optional<ProbeSite> entry_in(std::vector<std::uint8_t> code) {
    code.resize(64, 0x90);
    const ElfImage file({{kCode, code, true}});
    return go_entry_site(file.elf(), kCode);
}

TEST(GoCodeTest, TheEntryIsTheJumpOfTheStackCheck) {
    auto site = entry_in(kCheck);
    ASSERT_TRUE(site.has_value());
    EXPECT_EQ(site->address, kCode + 9);
    EXPECT_TRUE(site->emulated);
    // cmp rsp, [r14+0x10]; jbe
    site = entry_in({0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0x10, 0, 0, 0});
    ASSERT_TRUE(site.has_value());
    EXPECT_EQ(site->address, kCode + 4);
}

TEST(GoCodeTest, WithoutAStackCheckThereIsNoEntry) {
    EXPECT_FALSE(entry_in({0x48, 0x83, 0xec, 0x18, 0x55, 0xc3}).has_value());           // sub rsp; push
    EXPECT_FALSE(entry_in({0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48,  // mov rcx, fs:[-8]
                           0x3b, 0x61, 0x10, 0x76, 0x10})
                     .has_value());                                            // cmp rsp, [rcx+0x10]: Go 1.16
    EXPECT_FALSE(entry_in({0x49, 0x3b, 0x66, 0x18, 0x76, 0x10}).has_value());  // cmp rsp, [r14+0x18]
    EXPECT_FALSE(entry_in({0x49, 0x3b, 0x66, 0x10, 0x77, 0x10}).has_value());  // ja
    EXPECT_FALSE(entry_in({0x31, 0xc0, 0x49, 0x3b, 0x66, 0x10, 0x76, 0x10}).has_value());  // xor eax, eax before it
}

std::vector<std::uint64_t> returns_in(const std::vector<std::uint8_t>& code) {
    const ElfImage file({{kCode, code, true}});
    std::vector<std::uint64_t> out;
    for (const ProbeSite& one : go_return_sites(file.elf(), kCode, code.size()))
        out.push_back(one.address - kCode);
    return out;
}

TEST(GoCodeTest, EveryReturnIsFound) {
    // mov eax, 0xc3c3c3c3; ret; jmp to the beginning; ret; int3
    EXPECT_EQ(returns_in({0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xeb, 0xf8, 0xc3, 0xcc}),
              std::vector<std::uint64_t>({5, 8}));
}

TEST(GoCodeTest, WhatCannotBeFollowedHasNoReturns) {
    EXPECT_TRUE(returns_in({0xc3, 0xeb, 0x20}).empty());        // leaves the function
    EXPECT_TRUE(returns_in({0xc3, 0xff, 0xe0}).empty());        // jmp rax
    EXPECT_TRUE(returns_in({0xc3, 0x06, 0x90}).empty());        // no instruction
    EXPECT_TRUE(returns_in({0xc3, 0x48, 0xb8, 0x00}).empty());  // cut
    EXPECT_TRUE(returns_in(std::vector<std::uint8_t>(100, 0xc3)).empty());
}

// --- whole files

struct Program {
    std::vector<std::uint8_t> code;
    std::vector<Named> functions;

    void add(const std::string& name, const std::vector<std::uint8_t>& body) {
        functions.push_back({name, code.size()});
        code.insert(code.end(), body.begin(), body.end());
        code.resize((code.size() + 31) / 32 * 32, 0xcc);
    }
};

std::vector<std::uint8_t> checked_function() {
    auto out = kCheck;
    out.push_back(0xc3);
    out.resize(out.size() + 15, 0x90);
    out.insert(out.end(), {0xc3, 0xeb, static_cast<std::uint8_t>(-static_cast<int>(out.size()) - 3)});
    return out;
}

Program tls_program() {
    Program out;
    out.add("runtime.text", {0xc3});
    for (const char* name : {"Close", "Read", "Write", "clientHandshake"})
        out.add(std::string("crypto/tls.(*Conn).") + name, checked_function());
    return out;
}

constexpr std::uint64_t kTable = 0x600000, kData = 0x700000;

TEST(GoFinderTest, FindsCryptoTls) {
    const Program program = tls_program();
    const auto table = make_table(kGo18, program.functions, program.code.size(), kCode);
    const ElfImage file({{kCode, program.code, true}, {kTable, table, false}});
    const auto probes = find_go(file.elf());
    std::vector<TlsHook> hooks;
    hooks.reserve(probes.size());
    for (const PlannedProbe& one : probes)
        hooks.push_back(one.hook);
    using enum TlsHook;
    EXPECT_EQ(hooks, std::vector<TlsHook>({go_read_return, go_read_return, go_read, go_write_return, go_write_return,
                                           go_write, go_close, go_handshake}));
    EXPECT_EQ(probes[2].site.address, kCode + program.functions[2].entry + 9);
    EXPECT_EQ(probes[2].site.file_offset, *file.elf().file_offset(kCode) + program.functions[2].entry + 9);
}

TEST(GoFinderTest, TheCodeBeginsWhereTheModuleSaysFromGo126On) {
    const Program program = tls_program();
    const auto table = make_table(kGo20, program.functions, program.code.size(), 0);
    std::vector<std::uint8_t> data(512);
    base::store_le(&data[64], kTable);
    base::store_le(&data[72], kTable + 72);
    base::store_le(&data[64 + 160], kCode);
    const ElfImage file({{kCode, program.code, true}, {kTable, table, false}, {kData, data, false}});
    EXPECT_EQ(find_go(file.elf()).size(), 8U);
    base::store_le(&data[64 + 160], std::uint64_t{0x1234});
    const ElfImage wrong({{kCode, program.code, true}, {kTable, table, false}, {kData, data, false}});
    EXPECT_TRUE(find_go(wrong.elf()).empty());
}

TEST(GoFinderTest, RefusesWhatItDoesNotUnderstand) {
    Program program = tls_program();
    program.code[program.functions[3].entry + 8] = 0x18;  // Write begins in another way
    const auto table = make_table(kGo18, program.functions, program.code.size(), kCode);
    const ElfImage file({{kCode, program.code, true}, {kTable, table, false}});
    EXPECT_TRUE(find_go(file.elf()).empty());
    EXPECT_TRUE(find_go(ElfImage({{kCode, program.code, true}}).elf()).empty());
}

}  // namespace
}  // namespace llmsnoop::capture::live
