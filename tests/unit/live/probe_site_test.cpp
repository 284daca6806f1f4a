// The choice of places for probes, on the libssl of this machine and on small pieces of machine code.
#include "agent/capture/live/probe_site.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/capture/live/openssl_finder.h"

namespace llmsnoop::capture::live {
namespace {

constexpr std::uint64_t kBase = 0x400000;

// The least ELF file that holds code: a header, one program header, the code at file offset 0x1000.
class CodeFile {
 public:
    explicit CodeFile(const std::vector<std::uint8_t>& code) {
        std::vector<std::uint8_t> image(0x1000 + code.size());
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
        header.e_phnum = 1;
        Elf64_Phdr segment{};
        segment.p_type = PT_LOAD;
        segment.p_flags = PF_R | PF_X;
        segment.p_offset = 0x1000;
        segment.p_vaddr = kBase;
        segment.p_filesz = segment.p_memsz = code.size();
        std::memcpy(image.data(), &header, sizeof header);
        std::memcpy(image.data() + sizeof header, &segment, sizeof segment);
        std::memcpy(image.data() + 0x1000, code.data(), code.size());
        path_ = testing::TempDir() + "code-" + std::to_string(getpid());
        FILE* file = std::fopen(path_.c_str(), "wb");
        std::fwrite(image.data(), 1, image.size(), file);
        std::fclose(file);
        auto opened = ElfFile::open(path_);
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
        if (opened) elf_ = std::move(*opened);
    }
    ~CodeFile() { std::remove(path_.c_str()); }
    CodeFile(const CodeFile&) = delete;
    CodeFile& operator=(const CodeFile&) = delete;

    const ElfFile& elf() const { return *elf_; }

 private:
    std::string path_;
    std::unique_ptr<ElfFile> elf_;
};

ProbeSite site_in(const std::vector<std::uint8_t>& code, Need need) {
    const CodeFile file(code);
    const auto site = choose_site(file.elf(), kBase, need);
    EXPECT_TRUE(site.has_value());
    return site.value_or(ProbeSite{});
}

TEST(ProbeSiteTest, TakesAnEntryThatTheKernelEmulates) {
    for (const auto& code : std::vector<std::vector<std::uint8_t>>{
             {0x55, 0xc3},              // push rbp
             {0x41, 0x57, 0xc3},        // push r15
             {0x90, 0xc3},              // nop
             {0xe9, 0x10, 0, 0, 0},     // jmp
             {0x74, 0x01, 0xc3, 0xc3},  // je
         }) {
        const ProbeSite site = site_in(code, Need::arguments_and_return);
        EXPECT_EQ(site.place, ProbeSite::Place::entry);
        EXPECT_TRUE(site.emulated);
        EXPECT_EQ(site.file_offset, 0x1000U);
    }
}

TEST(ProbeSiteTest, WalksToACheapInstruction) {
    // endbr64; push rbp
    ProbeSite site = site_in({0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0xc3}, Need::arguments_and_return);
    EXPECT_EQ(site.place, ProbeSite::Place::beyond);
    EXPECT_EQ(site.address, kBase + 4);
    EXPECT_EQ(site.file_offset, 0x1004U);
    // test rdi, rdi; je +1; ...: the jump itself, for both ways pass through it
    site = site_in({0x48, 0x85, 0xff, 0x74, 0x01, 0xc3, 0xc3}, Need::arguments);
    EXPECT_EQ(site.address, kBase + 3);
    EXPECT_TRUE(site.emulated);
}

TEST(ProbeSiteTest, StaysAtTheEntryWhereNothingCheapIsSafe) {
    // sub rsp, 0x18; push rbp: the return address is no longer on top
    ProbeSite site = site_in({0x48, 0x83, 0xec, 0x18, 0x55, 0xc3}, Need::arguments_and_return);
    EXPECT_EQ(site.address, kBase);
    EXPECT_FALSE(site.emulated);
    // the arguments alone are still there
    EXPECT_EQ(site_in({0x48, 0x83, 0xec, 0x18, 0x55, 0xc3}, Need::arguments).address, kBase + 4);
    // mov rdi, rsi; push rbp: they are not
    EXPECT_FALSE(site_in({0x48, 0x89, 0xf7, 0x55, 0xc3}, Need::arguments).emulated);
    // lea r8, [rdi]; ret
    EXPECT_FALSE(site_in({0x4c, 0x8d, 0x07, 0xc3}, Need::arguments).emulated);
    // push [rdi]: not one of the forms that are emulated
    EXPECT_FALSE(site_in({0xff, 0x37, 0xc3}, Need::arguments).emulated);
    // 66 push ax
    EXPECT_FALSE(site_in({0x66, 0x50, 0xc3}, Need::arguments).emulated);
}

TEST(ProbeSiteTest, SurvivesAnyBytes) {
    std::uint32_t state = 1;
    for (int i = 0; i < 3000; ++i) {
        std::vector<std::uint8_t> code(1 + i % 40);
        for (auto& byte : code)
            byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
        const CodeFile file(code);
        const auto site = choose_site(file.elf(), kBase, Need::arguments_and_return);
        ASSERT_TRUE(site.has_value());
        EXPECT_LT(site->address - kBase, code.size());
        shared_callee(file.elf(), kBase, kBase);
    }
}

// Two functions and what they call.  plain: sub rsp,24; ...; call X.  extended: sub rsp,8; call X or another.
// `plain_setup` is what stands before plain's call.
std::vector<std::uint8_t> two_callers(std::vector<std::uint8_t> plain_setup, std::uint8_t extended_target) {
    std::vector<std::uint8_t> code(0x60, 0x90);
    std::vector<std::uint8_t> plain = std::move(plain_setup);
    const auto call = [](std::vector<std::uint8_t>& out, std::size_t base, std::size_t target) {
        const auto from = base + out.size() + 5;
        const auto distance = static_cast<std::int32_t>(target) - static_cast<std::int32_t>(from);
        out.push_back(0xe8);
        for (int i = 0; i < 4; ++i)
            out.push_back(static_cast<std::uint8_t>(distance >> (8 * i)));
        out.push_back(0xc3);
    };
    call(plain, 0, 0x40);
    std::vector<std::uint8_t> extended{0x48, 0x83, 0xec, 0x08};
    call(extended, 0x20, extended_target);
    std::copy(plain.begin(), plain.end(), code.begin());
    std::copy(extended.begin(), extended.end(), code.begin() + 0x20);
    return code;
}

TEST(SharedCalleeTest, IsProvenByTheArguments) {
    const std::vector<std::uint8_t> good{0x48, 0x83, 0xec, 0x18, 0x48,
                                         0x63, 0xd2, 0x48, 0x89, 0xe1};  // movsxd rdx,edx; mov rcx,rsp
    const CodeFile file(two_callers(good, 0x40));
    EXPECT_EQ(shared_callee(file.elf(), kBase, kBase + 0x20), kBase + 0x40);
}

TEST(SharedCalleeTest, IsRefusedWhereItIsNot) {
    const std::vector<std::uint8_t> good{0x48, 0x83, 0xec, 0x18, 0x48,
                                         0x63, 0xd2, 0x48, 0x89, 0xe1};  // movsxd rdx,edx; mov rcx,rsp
    const CodeFile other_target(two_callers(good, 0x48));
    EXPECT_FALSE(shared_callee(other_target.elf(), kBase, kBase + 0x20));
    const CodeFile no_local(
        two_callers({0x48, 0x83, 0xec, 0x18, 0x48, 0x63, 0xd2}, 0x40));  // rcx is passed on: not the address of a local
    EXPECT_FALSE(shared_callee(no_local.elf(), kBase, kBase + 0x20));
    const CodeFile buffer_moved(
        two_callers({0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0xe1, 0x48, 0x89, 0xd6}, 0x40));  // mov rsi, rdx
    EXPECT_FALSE(shared_callee(buffer_moved.elf(), kBase, kBase + 0x20));
    const CodeFile object_moved(
        two_callers({0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0xe1, 0x48, 0x8b, 0x3f}, 0x40));  // mov rdi, [rdi]
    EXPECT_FALSE(shared_callee(object_moved.elf(), kBase, kBase + 0x20));
}

TEST(OpensslFinderTest, FindsTheLibraryOfThisMachine) {
    const auto file = ElfFile::open("/usr/lib/x86_64-linux-gnu/libssl.so.3");
    ASSERT_TRUE(file) << file.error().message;
    std::vector<PlannedProbe> plan = find_openssl(**file);
    unsigned reads = 0, writes = 0;
    for (const PlannedProbe& one : plan) {
        reads += one.hook == TlsHook::openssl_read || one.hook == TlsHook::openssl_read_ex ||
                 one.hook == TlsHook::openssl_read_internal;
        writes += one.hook == TlsHook::openssl_write || one.hook == TlsHook::openssl_write_ex;
        EXPECT_TRUE(one.site.emulated) << one.function << " costs a trap more than it must";
    }
    EXPECT_GE(reads, 1U);
    EXPECT_GE(writes, 1U);
}

TEST(OpensslFinderTest, FindsNothingElsewhere) {
    const auto file = ElfFile::open("/usr/lib/x86_64-linux-gnu/libc.so.6");
    ASSERT_TRUE(file);
    EXPECT_TRUE(find_openssl(**file).empty());
    EXPECT_FALSE(ElfFile::open("/etc/passwd"));
    EXPECT_FALSE(ElfFile::open("/proc/self"));
}

}  // namespace
}  // namespace llmsnoop::capture::live
