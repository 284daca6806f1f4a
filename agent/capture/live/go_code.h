#pragma once
// Places in the machine code of Go functions (x86-64, ABIInternal).
//
// Pure functions over an ElfFile.
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/probe_site.h"

namespace llmsnoop::capture::live {

// The conditional jump of the stack check at the beginning of the function at `address`: the goroutine's limit at
// 16(R14) has just been compared, and arguments and stack are as at entry. Nothing where the function does not begin
// with one.
std::optional<ProbeSite> go_entry_site(const ElfFile& file, std::uint64_t address);

// Every RET of a function. Empty where the code cannot be decoded to its end, or leaves the function by a jump.
std::vector<ProbeSite> go_return_sites(const ElfFile& file, std::uint64_t address, std::uint64_t size);

}  // namespace llmsnoop::capture::live
