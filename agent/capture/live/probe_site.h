#pragma once
// Where in a function a probe is cheap. The kernel emulates `push`, near calls and jumps, conditional jumps and nops;
// every other instruction under a probe is single-stepped out of line, which costs a second trap, up to eighteen times
// the price of the first on a virtual machine. So the place is chosen by disassembly, and what was chosen is told
// (`doctor`).
//
// x86-64 (System V ABI). Pure functions over an ElfFile.
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/capture/live/elf_file.h"

namespace llmsnoop::capture::live {

// What the probe needs where it stands.
enum class Need : std::uint8_t {
    arguments,             // the argument registers as at entry
    arguments_and_return,  // and the return address on top of the stack, where a return probe finds it
};

struct ProbeSite {
    enum class Place : std::uint8_t {
        entry,      // the first instruction
        beyond,     // a later instruction of the straight line from the entry
        internal,   // the entry of the function that the exported ones share
        at_return,  // one of the instructions by which the function returns
    };

    std::uint64_t address = 0;      // virtual
    std::uint64_t file_offset = 0;  // what uprobes take
    Place place = Place::entry;
    bool emulated = false;  // by the kernel, hence cheap
};

std::string_view name_of(ProbeSite::Place place);

// The cheapest place in the function at `address`; the entry itself where no cheaper one is safe. Nothing if there is
// no code.
std::optional<ProbeSite> choose_site(const ElfFile& file, std::uint64_t address, Need need);

// The function that `plain` (ssl, buffer, int number) and `extended` (ssl, buffer, size_t number, size_t *done) both
// call with their own arguments, `plain` passing the address of a local as the fourth: it then has the interface of
// `extended`. OpenSSL's ssl_read_internal and ssl_write_internal. Nothing unless the disassembly proves it.
std::optional<std::uint64_t> shared_callee(const ElfFile& file, std::uint64_t plain, std::uint64_t extended);

// Is `function` nothing but a jump (or call) to `target` with its own first three arguments, directly or by way of the
// procedure linkage table, where whatever is jumped to stands for `target`?
bool only_jumps_to(const ElfFile& file, std::uint64_t function, std::uint64_t target);

}  // namespace llmsnoop::capture::live
