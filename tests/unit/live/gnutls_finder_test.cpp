// GnuTLS as this machine has it, and what is and is not a mere jump to another function.
#include "agent/capture/live/gnutls_finder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/capture/live/library_watch.h"
#include "tests/unit/live/elf_image.h"

namespace llmsnoop::capture::live {
namespace {

bool jumps(std::vector<std::uint8_t> code) {
    code.resize(64, 0x90);
    // At +0x20 a stub of the procedure linkage table: endbr64; jmp [rip+0x100]
    const std::uint8_t stub[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0, 1, 0, 0};
    std::copy(std::begin(stub), std::end(stub), code.begin() + 0x20);
    const ElfImage file({{kCode, code, true}});
    return only_jumps_to(file.elf(), kCode, kCode + 0x30);
}

TEST(GnuTlsFinderTest, AMereJump) {
    EXPECT_TRUE(jumps({0x45, 0x31, 0xc0, 0x31, 0xc9, 0xeb, 0x29}));   // xor r8d, r8d; xor ecx, ecx; jmp to the function
    EXPECT_TRUE(jumps({0x45, 0x31, 0xc0, 0x31, 0xc9, 0xeb, 0x19}));   // by way of the stub
    EXPECT_FALSE(jumps({0xeb, 0x3}));                                 // elsewhere
    EXPECT_FALSE(jumps({0x31, 0xd2, 0xeb, 0x2c}));                    // with another size
    EXPECT_FALSE(jumps({0x85, 0xd2, 0x74, 0x01, 0xc3, 0xeb, 0x29}));  // not always
    EXPECT_FALSE(jumps({0xc3}));
}

TEST(GnuTlsFinderTest, TheLibraryOfThisMachine) {
    const auto libraries = system_libraries();
    const auto path = std::find_if(libraries.begin(), libraries.end(), [](const std::string& one) {
        return one.find("libgnutls.so.30") != std::string::npos;
    });
    if (path == libraries.end()) GTEST_SKIP() << "no GnuTLS on this machine";
    const auto file = ElfFile::open(*path);
    ASSERT_TRUE(file);
    const auto probes = find_gnutls(**file);
    const auto has = [&](TlsHook hook) {
        return std::any_of(probes.begin(), probes.end(), [&](const PlannedProbe& one) { return one.hook == hook; });
    };
    using enum TlsHook;
    for (const TlsHook hook : {gnutls_recv, gnutls_send, gnutls_uncork, gnutls_handshake, gnutls_init, gnutls_deinit,
                               gnutls_server_name_set, gnutls_recv_packet})
        EXPECT_TRUE(has(hook)) << name_of(hook);
    EXPECT_EQ(find_tls(**file).at(0).library, model::Library::gnutls);
}

TEST(GnuTlsFinderTest, NoOtherLibrary) {
    EXPECT_TRUE(find_gnutls(ElfImage({{kCode, {0xc3}, true}}).elf()).empty());
}

}  // namespace
}  // namespace llmsnoop::capture::live
