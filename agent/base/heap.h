#pragma once
// How the C library's allocator treats large blocks. Bodies of megabytes come and go all the time; given back to the
// kernel each time, as is the default, their pages are zeroed and mapped anew, which costs more than reading them does.
#include <cstddef>

namespace llmsnoop::base {

inline constexpr std::size_t kKeptHeapBytes = 64U << 20;  // free memory that is kept, at most, in each heap

// Once, before other threads start. Does nothing where the C library is not glibc.
void keep_freed_memory();

}  // namespace llmsnoop::base
