#include "agent/base/heap.h"

#include <malloc.h>

namespace llmsnoop::base {

void keep_freed_memory() {
#ifdef __GLIBC__
    constexpr int kMapFrom = 32 << 20;  // the most that mallopt(3) takes: larger blocks are mappings of their own
    mallopt(M_MMAP_THRESHOLD, kMapFrom);
    mallopt(M_TRIM_THRESHOLD, static_cast<int>(kKeptHeapBytes));
#endif
}

}  // namespace llmsnoop::base
