// The structural finder, on what anybody may have made. The first byte chooses, divided by 3, with a rest of
//   0: the rest is a whole ELF file;
//   2: the rest is data, with its dynamic section at the end, beside code that rustls' tables may point to;
//   1: the rest is code, beside data that holds the texts which the finder looks for, at an address where code can
//        name it. Whatever is found lies within the code, and is found again.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/stripped/boringssl.h"
#include "agent/capture/live/stripped/openssl.h"
#include "agent/capture/live/stripped/rustls.h"

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
        stripped::Budget third(kBudget);
        if (const auto found = stripped::find_rustls_functions(image, *machine, third)) {
            for (const auto& functions : {found->encrypt, found->decrypt}) {
                for (const std::uint64_t one : functions) {
                    check_inside(image, one);
                    sum = sum * 31 + one;
                }
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
    if (data[0] % 3 == 2) {
        // Functions that add, at every sixteenth byte, and functions that do not.
        static const std::vector<std::uint8_t> code = [] {
            std::vector<std::uint8_t> out(256, 0xc3);
            constexpr std::uint8_t kAdder[] = {0x48, 0x8d, 0x46, 0x11, 0xc3};
            for (std::size_t at = 0; at < 64; at += 16)
                std::copy(std::begin(kAdder), std::end(kAdder), out.begin() + static_cast<std::ptrdiff_t>(at));
            return out;
        }();
        constexpr std::size_t kDynamic = 80;  // four entries and the last
        stripped::Image::Tables tables;
        if (rest.size() > kDynamic) tables.dynamic = kData + rest.size() - kDynamic;
        look_at(stripped::Image({{kCode, code, true}, {kData, rest, false}}, tables));
        return 0;
    }
    if (data[0] % 3 == 1) {
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
