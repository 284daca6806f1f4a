#include "agent/capture/live/mmap_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

namespace llmsnoop::capture::live {
namespace {

TEST(MappingIdentityTest, IsTheOneInMaps) {
    const base::Fd self(open("/proc/self/exe", O_RDONLY));
    const auto id = mapping_identity(self.get());
    ASSERT_TRUE(id.has_value());
    bool found = false;
    for (const MappedFile& file : mapped_files(static_cast<std::uint32_t>(getpid())))
        found = found || file.id == *id;
    EXPECT_TRUE(found);
}

TEST(MmapWatchTest, NoticesExecutableMappings) {
    auto watch = MmapWatch::open();
    if (!watch && watch.error().kind == base::Error::Kind::privilege) {
        GTEST_SKIP() << "NOT RUN: perf_event_open needs privileges: " << watch.error().message;
    }
    ASSERT_TRUE(watch) << watch.error().message;
    const base::Fd self(open("/proc/self/exe", O_RDONLY));
    const auto id = mapping_identity(self.get());
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::vector<MmapWatch::Mapping> mine;
    (*watch)->read([&](const MmapWatch::Mapping& one) {
        if (one.pid == static_cast<std::uint32_t>(getpid())) mine.push_back(one);
    });
    munmap(memory, 4096);
    ASSERT_EQ(mine.size(), 1U);
    EXPECT_EQ(mine[0].id, *id);
    EXPECT_NE(mine[0].path.find("unit_live"), std::string::npos);
}

}  // namespace
}  // namespace llmsnoop::capture::live
