#pragma once
// Where functions of a program without symbols begin: the targets of its direct calls, and the entries of its unwind
// table where it has one (many releases do not).
//
// A bit for each byte of code. Built in one pass over the code; not changed afterwards.
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/capture/live/stripped/image.h"
#include "agent/capture/live/stripped/machine.h"

namespace llmsnoop::capture::live::stripped {

class FunctionStarts {
 public:
    FunctionStarts(const Image& image, const Machine& machine);

    bool contains(std::uint64_t address) const;

    // The last start at or before `address`, not before `floor`, in the same segment.
    std::optional<std::uint64_t> last_before(std::uint64_t address, std::uint64_t floor) const;

 private:
    struct Marks {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
        std::vector<std::uint64_t> words;
    };

    const Marks* marks_of(std::uint64_t address) const;
    void mark(std::uint64_t address);
    void mark_unwind_table(const Image& image);

    std::vector<Marks> marks_;
};

}  // namespace llmsnoop::capture::live::stripped
