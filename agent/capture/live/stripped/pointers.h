#pragma once
// The pointers in a program's data, as they are once it is loaded. A position-independent program has them in its
// table of relocations: the file need not hold them where they will be. Others have them in place.
//
// Pure; hostile tables end with the budget.
#include <cstdint>

#include "agent/base/function_ref.h"
#include "agent/capture/live/stripped/budget.h"
#include "agent/capture/live/stripped/image.h"

namespace llmsnoop::capture::live::stripped {

struct Pointer {
    std::uint64_t place = 0;  // where it lies
    std::uint64_t value = 0;  // what it points to
};

// Tells those that may point to `first` ... `last`. False if the budget did not suffice. The same one may be told
// twice, and in no order.
bool each_pointer(const Image& image, std::uint64_t first, std::uint64_t last, Budget& budget,
                  base::FunctionRef<void(Pointer)> out);

}  // namespace llmsnoop::capture::live::stripped
