// The structural finder, on what anybody may have made. The first byte chooses:
//   even: the rest is a whole ELF file;
//   odd: the rest is code, beside data that holds the texts which the finder looks for, at an address where code can
//        name it. Whatever is found lies within the code, and is found again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/stripped/boringssl.h"
#include "agent/capture/live/stripped/openssl.h"

namespace {

using namespace llmsnoop;
using namespace llmsnoop::capture::live;

constexpr std::uint64_t kCode = 0x401000, kData = 0x300000;
constexpr std::uint64_t kBudget = 20'000;

void check_inside(const stripped::Image& image, std::uint64_t address) {
    if (image.code_at(address, 1).empty()) std::abort();
}

void look_at(const stripped::Image& image) {
    if (!image.fits()) return;
    const auto machine = stripped::x86_64_machine();
    const auto boringssl_anchors = stripped::find_anchors(image, stripped::kBoringsslAnchor);
    const auto openssl_anchors = stripped::find_anchors(image, stripped::kOpensslAnchor);
    for (int round = 0; round < 2; ++round) {
        static std::uint64_t before = 0;
        std::uint64_t sum = 0;
        stripped::Budget first(kBudget), second(kBudget);
        if (const auto found = stripped::find_boringssl_functions(image, *machine, boringssl_anchors, first)) {
            for (const std::uint64_t one : {found->read, found->write, found->create.value_or(found->read)}) {
                check_inside(image, one);
                sum = sum * 31 + one;
            }
        }
        if (const auto found = stripped::find_openssl_functions(image, *machine, openssl_anchors, second)) {
            for (const std::uint64_t one : {found->read_internal, found->write_internal}) {
                check_inside(image, one);
                sum = sum * 31 + one;
            }
        }
        if (round == 1 && sum != before) std::abort();
        before = sum;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::Bytes rest(data + 1, size - 1);
    if (data[0] % 2 == 1) {
        static constexpr char kTexts[] =
            "\0../../ssl/ssl_lib.cc\0ssl/ssl_lib.c\0SSL_read\0SSL_write\0ssl_read_internal\0ssl_write_internal";
        const base::Bytes texts(reinterpret_cast<const std::uint8_t*>(kTexts), sizeof kTexts);
        look_at(stripped::Image({{kCode, rest, true}, {kData, texts, false}}));
        return 0;
    }
    const int file = memfd_create("stripped", MFD_CLOEXEC);
    if (file < 0 || write(file, rest.data(), rest.size()) != static_cast<ssize_t>(rest.size())) std::abort();
    if (const auto elf = ElfFile::open("/proc/self/fd/" + std::to_string(file))) {
        look_at((*elf)->image());
        (*elf)->functions({"SSL_read", "SSL_write"});
    }
    close(file);
    return 0;
}
