// From a file to probes: what the structural finder makes of whole, cut, lying and changing files.
#include "agent/capture/live/stripped_finder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <vector>

#include "agent/base/endian.h"
#include "agent/capture/live/analysis_thread.h"
#include "agent/capture/live/openssl_finder.h"
#include "tests/support/machine_code.h"
#include "tests/support/small_elf.h"

namespace llmsnoop::capture::live {
namespace {

using support::MachineCode;
using support::SmallBoringssl;

// A file of this test, gone at its end.
class TestFile {
 public:
    explicit TestFile(const std::vector<std::uint8_t>& content)
        : path_(testing::TempDir() + "stripped-" + std::to_string(getpid())) {
        write(content);
    }
    ~TestFile() { std::remove(path_.c_str()); }
    TestFile(const TestFile&) = delete;
    TestFile& operator=(const TestFile&) = delete;

    void write(const std::vector<std::uint8_t>& content) const {
        std::ofstream(path_, std::ios::binary)
            .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    }
    const std::string& path() const { return path_; }
    base::Fd open() const { return base::Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)); }

 private:
    std::string path_;
};

std::vector<std::uint8_t> boringssl_program() {
    MachineCode code;
    SmallBoringssl{}.put(code);
    code.fill(300U << 10);
    return support::small_elf(code);
}

StrippedTls look_at(const std::vector<std::uint8_t>& content) {
    const TestFile file(content);
    const auto elf = ElfFile::open(file.path());
    return elf ? find_stripped_tls(**elf) : StrippedTls{};
}

TEST(StrippedFinderTest, PlansProbesAtFileOffsets) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    code.fill(300U << 10);
    const auto content = support::small_elf(code);
    const TestFile file(content);
    const auto elf = ElfFile::open(file.path());
    ASSERT_TRUE(elf) << elf.error().message;
    EXPECT_TRUE(may_hold_stripped_tls(**elf));
    const StrippedTls found = find_stripped_tls(**elf);
    EXPECT_EQ(names_of(found.libraries), "boringssl");
    EXPECT_EQ(found.refusal, "");
    ASSERT_EQ(found.probes.size(), 3U);
    EXPECT_EQ(found.probes[0].hook, TlsHook::boringssl_read);
    EXPECT_EQ(found.probes[1].hook, TlsHook::boringssl_write);
    EXPECT_EQ(found.probes[2].hook, TlsHook::boringssl_new);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(found.probes[i].site.emulated);
        EXPECT_EQ(content[found.probes[i].site.file_offset], 0x55);  // push rbp
    }
    EXPECT_EQ(found.probes[0].site.address, code.at("SSL_read"));
}

TEST(StrippedFinderTest, SaysWhyItRefuses) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    SmallBoringssl second;
    second.prefix = "second ";
    second.put(code);
    const StrippedTls found = look_at(support::small_elf(code));
    EXPECT_EQ(names_of(found.libraries), "boringssl");
    EXPECT_TRUE(found.probes.empty());
    EXPECT_EQ(found.refusal, "boringssl: 2 functions could be SSL_write, one is needed");
}

TEST(StrippedFinderTest, ATextInManyPlacesIsRefused) {
    MachineCode code;
    for (int i = 0; i < 20; ++i)
        code.text("t" + std::to_string(i), "ssl/ssl_lib.cc");
    code.function("main");
    code.ret();
    EXPECT_EQ(look_at(support::small_elf(code)).refusal, "boringssl: it names ssl/ssl_lib.cc in too many places");
}

TEST(StrippedFinderTest, CutAnywhereItFindsAllOrNothing) {
    const auto whole = boringssl_program();
    for (std::size_t size = 0; size < 0x4000; size += 97) {
        const StrippedTls found = look_at({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
        EXPECT_TRUE(found.probes.empty() || found.probes.size() == 3U);
    }
}

TEST(StrippedFinderTest, SurvivesHeadersThatLie) {
    const auto whole = boringssl_program();
    std::uint32_t state = 3;
    const auto next = [&] { return state = state * 1664525 + 1013904223; };
    constexpr std::uint64_t kLies[] = {0, 1, 0x1000, 0x7fffffff, 0xffffffff, 1ULL << 40, ~0ULL, ~0ULL - 0x1000};
    for (int round = 0; round < 400; ++round) {
        auto content = whole;
        // A word of the ELF header or of the program headers.
        const std::size_t at = 16 + next() / 8 % (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) - 24);
        base::store_le(content.data() + at, kLies[next() / 16 % std::size(kLies)]);
        look_at(content);
    }
}

// Many segments that are all of a large file: time and memory would grow with their product.
TEST(StrippedFinderTest, ManySegmentsOfOneFileAreRefused) {
    auto content = boringssl_program();
    Elf64_Ehdr header;
    std::memcpy(&header, content.data(), sizeof header);
    header.e_phnum = 60;
    Elf64_Phdr segment;
    std::memcpy(&segment, content.data() + sizeof header + sizeof segment, sizeof segment);
    segment.p_offset = 0;
    segment.p_filesz = 1ULL << 40;
    for (std::size_t i = 0; i < 60; ++i)
        std::memcpy(content.data() + sizeof header + i * sizeof segment, &segment, sizeof segment);
    std::memcpy(content.data(), &header, sizeof header);
    const TestFile file(content);
    ASSERT_EQ(truncate(file.path().c_str(), 1L << 30), 0);  // a file of 1 GiB, nearly all of it a hole
    const auto elf = ElfFile::open(file.path());
    ASSERT_TRUE(elf);
    EXPECT_TRUE(find_stripped_tls(**elf).libraries.empty());
}

TEST(StrippedFinderTest, AFileThatIsCutWhileItIsReadEndsNobody) {
    const TestFile file(boringssl_program());
    const auto elf = ElfFile::open(file.path());
    ASSERT_TRUE(elf);
    EXPECT_TRUE((*elf)->intact());
    ASSERT_EQ(truncate(file.path().c_str(), 0x1000), 0);
    const StrippedTls found = find_stripped_tls(**elf);  // reads zeros where there is nothing any more
    EXPECT_TRUE(found.probes.empty());
    EXPECT_FALSE((*elf)->intact());
}

TEST(StrippedFinderTest, AFileThatWasWrittenOverIsNotBelieved) {
    const TestFile file(boringssl_program());
    const auto elf = ElfFile::open(file.path());
    ASSERT_TRUE(elf);
    const timespec times[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.path().c_str(), times, 0), 0);
    const StrippedTls found = find_stripped_tls(**elf);
    EXPECT_TRUE(found.probes.empty());
    EXPECT_EQ(found.refusal, "the file changed while it was looked at");
}

TEST(StrippedFinderTest, AgreesWithTheSymbolsOfThisMachinesLibssl) {
    const auto file = ElfFile::open("/usr/lib/x86_64-linux-gnu/libssl.so.3");
    if (!file) GTEST_SKIP() << "no libssl.so.3 here";
    const StrippedTls found = find_stripped_tls(**file);
    ASSERT_FALSE(found.probes.empty()) << found.refusal;
    EXPECT_EQ(names_of(found.libraries), "openssl");
    for (const PlannedProbe& by_symbols : find_openssl(**file)) {
        for (const PlannedProbe& one : found.probes) {
            if (one.function != by_symbols.function) continue;
            EXPECT_EQ(one.site.address, by_symbols.site.address) << one.function;
        }
    }
}

TEST(StrippedFinderTest, FindsNothingInTheCLibrary) {
    const auto file = ElfFile::open("/usr/lib/x86_64-linux-gnu/libc.so.6");
    ASSERT_TRUE(file);
    EXPECT_TRUE(find_stripped_tls(**file).libraries.empty());
}

// --- the thread

class Results {
 public:
    void add(const FileId& id, const StrippedTls& found) {
        const std::lock_guard lock(mutex_);
        found_[id] = found.probes.size();
        news_.notify_all();
    }
    std::map<FileId, std::size_t> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        news_.wait(lock, [&] { return found_.size() >= count; });
        return found_;
    }

 private:
    std::mutex mutex_;
    std::condition_variable news_;
    std::map<FileId, std::size_t> found_;
};

TEST(AnalysisThreadTest, DeliversWhatItFinds) {
    const TestFile file(boringssl_program());
    Results results;
    AnalysisThread thread([&](const FileId& id, const base::Fd& open, const StrippedTls& found) {
        EXPECT_TRUE(open);
        results.add(id, found);
    });
    ASSERT_TRUE(thread.add({1, 1}, file.open()));
    ASSERT_TRUE(thread.add({1, 2}, base::Fd(::open("/usr/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY))));
    EXPECT_EQ(results.wait_for(2), (std::map<FileId, std::size_t>{{{1, 1}, 3}, {{1, 2}, 0}}));
}

// The name leads elsewhere by the time it is looked at: the open file counts.
TEST(AnalysisThreadTest, LooksAtTheFileThatWasOpened) {
    const TestFile file(boringssl_program());
    base::Fd open = file.open();
    std::remove(file.path().c_str());
    file.write(std::vector<std::uint8_t>(4096));
    Results results;
    AnalysisThread thread([&](const FileId& id, const base::Fd&, const StrippedTls& found) { results.add(id, found); });
    ASSERT_TRUE(thread.add({1, 1}, std::move(open)));
    EXPECT_EQ(results.wait_for(1).at({1, 1}), 3U);
}

TEST(AnalysisThreadTest, EndsWithFilesWaiting) {
    const TestFile file(boringssl_program());
    std::size_t taken = 0;
    {
        AnalysisThread thread([](const FileId&, const base::Fd&, const StrippedTls&) {});
        for (std::uint64_t i = 0; i < AnalysisThread::kMaxWaiting + 100; ++i)
            taken += thread.add({1, i}, file.open());
    }
    EXPECT_GE(taken, AnalysisThread::kMaxWaiting);
}

}  // namespace
}  // namespace llmsnoop::capture::live
